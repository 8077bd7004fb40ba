import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Requests to Latchkey itself, each bounded in time.
struct Service: Sendable {
    let addresses: Addresses
    let transport: Transport
    let timeout: Duration

    /// The answer, whatever its status. Fails where none came in time.
    func post(_ path: String, token: String? = nil, headers: [String: String] = [:], body: Data? = nil) async throws -> Answer {
        var request = URLRequest(url: addresses.latchkey(path))
        request.httpMethod = "POST"
        request.httpBody = body
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        let (transport, sent) = (self.transport, request)
        let (data, response) = try await bounded(timeout) { try await transport(sent) }
        return Answer(response, data)
    }
}

extension Answer {
    init(_ response: HTTPURLResponse, _ body: Data) {
        var headers: [String: String] = [:]
        for (name, value) in response.allHeaderFields {
            if let name = name as? String, let value = value as? String { headers[name.lowercased()] = value }
        }
        self.init(status: response.statusCode, headers: headers, body: body)
    }
}
