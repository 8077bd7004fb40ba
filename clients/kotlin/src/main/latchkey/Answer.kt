package latchkey

import java.time.Duration
import java.time.Instant
import java.time.ZonedDateTime
import java.time.format.DateTimeFormatter
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

private val CODE = Regex("[a-z_]{1,64}")
/** API Gateway renames the first. */
internal val CHALLENGES = setOf("www-authenticate", "x-amzn-remapped-www-authenticate")
private val LONGEST_WAIT = Duration.ofDays(1)
// A stranger's Retry-After, a proxy's for example, counts for no longer.
private val LONGEST_STRANGERS_WAIT = Duration.ofMinutes(1)

internal fun jsonObject(text: String): JsonObject? = runCatching { Json.parseToJsonElement(text) as? JsonObject }.getOrNull()

internal fun JsonObject.text(name: String): String? = (this[name] as? JsonPrimitive)?.takeIf { it.isString }?.content

internal val Response.mediaType: String
    get() = headers["content-type"].orEmpty().substringBefore(';').trim().lowercase()

/** The code of a problem, or null where something else than Latchkey or its gateway answers. */
internal val Response.code: String?
    get() {
        if (mediaType != "application/problem+json") return null
        return jsonObject(body.decodeToString())?.text("code")?.takeIf(CODE::matches)
    }

internal val Response.pair: Pair?
    get() {
        if (status != 200 || mediaType != "application/json") return null
        return jsonObject(body.decodeToString())?.let(Pair::from)
    }

/** The verdict that ends a login. All three parts count: portals and proxies answer 401 too. */
internal val Response.ended: Boolean get() = status == 401 && code == "invalid_token"

/**
 * Whether the API refused the token. One that wants the user to authenticate again (RFC 9470) refuses none: a refresh wouldn't help,
 * and the login goes on.
 */
internal val Response.refused: Boolean
    get() = status == 401 && CHALLENGES.none { "insufficient_user_authentication" in headers[it].orEmpty() }

internal val Response.superseded: Boolean get() = status == 409 && code == "superseded"

internal val Response.date: Instant? get() = headers["date"]?.let(::httpDate)

private fun httpDate(text: String): Instant? =
    runCatching { ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant() }.getOrNull()

internal fun Response.later(now: Instant): Later {
    val value = headers["retry-after"]?.trim().orEmpty()
    val wait = if (Regex("[0-9]{1,9}").matches(value)) Duration.ofSeconds(value.toLong())
    else httpDate(value)?.let { Duration.between(date ?: now, it) } ?: Duration.ZERO
    return Later(status, wait.coerceIn(Duration.ZERO, if (code == null) LONGEST_STRANGERS_WAIT else LONGEST_WAIT))
}
