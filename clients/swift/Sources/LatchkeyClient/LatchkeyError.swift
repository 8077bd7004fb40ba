/// What a call fails with. No case holds a token, a password or an answer's text.
public enum LatchkeyError: Error, Equatable, Sendable {
    /// There is no session: show the login screen.
    case loggedOut
    /// Nothing is decided and the session stays. Try again later. `status` is 0 where there was no answer.
    case later(status: Int, retryAfter: Duration)
    /// The service has refused a request for good, for example a login with a wrong password.
    case refused(status: Int, code: String)
    /// The storage failed, or holds something that isn't a session. It doesn't mean "logged out".
    case storageFailed
    /// The access token isn't sent to this address: it is neither below `baseURL` nor in `apis`.
    case unknownAddress

    /// There was no answer.
    static let unanswered = LatchkeyError.later(status: 0, retryAfter: .zero)

    var isLater: Bool {
        if case .later = self { return true }
        return false
    }
}
