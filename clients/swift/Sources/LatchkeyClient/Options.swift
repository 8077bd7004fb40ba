import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// The settings of a client.
public struct Options: Sendable {
    /// Where Latchkey answers: the stack's ApiUrl, or `http://127.0.0.1:3000`.
    public var baseURL: URL
    public var storage: any Storage
    /// The session's name in the storage.
    public var key = "latchkey"
    /// Further addresses that get the access token: those of your own APIs.
    public var apis: [URL] = []
    /// How long a call waits for a good token.
    public var patience: Duration = .seconds(20)
    /// Of a request to Latchkey. It has to stay well below the service's REPLAY_WINDOW.
    public var attemptTimeout: Duration = .seconds(10)
    /// How long before its expiry an access token is refreshed.
    public var refreshEarly: Duration = .seconds(30)
    /// The service's REPLAY_WINDOW.
    public var replayWindow: Duration = .seconds(30)
    /// Sends the requests in place of a URLSession.
    public var transport: Transport?
    /// Called when the service has ended the login.
    public var onLoggedOut: @Sendable () async -> Void = {}

    public init(baseURL: URL, storage: any Storage) {
        self.baseURL = baseURL
        self.storage = storage
    }
}

/// The addresses that the access token may be sent to.
struct Addresses: Sendable {
    private let known: [URLComponents]

    init(_ options: Options) {
        known = ([options.baseURL] + options.apis).map { url in
            guard var address = URLComponents(url: url, resolvingAgainstBaseURL: true), let scheme = address.scheme?.lowercased(),
                scheme == "http" || scheme == "https", address.host?.isEmpty == false, address.user == nil, address.query == nil
            else { preconditionFailure("baseURL and apis take addresses like https://api.example.com/v1") }
            while address.percentEncodedPath.hasSuffix("/") { address.percentEncodedPath.removeLast() }
            return address
        }
    }

    /// An address of Latchkey itself.
    func latchkey(_ path: String) -> URL {
        var address = known[0]
        address.percentEncodedPath += path
        guard let url = address.url else { preconditionFailure("a path of Latchkey is one") }
        return url
    }

    /// The address to send to: `url`, or what it means below `baseURL` where it is a path. The token goes to those that were named, and
    /// nowhere else.
    func named(_ url: URL) throws -> URL {
        guard var address = URLComponents(url: url, resolvingAgainstBaseURL: true) else { throw LatchkeyError.unknownAddress }
        if address.scheme == nil, address.host == nil, address.percentEncodedPath.hasPrefix("/") {
            address.scheme = known[0].scheme
            address.host = known[0].host
            address.port = known[0].port
            address.percentEncodedPath = known[0].percentEncodedPath + address.percentEncodedPath
        }
        guard address.user == nil, !hasDetour(address.path), known.contains(where: { isBelow($0, address) }), let url = address.url else {
            throw LatchkeyError.unknownAddress
        }
        return url
    }

    private func isBelow(_ base: URLComponents, _ address: URLComponents) -> Bool {
        let path = address.percentEncodedPath
        return address.scheme?.lowercased() == base.scheme?.lowercased() && address.host?.lowercased() == base.host?.lowercased()
            && port(address) == port(base) && (path == base.percentEncodedPath || path.hasPrefix(base.percentEncodedPath + "/"))
    }

    private func port(_ address: URLComponents) -> Int {
        address.port ?? (address.scheme?.lowercased() == "https" ? 443 : 80)
    }

    /// Whether the path leads elsewhere than it seems to: `/v1/../admin` begins with `/v1`.
    private func hasDetour(_ path: String) -> Bool {
        path.contains("\\") || path.split(separator: "/").contains { $0 == ".." || $0 == "." }
    }
}
