import Foundation
import XCTest
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

@testable import LatchkeyClient

private func address(_ text: String) throws -> URL {
    try XCTUnwrap(URL(string: text))
}

private func answer(_ status: Int, _ type: String, _ body: String) -> Answer {
    Answer(status: status, headers: ["content-type": type], body: Data(body.utf8))
}

private func pairBody(_ number: Int, expires: Date) -> String {
    let formatter = ISO8601DateFormatter()
    let token = String(repeating: "\(number)", count: 40)
    let (access, refresh) = (formatter.string(from: expires), formatter.string(from: expires + 3_600))
    return """
        {"token_type":"Bearer","access_token":"lka_\(token)","refresh_token":"lkr_\(token)","user_id":"u","login_id":"l",
        "access_token_expires_at":"\(access)","refresh_token_expires_at":"\(refresh)"}
        """
}

/// Answers as a service, and notes the beginnings of the tokens that came.
private actor Stand {
    private(set) var refreshed: [String] = []
    private(set) var called: [String] = []

    func answer(_ request: URLRequest) throws -> (Data, HTTPURLResponse) {
        let token = String((request.value(forHTTPHeaderField: "Authorization") ?? "").prefix(12))
        let body: String
        switch request.url?.path {
        case "/login":
            body = pairBody(0, expires: Date() - 18_000)
        case "/refresh":
            refreshed.append(token)
            body = pairBody(refreshed.count, expires: Date() + (refreshed.count == 2 ? 3_600 : -14_400))
        default:
            called.append(token)
            body = "{}"
        }
        let headers = ["Content-Type": "application/json"]
        guard let url = request.url, let response = HTTPURLResponse(url: url, statusCode: 200, httpVersion: nil, headerFields: headers) else {
            throw URLError(.badURL)
        }
        return (Data(body.utf8), response)
    }
}

private struct LockedStorage: Storage {
    func read(_ key: String) throws -> String? { throw CocoaError(.fileReadNoPermission) }
    func update(_ key: String, _ change: (String?) throws -> Change) throws { throw CocoaError(.fileWriteNoPermission) }
}

final class LatchkeyTests: XCTestCase {
    /// A refresh is recovered hours after its answer was lost: the pair that comes is stored, and its access token has expired.
    func testARecoveredPairIsRefreshedBeforeACallGoes() async throws {
        let stand = Stand()
        var options = Options(baseURL: try address("http://127.0.0.1"), storage: MemoryStorage())
        options.transport = { try await stand.answer($0) }
        let client = Latchkey(options)
        try await client.login(username: "demo", password: "right")
        let (_, response) = try await client.data(for: URLRequest(url: address("/me")))
        XCTAssertEqual(response.statusCode, 200)
        let (refreshed, called) = (await stand.refreshed, await stand.called)
        XCTAssertEqual(refreshed, ["Bearer lkr_0", "Bearer lkr_1"])
        XCTAssertEqual(called, ["Bearer lka_2"])
    }

    func testTheBackoffDoublesUpToItsLimit() {
        for failures in 1...100 {
            for random in [0.0, 0.5, 0.999] { XCTAssertTrue((100.0...60_000).contains(backoff(failures, most: 60_000, random: random))) }
        }
        XCTAssertEqual((1...3).map { backoff($0, most: 60_000, random: 1) }, [250, 500, 1_000])
    }

    func testAnUnreadableStorageIsNotLoggedOut() async throws {
        let client = Latchkey(Options(baseURL: try address("http://127.0.0.1"), storage: LockedStorage()))
        do {
            _ = try await client.accessToken()
            XCTFail("a token came from a storage that can't be read")
        } catch {
            XCTAssertEqual(error as? LatchkeyError, .storageFailed)
        }
    }

    func testAFreshAuthenticationIsWantedOfTheUser() throws {
        let url = try address("https://api.example.com/me")
        let isRefused = { (status: Int, headers: [String: String]) in
            try isRefusal(XCTUnwrap(HTTPURLResponse(url: url, statusCode: status, httpVersion: nil, headerFields: headers)))
        }
        let stepUp = #"Bearer error="insufficient_user_authentication", max_age="300""#
        for name in ["WWW-Authenticate", "x-amzn-Remapped-WWW-Authenticate"] {
            XCTAssertFalse(try isRefused(401, [name: stepUp]))
        }
        XCTAssertTrue(try isRefused(401, ["WWW-Authenticate": #"Bearer error="invalid_token""#]))
        XCTAssertTrue(try isRefused(401, [:]))
        XCTAssertFalse(try isRefused(403, [:]))
    }

    func testOnlyTheVerdictEndsALogin() {
        let (problem, body) = ("application/problem+json", #"{"code":"invalid_token"}"#)
        XCTAssertTrue(answer(401, problem, body).ended)
        XCTAssertFalse(answer(401, "text/html", body).ended)
        XCTAssertFalse(answer(403, problem, body).ended)
        XCTAssertFalse(answer(401, problem, #"{"code":"missing_token"}"#).ended)
        XCTAssertFalse(answer(401, problem, "{").ended)
    }

    func testATokenGoesToNamedAddressesAlone() throws {
        var options = Options(baseURL: try address("https://api.example.com/v1"), storage: MemoryStorage())
        options.apis = [try address("https://other.example.com")]
        let addresses = Addresses(options)
        for known in ["https://api.example.com/v1/me", "https://API.example.com:443/v1", "/me", "https://other.example.com/x"] {
            XCTAssertNoThrow(try addresses.named(address(known)), known)
        }
        for unknown in ["https://api.example.com/v1/../admin", "https://api.example.com/v10", "http://api.example.com/v1/me", "//x/v1", "/../admin"] {
            XCTAssertThrowsError(try addresses.named(address(unknown)), unknown)
        }
        let page = try addresses.named(address("/sessions?limit=2"))
        XCTAssertEqual(page.absoluteString, "https://api.example.com/v1/sessions?limit=2")
    }

    func testAStoredSessionIsReadAsItWas() throws {
        let now = Date()
        let pair = try XCTUnwrap(answer(200, "application/json", pairBody(1, expires: now + 240)).pair)
        let session = Session(pair, generation: 7, answer: answer(200, "application/json", ""), now: now)
        XCTAssertEqual(Session.decoded(try session.encoded()), session)
        XCTAssertNil(Session.decoded("{}"))
        let expected: [(Double, Freshness)] = [(0, .fresh), (120, .fresh), (225, .due), (300, .expired)]
        for (after, freshness) in expected {
            XCTAssertEqual(session.freshness(now: now + after, early: 30), freshness, "after \(after) s")
        }
    }

    func testFilesAreReadableForTheirOwnerAlone() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString, isDirectory: true)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let storage = FileStorage(directory: directory)
        XCTAssertNil(try storage.read("latchkey"))
        try storage.update("latchkey") { _ in .set("value") }
        XCTAssertEqual(try storage.read("latchkey"), "value")
        let attributes = try FileManager.default.attributesOfItem(atPath: directory.appendingPathComponent("latchkey").path)
        XCTAssertEqual((attributes[.posixPermissions] as? NSNumber)?.intValue, 0o600)
        try storage.update("latchkey") { _ in .delete }
        XCTAssertNil(try storage.read("latchkey"))
    }
}
