// The driver that clients/conformance starts: commands on standard input, outcomes on standard output.
package latchkey.conformance

import java.net.URI
import java.nio.file.Path
import java.time.Duration
import kotlin.concurrent.thread
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonObjectBuilder
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import latchkey.FileStorage
import latchkey.Later
import latchkey.Latchkey
import latchkey.LoggedOut
import latchkey.Options
import latchkey.Refused
import latchkey.Request

private fun milliseconds(name: String) = Duration.ofMillis(System.getenv(name).toLong())

private fun tell(line: JsonObjectBuilder.() -> Unit) {
    val text = buildJsonObject(line).toString()
    synchronized(System.out) {
        println(text)
        System.out.flush()
    }
}

private fun JsonObject.text(name: String) = getValue(name).jsonPrimitive.content

private fun JsonObjectBuilder.obey(client: Latchkey, command: JsonObject) {
    when (command.text("do")) {
        "login" -> client.login(command.text("username"), command.text("password"), "conformance")
        "call" -> put("status", client.call(Request("GET", URI(command.text("path")))).status)
        "refresh" -> client.refresh()
        "logout" -> client.logout()
    }
    put("outcome", "ok")
}

private fun JsonObjectBuilder.failed(error: Exception) {
    when (error) {
        is LoggedOut -> put("outcome", "logged_out")
        is Later -> put("outcome", "later")
        is Refused -> {
            put("outcome", "refused")
            put("code", error.code)
        }
        else -> put("outcome", "failed")
    }
}

fun main() {
    val client = Latchkey(
        Options(
            baseUrl = System.getenv("LATCHKEY_URL"),
            storage = FileStorage(Path.of(System.getenv("LATCHKEY_STATE"))),
            patience = milliseconds("LATCHKEY_PATIENCE_MS"),
            attemptTimeout = milliseconds("LATCHKEY_ATTEMPT_MS"),
            replayWindow = milliseconds("LATCHKEY_REPLAY_WINDOW_MS"),
            onLoggedOut = { tell { put("event", "logged_out") } },
        ),
    )
    tell {
        put("event", "ready")
        put("shares_state", true)
    }
    for (line in generateSequence(::readLine)) {
        val command = Json.parseToJsonElement(line).jsonObject
        thread {
            tell {
                put("id", command.getValue("id").jsonPrimitive.int)
                try {
                    obey(client, command)
                } catch (error: Exception) {
                    failed(error)
                }
            }
        }
    }
}
