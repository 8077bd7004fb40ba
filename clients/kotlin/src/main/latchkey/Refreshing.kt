package latchkey

import java.io.IOException
import java.time.Duration
import java.time.Instant
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.thread
import kotlin.concurrent.withLock
import kotlin.random.Random

private const val FIRST_PAUSE = 250L
private const val SHORTEST_PAUSE = 100L
// While calls wait, or the storage is watched for another process's pair.
private const val LONGEST_PAUSE = 4_000L
private const val LONGEST_BACKGROUND_PAUSE = 60_000L

/** The pause in milliseconds after a number of failures: full jitter, doubling up to [most]. */
internal fun backoff(failures: Int, most: Long, random: Double): Long =
    maxOf(SHORTEST_PAUSE, (minOf(most, FIRST_PAUSE shl minOf(failures - 1, 20)) * random).toLong())

/** By a clock that is never set. */
internal fun elapsed(): Long = System.nanoTime() / 1_000_000

/** Makes one refresh at a time, however many calls wait. */
internal class Refreshing(private val options: Options, private val vault: Vault, private val loggedOut: () -> Unit) {
    /** A call that waits. A call whose token is still good is [early]: it waits for one attempt alone. */
    private class Waiter(val deadline: Long, val early: Boolean) {
        var result: Result<Session>? = null
    }

    private val lock = ReentrantLock()
    private val changed = lock.newCondition()

    // All below is read and written under the lock.
    private var running = false
    private var closed = false
    private val waiters = HashSet<Waiter>()
    private var failures = 0
    private var last: Later? = null
    private var until = 0L
    // A refresh token that met superseded isn't sent before heldUntil: after its window it would end the login.
    private var held: String? = null
    private var heldUntil = 0L
    // A pair that came for the refresh token `presented` and couldn't be stored yet.
    private var unsaved: Session? = null
    private var presented: String? = null

    /** The session after [from]: stored by another process meanwhile, or refreshed. */
    fun after(from: Session, deadline: Long, early: Boolean = false): Session {
        while (true) {
            val session = lock.withLock { waitFor(from, Waiter(deadline, early)) }
            // A loop that was under way when this call joined may have been after an older session.
            if (session.pair.loginId != from.pair.loginId || session.replaces(from)) return session
        }
    }

    fun close() = lock.withLock {
        closed = true
        changed.signalAll()
    }

    private fun waitFor(from: Session, waiter: Waiter): Session {
        if (last != null && elapsed() < until && (waiter.early || until > waiter.deadline)) throw laterNow()
        waiters += waiter
        if (running) changed.signalAll()
        else {
            running = true
            thread(isDaemon = true, name = "latchkey-refresh") { loop(from) }
        }
        try {
            while (waiter.result == null) {
                val left = waiter.deadline - elapsed()
                if (left <= 0) throw laterNow()
                changed.awaitNanos(left * 1_000_000)
            }
            return waiter.result!!.getOrThrow()
        } finally {
            waiters -= waiter
        }
    }

    private fun laterNow(): Later {
        val later = last ?: return Later()
        val left = if (later.retryAfter.isZero) 0 else maxOf(0, until - elapsed())
        return Later(later.status, Duration.ofMillis(left))
    }

    /**
     * Attempts until one is decided, also when no call waits any more. An answer may have been lost, and then a repeated refresh
     * with the same token recovers it, hours later too. A login is never given up because time has passed.
     */
    private fun loop(from: Session) {
        var background = 0L
        while (true) {
            val go = lock.withLock { pause(background) }
            if (!go) return
            val result = runCatching { attempt(from) }
            val later = result.exceptionOrNull() as? Later
            lock.withLock {
                if (later == null) {
                    failures = 0
                    last = null
                    until = 0
                    waiters.forEach { it.result = result }
                    running = false
                    changed.signalAll()
                    return
                }
                failures += 1
                last = later
                val most = if (elapsed() < heldUntil) 1_000 else LONGEST_PAUSE
                until = elapsed() + maxOf(backoff(failures, most, Random.nextDouble()), later.retryAfter.toMillis())
                waiters.filter { it.early || until > it.deadline }.forEach {
                    it.result = Result.failure(laterNow())
                    waiters -= it
                }
                changed.signalAll()
                background = backoff(failures, LONGEST_BACKGROUND_PAUSE, Random.nextDouble()) + elapsed()
            }
        }
    }

    /** Waits for `until`, and for [background] as long as no call waits. False where the client is closed. */
    private fun pause(background: Long): Boolean {
        while (!closed) {
            val left = (if (waiters.isEmpty()) maxOf(until, background) else until) - elapsed()
            if (left <= 0) return true
            changed.awaitNanos(left * 1_000_000)
        }
        running = false
        return false
    }

    /** Reads the storage right before it sends: a request with an old token that comes late would end the login. */
    private fun attempt(from: Session): Session {
        val stored = patiently { vault.read() } ?: throw LoggedOut()
        if (stored.pair.loginId != from.pair.loginId || stored.replaces(from)) return stored
        val token = stored.pair.refreshToken
        lock.withLock { unsaved.takeIf { presented == token } }?.let { return keep(it) }
        if (lock.withLock { held == token && elapsed() < heldUntil }) throw Later(409)

        val answer = try {
            options.send("/refresh", token, mapOf("Idempotency-Key" to stored.key))
        } catch (_: IOException) {
            throw Later()
        }
        val pair = answer.pair
        if (pair != null && pair.loginId == stored.pair.loginId) {
            val next = stored.next(answer, pair, Instant.now())
            lock.withLock {
                unsaved = next
                presented = token
            }
            return keep(next)
        }
        if (answer.ended) return ended(token)
        if (answer.superseded) lock.withLock {
            held = token
            heldUntil = elapsed() + options.replayWindow.toMillis()
        }
        throw answer.later(Instant.now())
    }

    /** Stores a pair before it is used. The next attempt tries again where that fails: the pair must not get lost. */
    private fun keep(next: Session): Session {
        val kept = try {
            vault.keep(next)
        } catch (_: StorageFailed) {
            throw Later()
        }
        lock.withLock { unsaved = null }
        return kept ?: throw LoggedOut()
    }

    private fun ended(token: String): Session {
        if (patiently { vault.forget(token) }) {
            loggedOut()
            throw LoggedOut()
        }
        // The verdict was on a token that isn't the stored one any more: it says nothing of that.
        return patiently { vault.read() } ?: throw LoggedOut()
    }

    /** The calls hear of a failed storage at once, unless a refresh may have been made: that has to be seen through. */
    private fun <T> patiently(work: () -> T): T =
        try {
            work()
        } catch (failed: StorageFailed) {
            throw if (lock.withLock { failures > 0 || unsaved != null }) Later() else failed
        }
}
