// The driver that clients/conformance starts: commands on standard input, outcomes on standard output.
import Foundation
import LatchkeyClient
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

struct Command: Decodable, Sendable {
    let id: Int
    let `do`: String
    let username: String?
    let password: String?
    let path: String?
}

@main
struct Driver {
    private static let output = NSLock()

    static func main() throws {
        let environment = ProcessInfo.processInfo.environment
        func milliseconds(_ name: String) -> Duration {
            guard let value = environment[name].flatMap({ Int64($0) }) else { fatalError("\(name) is not a number") }
            return .milliseconds(value)
        }
        guard let address = environment["LATCHKEY_URL"].flatMap({ URL(string: $0) }), let state = environment["LATCHKEY_STATE"] else {
            fatalError("LATCHKEY_URL and LATCHKEY_STATE have to be set")
        }
        var options = Options(baseURL: address, storage: FileStorage(directory: URL(fileURLWithPath: state, isDirectory: true)))
        options.patience = milliseconds("LATCHKEY_PATIENCE_MS")
        options.attemptTimeout = milliseconds("LATCHKEY_ATTEMPT_MS")
        options.replayWindow = milliseconds("LATCHKEY_REPLAY_WINDOW_MS")
        options.onLoggedOut = { Driver.tell(["event": "logged_out"]) }
        let client = Latchkey(options)
        tell(["event": "ready", "shares_state": true])
        while let line = readLine() {
            let command = try JSONDecoder().decode(Command.self, from: Data(line.utf8))
            // Detached: this thread waits for the next line.
            Task.detached {
                var told: [String: Any] = ["id": command.id]
                do {
                    if let status = try await Driver.obey(client, command) { told["status"] = status }
                    told["outcome"] = "ok"
                } catch {
                    told.merge(Driver.outcome(error)) { _, new in new }
                }
                Driver.tell(told)
            }
        }
    }

    /// The status of a call; nil of everything else.
    private static func obey(_ client: Latchkey, _ command: Command) async throws -> Int? {
        switch command.do {
        case "login":
            try await client.login(username: command.username ?? "", password: command.password ?? "", device: "conformance")
        case "call":
            guard let url = command.path.flatMap({ URL(string: $0) }) else { throw URLError(.badURL) }
            return try await client.data(for: URLRequest(url: url)).1.statusCode
        case "refresh":
            try await client.refresh()
        case "logout":
            try await client.logout()
        default:
            throw URLError(.unsupportedURL)
        }
        return nil
    }

    private static func outcome(_ error: Error) -> [String: Any] {
        guard let error = error as? LatchkeyError else { return ["outcome": "failed"] }
        switch error {
        case .loggedOut: return ["outcome": "logged_out"]
        case .later: return ["outcome": "later"]
        case .refused(_, let code): return ["outcome": "refused", "code": code]
        case .storageFailed, .unknownAddress: return ["outcome": "failed"]
        }
    }

    private static func tell(_ line: [String: Any]) {
        guard var data = try? JSONSerialization.data(withJSONObject: line) else { return }
        data.append(UInt8(ascii: "\n"))
        output.lock()
        defer { output.unlock() }
        FileHandle.standardOutput.write(data)
    }
}
