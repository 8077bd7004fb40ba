import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Keeps one login. Any task may make its calls.
public actor Latchkey {
    private let options: Options
    private let addresses: Addresses
    private let vault: Vault
    private let connection: Connection?
    private let transport: Transport
    private let service: Service
    private let refresher: Refresher

    public init(_ options: Options) {
        self.options = options
        addresses = Addresses(options)
        vault = Vault(storage: options.storage, key: options.key)
        if let given = options.transport {
            connection = nil
            transport = given
        } else {
            let own = Connection()
            connection = own
            transport = { try await own.send($0) }
        }
        service = Service(addresses: addresses, transport: transport, timeout: options.attemptTimeout)
        refresher = Refresher(service: service, vault: vault, replayWindow: options.replayWindow, loggedOut: options.onLoggedOut)
    }

    private struct Credentials: Encodable {
        let username: String
        let password: String
        let device: String?
        let device_id: String
    }

    /// Logs in and stores the pair. It fails with `refused` or `later`, and repeats nothing. `device` is a name for people.
    @discardableResult
    public func login(username: String, password: String, device: String? = nil) async throws -> SessionInfo {
        let credentials = Credentials(username: username, password: password, device: device, device_id: try vault.deviceID())
        let body = try JSONEncoder().encode(credentials)
        let answer = try await ask("/login", headers: ["Content-Type": "application/json"], body: body)
        guard let pair = answer.pair else { throw failure(answer) }
        let first = Session(pair, generation: 0, answer: answer, now: Date())
        try vault.begin(first)
        return SessionInfo(first)
    }

    /// The stored session, or nil. It asks the storage, not the service.
    public func session() throws -> SessionInfo? {
        try vault.read().map(SessionInfo.init)
    }

    /// Sends `request` with the access token, refreshed before where it is due. Where the API answers 401, it sends the request once more
    /// with a newer token, unless the API wants the user to authenticate again. It follows no redirect. The URL is below `baseURL` or one of `apis`, or a path below `baseURL`.
    public func data(for request: URLRequest, timeout: Duration = .seconds(30)) async throws -> (Data, HTTPURLResponse) {
        guard let url = request.url else { throw LatchkeyError.unknownAddress }
        var addressed = request
        addressed.url = try addresses.named(url)
        let deadline = ContinuousClock.now + options.patience
        let stored = try await usable(deadline)
        let answer = try await send(addressed, stored, timeout)
        if !isRefusal(answer.1) { return answer }
        let newer = try await refresher.after(stored, deadline: deadline)
        // Not repeated as another user who logged in meanwhile, nor with a body that is used up.
        if newer.pair.loginID != stored.pair.loginID || request.httpBodyStream != nil { return answer }
        return try await send(addressed, newer, timeout)
    }

    /// An access token that is good now, for a WebSocket for example. Don't keep it.
    public func accessToken() async throws -> String {
        try await usable(ContinuousClock.now + options.patience).pair.accessToken
    }

    /// Refreshes now, or takes the pair that another process has got since.
    @discardableResult
    public func refresh() async throws -> SessionInfo {
        guard let stored = try vault.read() else { throw LatchkeyError.loggedOut }
        return SessionInfo(try await refresher.after(stored, deadline: ContinuousClock.now + options.patience))
    }

    /// Ends the login at the service and then forgets it. Where the service can't be reached it fails with `later` and the session stays: call
    /// it again, or `forget`. Without a session it does nothing.
    public func logout() async throws {
        guard let stored = try vault.read() else { return }
        // The access token may be an old one.
        let answer = try await ask("/logout", token: stored.pair.refreshToken)
        if answer.status != 204, !answer.ended { throw answer.later(now: Date()) }
        // A refresh of this login may come in between.
        while let now = try vault.read(), now.pair.loginID == stored.pair.loginID {
            if try vault.forget(now.pair.refreshToken) { return }
        }
    }

    /// Deletes the session here and leaves the login alone at the service.
    public func forget() throws {
        try vault.clear()
    }

    /// Stops the refresh that goes on in the background. The session stays stored. The client can't be used afterwards.
    public func close() async {
        await refresher.close()
        connection?.close()
    }

    /// A session whose access token is good. A recovered one may have expired meanwhile: it is refreshed first.
    private func usable(_ deadline: ContinuousClock.Instant) async throws -> Session {
        guard var stored = try vault.read() else { throw LatchkeyError.loggedOut }
        let early = Double(options.refreshEarly.components.seconds)
        for _ in 0..<2 {
            switch stored.freshness(now: Date(), early: early) {
            case .fresh:
                return stored
            case .due:
                do {
                    return try await refresher.after(stored, deadline: deadline, early: true)
                } catch let error as LatchkeyError where error.isLater {
                    return stored
                }
            case .expired:
                stored = try await refresher.after(stored, deadline: deadline)
            }
        }
        // A second pair that has expired on arrival means that a clock is wrong. It is used as it is.
        return stored
    }

    private func send(_ request: URLRequest, _ session: Session, _ timeout: Duration) async throws -> (Data, HTTPURLResponse) {
        var authorized = request
        authorized.setValue("Bearer \(session.pair.accessToken)", forHTTPHeaderField: "Authorization")
        let (transport, sent) = (self.transport, authorized)
        return try await bounded(timeout) { try await transport(sent) }
    }

    /// A request to Latchkey. A cancelled task is that; without an answer it is "later".
    private func ask(_ path: String, token: String? = nil, headers: [String: String] = [:], body: Data? = nil) async throws -> Answer {
        do {
            return try await service.post(path, token: token, headers: headers, body: body)
        } catch {
            try Task.checkCancellation()
            throw LatchkeyError.unanswered
        }
    }

    private func failure(_ answer: Answer) -> LatchkeyError {
        guard let code = answer.code, answer.status < 500, answer.status != 429 else { return answer.later(now: Date()) }
        return .refused(status: answer.status, code: code)
    }
}
