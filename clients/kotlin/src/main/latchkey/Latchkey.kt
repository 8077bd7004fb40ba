package latchkey

import java.io.IOException
import java.net.URI
import java.time.Duration
import java.time.Instant
import kotlin.concurrent.thread
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put

/**
 * @property baseUrl where Latchkey answers: the stack's ApiUrl, or `http://127.0.0.1:3000`.
 * @property key the session's name in the storage.
 * @property apis further addresses that get the access token: those of your own APIs.
 * @property patience how long a call waits for a good token.
 * @property attemptTimeout of a request to Latchkey. It has to stay well below the service's REPLAY_WINDOW.
 * @property refreshEarly how long before its expiry an access token is refreshed.
 * @property replayWindow the service's REPLAY_WINDOW.
 * @property onLoggedOut is called, in a thread of its own, when the service has ended the login.
 */
public class Options(
    baseUrl: String,
    public val storage: Storage,
    public val key: String = "latchkey",
    apis: List<String> = emptyList(),
    public val patience: Duration = Duration.ofSeconds(20),
    public val attemptTimeout: Duration = Duration.ofSeconds(10),
    public val refreshEarly: Duration = Duration.ofSeconds(30),
    public val replayWindow: Duration = Duration.ofSeconds(30),
    public val http: Http = JdkHttp(),
    public val onLoggedOut: () -> Unit = {},
) {
    internal val addresses: List<URI> = (listOf(baseUrl) + apis).map { address ->
        val uri = URI(address.trimEnd('/'))
        require(uri.scheme in setOf("http", "https") && uri.host != null && uri.userInfo == null && uri.rawQuery == null) {
            "baseUrl and apis take addresses like https://api.example.com/v1"
        }
        uri
    }

    internal fun send(path: String, token: String?, headers: Map<String, String> = emptyMap(), body: String? = null): Response {
        val authorization = if (token == null) emptyMap() else mapOf("Authorization" to "Bearer $token")
        return http.send(Request("POST", URI("${addresses[0]}$path"), headers + authorization, body?.encodeToByteArray()), attemptTimeout)
    }
}

/** What may be known of the stored session; the tokens stay inside. */
public class SessionInfo(
    public val userId: String,
    public val loginId: String,
    public val accessTokenExpiresAt: Instant,
    public val refreshTokenExpiresAt: Instant,
)

/** Keeps one login. Its calls block, and any thread may make them; with coroutines, make them in `Dispatchers.IO`. */
public class Latchkey(private val options: Options) : AutoCloseable {
    private val vault = Vault(options.storage, options.key)
    private val refreshing = Refreshing(options, vault) { thread(isDaemon = true) { options.onLoggedOut() } }

    /** Logs in and stores the pair. It fails with [Refused] or [Later], and repeats nothing. */
    public fun login(username: String, password: String, device: String? = null): SessionInfo {
        val deviceId = vault.deviceId()
        val body = buildJsonObject {
            put("username", username)
            put("password", password)
            put("device", device)
            put("device_id", deviceId)
        }
        val answer = ask("/login", null, mapOf("Content-Type" to "application/json"), body.toString())
        val pair = answer.pair ?: throw failure(answer)
        val first = Session.of(answer, pair, 0, randomName(), Instant.now())
        vault.begin(first)
        return info(first)
    }

    /** The stored session, or null. It asks the storage, not the service. */
    public fun session(): SessionInfo? = vault.read()?.let(::info)

    /**
     * Sends [request] with the access token, refreshed before where it is due. Where the API answers 401, it sends the request once
     * more with a newer token, unless the API wants the user to authenticate again. It follows no redirect. The URL is below `baseUrl` or one of `apis`, or a path below `baseUrl`.
     */
    public fun call(request: Request, timeout: Duration = Duration.ofSeconds(30)): Response {
        val url = address(request.url)
        val deadline = deadline()
        val usable = usable(deadline)
        val answer = send(request, url, usable, timeout)
        if (!answer.refused) return answer
        val newer = refreshing.after(usable, deadline)
        // Not repeated as another user who logged in meanwhile.
        return if (newer.pair.loginId == usable.pair.loginId) send(request, url, newer, timeout) else answer
    }

    /** An access token that is good now, for a WebSocket for example. Don't keep it. */
    public fun accessToken(): String = usable(deadline()).pair.accessToken

    /** Refreshes now, or takes the pair that another process has got since. */
    public fun refresh(): SessionInfo = info(refreshing.after(vault.read() ?: throw LoggedOut(), deadline()))

    /**
     * Ends the login at the service and then forgets it. Where the service can't be reached it fails with [Later] and the session
     * stays: call it again, or [forget]. Without a session it does nothing.
     */
    public fun logout() {
        val stored = vault.read() ?: return
        // The access token may be an old one.
        val answer = ask("/logout", stored.pair.refreshToken)
        if (answer.status != 204 && !answer.ended) throw answer.later(Instant.now())
        // A refresh of this login may come in between.
        while (true) {
            val now = vault.read()
            if (now == null || now.pair.loginId != stored.pair.loginId || vault.forget(now.pair.refreshToken)) return
        }
    }

    /** Deletes the session here and leaves the login alone at the service. */
    public fun forget(): Unit = vault.clear()

    /** Stops the refresh that goes on in the background. The session stays stored. */
    override fun close(): Unit = refreshing.close()

    /** A session whose access token is good. A recovered one may have expired meanwhile: it is refreshed first. */
    private fun usable(deadline: Long): Session {
        var stored = vault.read() ?: throw LoggedOut()
        repeat(2) {
            when (stored.freshness(Instant.now(), options.refreshEarly)) {
                Freshness.FRESH -> return stored
                Freshness.DUE -> return try {
                    refreshing.after(stored, deadline, early = true)
                } catch (_: Later) {
                    stored
                }
                Freshness.EXPIRED -> stored = refreshing.after(stored, deadline)
            }
        }
        // A second pair that has expired on arrival means that a clock is wrong. It is used as it is.
        return stored
    }

    private fun deadline(): Long = elapsed() + options.patience.toMillis()

    private fun send(request: Request, url: URI, session: Session, timeout: Duration): Response {
        val headers = request.headers.filterKeys { !it.equals("authorization", ignoreCase = true) }
        val authorization = "Authorization" to "Bearer ${session.pair.accessToken}"
        return options.http.send(Request(request.method, url, headers + authorization, request.body), timeout)
    }

    private fun ask(path: String, token: String?, headers: Map<String, String> = emptyMap(), body: String? = null): Response =
        try {
            options.send(path, token, headers, body)
        } catch (_: IOException) {
            throw Later()
        }

    private fun failure(answer: Response): LatchkeyException {
        val code = answer.code
        return if (code == null || answer.status >= 500 || answer.status == 429) answer.later(Instant.now()) else Refused(answer.status, code)
    }

    /** The address to send to. The token goes to those that were named, and nowhere else. */
    internal fun address(url: URI): URI {
        if (url.scheme == null && url.rawAuthority == null && url.rawPath.startsWith("/")) {
            return address(URI("${options.addresses[0]}$url"))
        }
        val known = options.addresses.any { base ->
            url.scheme == base.scheme && url.rawAuthority == base.rawAuthority && ".." !in url.path.split('/') &&
                (url.rawPath == base.rawPath || url.rawPath.startsWith("${base.rawPath}/"))
        }
        if (!known) throw UnknownAddress()
        return url
    }

    private fun info(session: Session) = session.pair.run { SessionInfo(userId, loginId, accessTokenExpiresAt, refreshTokenExpiresAt) }
}
