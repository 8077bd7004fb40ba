package latchkey

import java.io.IOException
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.time.Duration
import java.util.concurrent.ExecutionException
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException

public class Request(
    public val method: String,
    public val url: URI,
    public val headers: Map<String, String> = emptyMap(),
    public val body: ByteArray? = null,
)

/** An answer that has been read to its end. The names in [headers] have lower case; several lines of `www-authenticate` are one. */
public class Response(public val status: Int, public val headers: Map<String, String>, public val body: ByteArray)

/** Sends requests. It has to follow no redirect, and to throw an IOException where there is no answer in time. */
public fun interface Http {
    public fun send(request: Request, timeout: Duration): Response
}

/** By the JDK's client. Give Android an implementation of its own, with OkHttp for example. */
public class JdkHttp : Http {
    private val client =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).followRedirects(HttpClient.Redirect.NEVER).build()

    override fun send(request: Request, timeout: Duration): Response {
        val body = request.body?.let { HttpRequest.BodyPublishers.ofByteArray(it) } ?: HttpRequest.BodyPublishers.noBody()
        val builder = HttpRequest.newBuilder(request.url).method(request.method, body)
        request.headers.forEach { (name, value) -> builder.header(name, value) }
        val exchange = client.sendAsync(builder.build(), HttpResponse.BodyHandlers.ofByteArray())
        val response = try {
            exchange.get(timeout.toMillis(), TimeUnit.MILLISECONDS)
        } catch (_: TimeoutException) {
            throw IOException("no answer in time")
        } catch (_: ExecutionException) {
            // The cause stays out: it may quote what was sent.
            throw IOException("no answer")
        } finally {
            exchange.cancel(true)
        }
        val headers = response.headers().map().entries.associate { (name, values) ->
            // An API may make several challenges, each in a line of its own.
            name.lowercase().let { it to if (it in CHALLENGES) values.joinToString(", ") else values.first() }
        }
        return Response(response.statusCode(), headers, response.body())
    }
}
