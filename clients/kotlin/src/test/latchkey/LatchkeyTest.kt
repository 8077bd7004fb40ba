package latchkey

import java.net.URI
import java.time.Duration
import java.time.Instant
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

private fun pair(number: Int, expires: Instant): Response {
    val tokens = "$number".repeat(40)
    val body = """{"token_type":"Bearer","access_token":"lka_$tokens","refresh_token":"lkr_$tokens","user_id":"u","login_id":"l",
        "access_token_expires_at":"$expires","refresh_token_expires_at":"${expires.plusSeconds(3600)}"}"""
    return Response(200, mapOf("content-type" to "application/json"), body.encodeToByteArray())
}

class LatchkeyTest {
    /** A refresh is recovered hours after its answer was lost: the pair that comes is stored, and its access token has expired. */
    @Test
    fun aRecoveredPairIsRefreshedBeforeACallGoes() {
        val refreshed = mutableListOf<String?>()
        val called = mutableListOf<String?>()
        val http = Http { request, _ ->
            val token = request.headers["Authorization"]
            when (request.url.path) {
                "/login" -> pair(0, Instant.now().minusSeconds(18_000))
                "/refresh" -> {
                    refreshed += token
                    pair(refreshed.size, Instant.now().plusSeconds(if (refreshed.size == 2) 3_600 else -14_400))
                }
                else -> Response(200, emptyMap(), ByteArray(0)).also { called += token }
            }
        }
        val client = Latchkey(Options("http://127.0.0.1", MemoryStorage(), http = http))
        client.login("demo", "right")
        assertEquals(200, client.call(Request("GET", URI("/me"))).status)
        assertEquals(listOf("Bearer lkr_0", "Bearer lkr_1"), refreshed.map { it?.take(12) })
        assertEquals(listOf("Bearer lka_2"), called.map { it?.take(12) })
    }

    @Test
    fun theBackoffDoublesUpToItsLimit() {
        for (failures in 1..100) {
            for (random in listOf(0.0, 0.5, 0.999)) assertTrue(backoff(failures, 60_000, random) in 100..60_000)
        }
        assertEquals(listOf(250L, 500L, 1_000L), (1..3).map { backoff(it, 60_000, 1.0) })
    }

    @Test
    fun anUnreadableStorageIsNotLoggedOut() {
        val locked = object : Storage {
            override fun read(key: String) = error("locked")

            override fun update(key: String, change: (String?) -> Change) = error("locked")
        }
        assertFailsWith<StorageFailed> { Latchkey(Options("http://127.0.0.1", locked)).accessToken() }
    }

    @Test
    fun aFreshAuthenticationIsWantedOfTheUser() {
        val none = ByteArray(0)
        val stepUp = """Bearer error="insufficient_user_authentication", max_age="300""""
        for (name in listOf("www-authenticate", "x-amzn-remapped-www-authenticate")) {
            assertFalse(Response(401, mapOf(name to stepUp), none).refused)
        }
        assertTrue(Response(401, mapOf("www-authenticate" to """Bearer error="invalid_token""""), none).refused)
        assertTrue(Response(401, emptyMap(), none).refused)
        assertFalse(Response(403, emptyMap(), none).refused)
    }

    @Test
    fun onlyTheVerdictEndsALogin() {
        val problem = mapOf("content-type" to "application/problem+json")
        val body = """{"code":"invalid_token"}""".encodeToByteArray()
        assertTrue(Response(401, problem, body).ended)
        assertFalse(Response(401, mapOf("content-type" to "text/html"), body).ended)
        assertFalse(Response(403, problem, body).ended)
        assertFalse(Response(401, problem, """{"code":"missing_token"}""".encodeToByteArray()).ended)
        assertFalse(Response(401, problem, "{".encodeToByteArray()).ended)
    }

    @Test
    fun aTokenGoesToNamedAddressesAlone() {
        val client = Latchkey(Options("https://api.example.com/v1", MemoryStorage(), apis = listOf("https://other.example.com")))
        for (known in listOf("https://api.example.com/v1/me", "/me", "https://other.example.com/x")) client.address(URI(known))
        val unknown = listOf("https://api.example.com/v1/../admin", "https://api.example.com/v10", "http://api.example.com/v1/me", "//x/v1")
        for (address in unknown) assertFailsWith<UnknownAddress>(address) { client.address(URI(address)) }
    }

    @Test
    fun aStoredSessionIsReadAsItWas() {
        val now = Instant.now()
        val pair = pair(1, now.plusSeconds(240)).pair!!
        val stored = Session.decode(Session(pair, 7, "secret", now, Duration.ofHours(-3)).encode())!!
        assertEquals(listOf<Any>(7L, "secret", now, Duration.ofHours(-3)), stored.run { listOf(generation, keySecret, receivedAt, clockOffset) })
        assertEquals(pair.refreshToken, stored.pair.refreshToken)
        val inTime = Session(pair, 7, "secret", now, Duration.ZERO)
        val seconds = mapOf(0L to Freshness.FRESH, 120L to Freshness.FRESH, 225L to Freshness.DUE, 300L to Freshness.EXPIRED)
        for ((after, expected) in seconds) assertEquals(expected, inTime.freshness(now.plusSeconds(after), Duration.ofSeconds(30)))
    }
}
