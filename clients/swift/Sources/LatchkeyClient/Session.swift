import Foundation

/// What `POST /login` and `POST /refresh` answer with.
struct Pair: Codable, Equatable, Sendable {
    let accessToken: String
    let accessTokenExpiresAt: String
    let refreshToken: String
    let refreshTokenExpiresAt: String
    let userID: String
    let loginID: String

    enum CodingKeys: String, CodingKey {
        case accessToken = "access_token"
        case accessTokenExpiresAt = "access_token_expires_at"
        case refreshToken = "refresh_token"
        case refreshTokenExpiresAt = "refresh_token_expires_at"
        case userID = "user_id"
        case loginID = "login_id"
    }

    /// What comes from a network or a storage isn't a pair before this has looked at it.
    var isWhole: Bool {
        isToken(accessToken) && isToken(refreshToken) && timestamp(accessTokenExpiresAt) != nil && timestamp(refreshTokenExpiresAt) != nil
            && !userID.isEmpty && !loginID.isEmpty
    }
}

enum Freshness { case fresh, due, expired }

/// A pair and what the client knows about it, stored as one value.
struct Session: Codable, Equatable, Sendable {
    var version = 1
    let pair: Pair
    /// 0 at login and one more with each refresh. All processes count alike, because a refresh token has one successor.
    let generation: Int
    /// The Idempotency-Key of the pair's refresh token. It is drawn when the pair is stored. Where several processes get the same pair, the
    /// first one stores it and the others take what is stored, so all of them send the same key.
    let key: String
    /// Seconds since 1970, by the server's clock.
    let receivedAt: Double
    /// Seconds that give the server's time when added to the device's.
    let clockOffset: Double

    init(_ pair: Pair, generation: Int, answer: Answer, now: Date) {
        self.pair = pair
        self.generation = generation
        key = randomName()
        clockOffset = answer.date.map { $0.timeIntervalSince(now) } ?? 0
        receivedAt = now.timeIntervalSince1970 + clockOffset
    }

    func replaces(_ other: Session) -> Bool {
        pair.loginID == other.pair.loginID && generation > other.generation
    }

    /// A token is due `early` seconds before it expires, and never in the first three quarters of its life.
    func freshness(now: Date, early: Double) -> Freshness {
        guard let expiry = timestamp(pair.accessTokenExpiresAt)?.timeIntervalSince1970 else { return .expired }
        let server = now.timeIntervalSince1970 + clockOffset
        if server >= expiry { return .expired }
        let quarter = max(0, expiry - receivedAt) / 4
        return server >= expiry - min(early, quarter) ? .due : .fresh
    }

    func encoded() throws -> String {
        String(decoding: try JSONEncoder().encode(self), as: UTF8.self)
    }

    /// Nil where the text isn't a session of this version. The decoder's errors stay out: they quote the text.
    static func decoded(_ text: String) -> Session? {
        guard let session = try? JSONDecoder().decode(Session.self, from: Data(text.utf8)) else { return nil }
        return session.version == 1 && session.pair.isWhole && !session.key.isEmpty ? session : nil
    }
}

/// What may be known of the stored session; the tokens stay inside.
public struct SessionInfo: Equatable, Sendable {
    public let userID: String
    public let loginID: String
    public let accessTokenExpiresAt: Date
    public let refreshTokenExpiresAt: Date

    init(_ session: Session) {
        userID = session.pair.userID
        loginID = session.pair.loginID
        // Both were looked at when the pair came.
        accessTokenExpiresAt = timestamp(session.pair.accessTokenExpiresAt) ?? .distantPast
        refreshTokenExpiresAt = timestamp(session.pair.refreshTokenExpiresAt) ?? .distantPast
    }
}

// Latchkey's own tokens have 256 characters; those that it takes over from another service have 16 or more.
private func isToken(_ text: String) -> Bool {
    (16...256).contains(text.utf8.count) && text.utf8.allSatisfy(isURLSafe)
}

func isURLSafe(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): return true
    case UInt8(ascii: "-"), UInt8(ascii: "_"): return true
    default: return false
    }
}

/// An RFC 3339 date, with or without a fraction of a second.
func timestamp(_ text: String) -> Date? {
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
    if let date = formatter.date(from: text) { return date }
    formatter.formatOptions = [.withInternetDateTime]
    return formatter.date(from: text)
}

/// 22 URL-safe characters, 128 bits of the system's generator.
func randomName() -> String {
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    return Data(bytes).base64EncodedString().prefix(22).replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
}
