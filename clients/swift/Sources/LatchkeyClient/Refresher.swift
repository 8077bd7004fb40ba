import Foundation

private let firstPause = 250.0
private let shortestPause = 100.0
/// While calls wait, or the storage is watched for another process's pair.
private let longestPause = 4_000.0
private let longestBackgroundPause = 60_000.0

/// The pause in milliseconds after a number of failures: full jitter, doubling up to `most`. `random` is from 0 to 1.
func backoff(_ failures: Int, most: Double, random: Double) -> Double {
    max(shortestPause, min(most, firstPause * exp2(Double(min(failures, 21) - 1))) * random)
}

/// Makes one refresh at a time, however many calls wait.
actor Refresher {
    typealias Instant = ContinuousClock.Instant

    /// A call that waits. A call whose token is still good is `early`: it waits for one attempt alone.
    private struct Waiter {
        let deadline: Instant
        let early: Bool
        let continuation: CheckedContinuation<Session, Error>
    }

    private let clock = ContinuousClock()
    private let service: Service
    private let vault: Vault
    private let replayWindow: Duration
    private let loggedOut: @Sendable () async -> Void

    private var waiters: [Int: Waiter] = [:]
    private var numbers = 0
    private var loop: Task<Void, Never>?
    private var sleeper: Task<Void, Never>?
    private var closed = false
    private var failures = 0
    /// What the last attempt came to, and when the next one may be made.
    private var last: LatchkeyError?
    private var until: Instant
    /// A refresh token that met `superseded` isn't sent before this: after its window it would end the login.
    private var held: (token: String, until: Instant)?
    /// A pair that came for the refresh token `presented` and couldn't be stored yet.
    private var unsaved: (session: Session, presented: String)?

    init(service: Service, vault: Vault, replayWindow: Duration, loggedOut: @escaping @Sendable () async -> Void) {
        self.service = service
        self.vault = vault
        self.replayWindow = replayWindow
        self.loggedOut = loggedOut
        until = ContinuousClock.now
    }

    /// The session after `from`: stored by another process meanwhile, or refreshed.
    func after(_ from: Session, deadline: Instant, early: Bool = false) async throws -> Session {
        while true {
            let session = try await join(from, deadline: deadline, early: early)
            // A loop that was under way when this call joined may have been after an older session.
            if session.pair.loginID != from.pair.loginID || session.replaces(from) { return session }
        }
    }

    /// Stops the loop. The calls that wait are told "later".
    func close() {
        closed = true
        sleeper?.cancel()
        for number in waiters.keys { give(number, .failure(laterNow())) }
    }

    private func join(_ from: Session, deadline: Instant, early: Bool) async throws -> Session {
        if closed || (last != nil && clock.now < until && (early || until > deadline)) { throw laterNow() }
        numbers += 1
        let number = numbers
        let timer = Task {
            try await Task.sleep(until: deadline, clock: .continuous)
            self.giveUp(number)
        }
        defer { timer.cancel() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // Cancelled before the handler could find the waiter.
                if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                waiters[number] = Waiter(deadline: deadline, early: early, continuation: continuation)
                sleeper?.cancel()
                if loop == nil { loop = Task { await self.run(from) } }
            }
        } onCancel: {
            Task { await self.cancel(number) }
        }
    }

    private func giveUp(_ number: Int) {
        give(number, .failure(laterNow()))
    }

    private func cancel(_ number: Int) {
        give(number, .failure(CancellationError()))
    }

    private func give(_ number: Int, _ result: Result<Session, Error>) {
        waiters.removeValue(forKey: number)?.continuation.resume(with: result)
    }

    /// "Later", with what is left of the service's Retry-After.
    private func laterNow() -> LatchkeyError {
        guard case .later(let status, let retryAfter)? = last else { return .unanswered }
        return .later(status: status, retryAfter: retryAfter > .zero ? max(.zero, clock.now.duration(to: until)) : .zero)
    }

    /// Attempts until one is decided, also when no call waits any more. An answer may have been lost, and then a repeated refresh with the
    /// same token recovers it, hours later too. A login is never given up because time has passed.
    private func run(_ from: Session) async {
        defer { loop = nil }
        var background = clock.now
        while await pause(background) {
            let result: Result<Session, Error>
            do {
                result = .success(try await attempt(from))
            } catch {
                result = .failure(error)
            }
            guard case .failure(let error as LatchkeyError) = result, case .later(_, let retryAfter) = error else {
                failures = 0
                last = nil
                until = clock.now
                for number in waiters.keys { give(number, result) }
                return
            }
            failures += 1
            last = error
            let most = held.map { clock.now < $0.until } == true ? 1_000 : longestPause
            let own = Duration.milliseconds(Int64(backoff(failures, most: most, random: .random(in: 0...1))))
            until = clock.now + max(own, retryAfter)
            for (number, waiter) in waiters where waiter.early || until > waiter.deadline { give(number, .failure(laterNow())) }
            background = clock.now + .milliseconds(Int64(backoff(failures, most: longestBackgroundPause, random: .random(in: 0...1))))
        }
    }

    /// Waits for `until`, and for `background` as long as no call waits. False where the client is closed.
    private func pause(_ background: Instant) async -> Bool {
        while !closed {
            let next = waiters.isEmpty ? max(until, background) : until
            if clock.now >= next { return true }
            // A call that joins, and `close`, end the sleep.
            let sleep = Task { () -> Void in try? await Task.sleep(until: next, clock: .continuous) }
            sleeper = sleep
            await sleep.value
            sleeper = nil
        }
        return false
    }

    /// Reads the storage right before it sends: a request with an old token that comes late would end the login.
    private func attempt(_ from: Session) async throws -> Session {
        guard let stored = try patiently({ try vault.read() }) else { throw LatchkeyError.loggedOut }
        if stored.pair.loginID != from.pair.loginID || stored.replaces(from) { return stored }
        let token = stored.pair.refreshToken
        if let unsaved, unsaved.presented == token { return try keep(unsaved.session) }
        if let held, held.token == token, clock.now < held.until { throw LatchkeyError.later(status: 409, retryAfter: .zero) }

        let answer: Answer
        do {
            answer = try await service.post("/refresh", token: token, headers: ["Idempotency-Key": stored.key])
        } catch {
            throw LatchkeyError.unanswered
        }
        if let pair = answer.pair, pair.loginID == stored.pair.loginID {
            let next = Session(pair, generation: stored.generation + 1, answer: answer, now: Date())
            unsaved = (next, token)
            return try keep(next)
        }
        if answer.ended { return try ended(token) }
        if answer.superseded { held = (token, clock.now + replayWindow) }
        throw answer.later(now: Date())
    }

    /// Stores a pair before it is used. The next attempt tries again where that fails: the pair must not get lost.
    private func keep(_ next: Session) throws -> Session {
        let kept: Session?
        do {
            kept = try vault.keep(next)
        } catch {
            throw LatchkeyError.unanswered
        }
        unsaved = nil
        guard let kept else { throw LatchkeyError.loggedOut }
        return kept
    }

    private func ended(_ token: String) throws -> Session {
        if try patiently({ try vault.forget(token) }) {
            let loggedOut = self.loggedOut
            Task { await loggedOut() }
            throw LatchkeyError.loggedOut
        }
        // The verdict was on a token that isn't the stored one any more: it says nothing of that.
        guard let stored = try patiently({ try vault.read() }) else { throw LatchkeyError.loggedOut }
        return stored
    }

    /// The calls hear of a failed storage at once, unless a refresh may have been made: that has to be seen through.
    private func patiently<Value>(_ work: () throws -> Value) throws -> Value {
        do {
            return try work()
        } catch {
            if failures > 0 || unsaved != nil { throw LatchkeyError.unanswered }
            throw error
        }
    }
}
