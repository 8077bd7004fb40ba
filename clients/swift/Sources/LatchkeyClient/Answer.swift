import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// An answer that has been read to its end. The names of the headers have lower case.
struct Answer: Sendable {
    let status: Int
    let headers: [String: String]
    let body: Data

    private struct Problem: Decodable { let code: String }

    private var mediaType: String {
        let type = headers["content-type"]?.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        return type.trimmingCharacters(in: .whitespaces).lowercased()
    }

    /// The code of a problem, or nil where something else than Latchkey or its gateway answers.
    var code: String? {
        guard mediaType == "application/problem+json" else { return nil }
        guard let code = (try? JSONDecoder().decode(Problem.self, from: body))?.code else { return nil }
        let isWord = (1...64).contains(code.utf8.count) && code.utf8.allSatisfy { $0 == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
        return isWord ? code : nil
    }

    var pair: Pair? {
        guard status == 200, mediaType == "application/json" else { return nil }
        guard let pair = try? JSONDecoder().decode(Pair.self, from: body) else { return nil }
        return pair.isWhole ? pair : nil
    }

    /// The verdict that ends a login. All three parts count: portals and proxies answer 401 too.
    var ended: Bool { status == 401 && code == "invalid_token" }

    var superseded: Bool { status == 409 && code == "superseded" }

    var date: Date? { headers["date"].flatMap(httpDate) }

    /// "Later", with what the answer says about when. A stranger's Retry-After, a proxy's for example, counts for a minute at most.
    func later(now: Date) -> LatchkeyError {
        let value = headers["retry-after"]?.trimmingCharacters(in: .whitespaces) ?? ""
        var seconds = 0.0
        if (1...9).contains(value.utf8.count), let number = UInt(value) {
            seconds = Double(number)
        } else if let at = httpDate(value) {
            seconds = at.timeIntervalSince(date ?? now)
        }
        let longest = code == nil ? 60.0 : 86_400
        return .later(status: status, retryAfter: .milliseconds(Int64(min(max(0, seconds), longest) * 1_000)))
    }
}

/// Whether the API refused the token. One that wants the user to authenticate again (RFC 9470) refuses none: a refresh wouldn't help,
/// and the login goes on.
func isRefusal(_ response: HTTPURLResponse) -> Bool {
    let challenges = ["WWW-Authenticate", "x-amzn-Remapped-WWW-Authenticate"].compactMap { response.value(forHTTPHeaderField: $0) }
    return response.statusCode == 401 && !challenges.contains { $0.contains("insufficient_user_authentication") }
}

private func httpDate(_ text: String) -> Date? {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return formatter.date(from: text)
}
