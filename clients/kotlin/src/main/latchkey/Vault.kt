package latchkey

private val DEVICE_ID = Regex("[A-Za-z0-9_-]{16,64}")

/** The stored session. Each change compares under the storage's lock. */
internal class Vault(private val storage: Storage, private val key: String) {
    /** Asks the storage anew for each request: another process may have refreshed or logged out. */
    fun read(): Session? = decoded(attempt { storage.read(key) })

    /** Stores the first pair of a login, over any other. */
    fun begin(first: Session) = update { Change.Set(first.encode()) }

    /** Stores [next] over an older pair of the same login alone, and returns what is stored then. */
    fun keep(next: Session): Session? {
        var stored: Session? = null
        update { text ->
            stored = decoded(text)
            if (stored?.let(next::replaces) != true) return@update Change.Keep
            stored = next
            Change.Set(next.encode())
        }
        return stored
    }

    /** Deletes the session if its refresh token is still this one, and says whether it was. */
    fun forget(refreshToken: String): Boolean {
        var forgotten = false
        update { text ->
            forgotten = decoded(text)?.pair?.refreshToken == refreshToken
            if (forgotten) Change.Delete else Change.Keep
        }
        return forgotten
    }

    fun clear() = update { Change.Delete }

    /** Drawn once per installation: a login whose answer was lost is then replaced by the next one. */
    fun deviceId(): String {
        var id = ""
        attempt {
            storage.update("$key.device") { stored ->
                id = stored?.takeIf(DEVICE_ID::matches) ?: randomName()
                if (id == stored) Change.Keep else Change.Set(id)
            }
        }
        return id
    }

    private fun decoded(text: String?): Session? = text?.let { Session.decode(it) ?: throw StorageFailed() }

    private fun update(change: (String?) -> Change) = attempt { storage.update(key, change) }

    private fun <T> attempt(work: () -> T): T =
        try {
            work()
        } catch (_: Exception) {
            // The cause stays out: it may quote what is stored.
            throw StorageFailed()
        }
}
