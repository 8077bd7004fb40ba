package latchkey

import java.time.Duration

/** What a call fails with. No message quotes a token, a password or an answer's text. */
public sealed class LatchkeyException(message: String) : Exception(message)

/** There is no session: show the login screen. */
public class LoggedOut : LatchkeyException("there is no session: log in")

/** Nothing is decided and the session stays. Try again later. [status] is 0 where there was no answer. */
public class Later(public val status: Int = 0, public val retryAfter: Duration = Duration.ZERO) :
    LatchkeyException("unavailable (status $status): the session stays, try again later")

/** The service has refused a request for good, for example a login with a wrong password. */
public class Refused(public val status: Int, public val code: String) : LatchkeyException("refused: $code (status $status)")

/** The storage failed, or holds something that isn't a session. It doesn't mean "logged out". */
public class StorageFailed : LatchkeyException("the storage failed")

/** The access token isn't sent to this address: it is neither below `baseUrl` nor in `apis`. */
public class UnknownAddress : LatchkeyException("the access token is not sent to this address")
