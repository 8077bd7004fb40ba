package latchkey

import java.security.MessageDigest
import java.security.SecureRandom
import java.time.Duration
import java.time.Instant
import java.util.Base64
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put

// Latchkey's own tokens have 256 characters; those that it takes over from another service have 16 or more.
private val TOKEN = Regex("[A-Za-z0-9_-]{16,256}")

internal class Pair(
    val accessToken: String,
    val accessTokenExpiresAt: Instant,
    val refreshToken: String,
    val refreshTokenExpiresAt: Instant,
    val userId: String,
    val loginId: String,
) {
    companion object {
        fun from(json: JsonObject): Pair? {
            fun token(name: String) = json.text(name)?.takeIf(TOKEN::matches)
            fun time(name: String) = json.text(name)?.let { runCatching { Instant.parse(it) }.getOrNull() }
            fun name(name: String) = json.text(name)?.takeIf(String::isNotEmpty)
            return Pair(
                token("access_token") ?: return null,
                time("access_token_expires_at") ?: return null,
                token("refresh_token") ?: return null,
                time("refresh_token_expires_at") ?: return null,
                name("user_id") ?: return null,
                name("login_id") ?: return null,
            )
        }
    }
}

internal enum class Freshness { FRESH, DUE, EXPIRED }

/**
 * A pair and what the client knows about it, stored as one value. [generation] is 0 at login and one more with each refresh; all
 * processes count alike, because a refresh token has one successor. [keySecret] makes the Idempotency-Keys and is never sent.
 * [clockOffset] gives the server's time when added to the device's.
 */
internal class Session(
    val pair: Pair,
    val generation: Long,
    val keySecret: String,
    val receivedAt: Instant,
    val clockOffset: Duration,
) {
    /** Processes that share a storage derive the same key. An observer of one request doesn't know the key of the next. */
    val key: String
        get() = base64(MessageDigest.getInstance("SHA-256").digest("$keySecret ${pair.refreshToken}".encodeToByteArray()))

    fun replaces(other: Session): Boolean = pair.loginId == other.pair.loginId && generation > other.generation

    fun next(answer: Response, pair: Pair, now: Instant): Session = of(answer, pair, generation + 1, keySecret, now)

    /** A token is due [early] before it expires, and never in the first three quarters of its life. */
    fun freshness(now: Instant, early: Duration): Freshness {
        val server = now + clockOffset
        val quarter = Duration.between(receivedAt, pair.accessTokenExpiresAt).dividedBy(4).coerceAtLeast(Duration.ZERO)
        return when {
            server >= pair.accessTokenExpiresAt -> Freshness.EXPIRED
            server >= pair.accessTokenExpiresAt - minOf(early, quarter) -> Freshness.DUE
            else -> Freshness.FRESH
        }
    }

    fun encode(): String = buildJsonObject {
        put("version", "1")
        put("access_token", pair.accessToken)
        put("access_token_expires_at", pair.accessTokenExpiresAt.toString())
        put("refresh_token", pair.refreshToken)
        put("refresh_token_expires_at", pair.refreshTokenExpiresAt.toString())
        put("user_id", pair.userId)
        put("login_id", pair.loginId)
        put("generation", generation.toString())
        put("key_secret", keySecret)
        put("received_at", receivedAt.toString())
        put("clock_offset", clockOffset.toString())
    }.toString()

    companion object {
        fun of(answer: Response, pair: Pair, generation: Long, secret: String, now: Instant): Session {
            val offset = answer.date?.let { Duration.between(now, it) } ?: Duration.ZERO
            return Session(pair, generation, secret, now + offset, offset)
        }

        /** Null where the text is no session of this version. */
        fun decode(text: String): Session? {
            val json = jsonObject(text)?.takeIf { it.text("version") == "1" } ?: return null
            return runCatching {
                Session(
                    Pair.from(json)!!,
                    json.text("generation")!!.toLong(),
                    json.text("key_secret")!!,
                    Instant.parse(json.text("received_at")!!),
                    Duration.parse(json.text("clock_offset")!!),
                )
            }.getOrNull()
        }
    }
}

/** 22 URL-safe characters, 128 random bits. */
internal fun randomName(): String = base64(ByteArray(16).also(SecureRandom()::nextBytes))

private fun base64(bytes: ByteArray): String = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes)
