/// The stored session. Each change compares inside the storage's atomic update.
struct Vault: Sendable {
    let storage: any Storage
    let key: String

    /// Asks the storage anew for each request: another process may have refreshed or logged out.
    func read() throws -> Session? {
        try decoded(attempt { try storage.read(key) })
    }

    /// Stores the first pair of a login, over any other.
    func begin(_ first: Session) throws {
        try update { _ in .set(try first.encoded()) }
    }

    /// Stores `next` over an older pair of the same login alone, and returns what is stored then.
    func keep(_ next: Session) throws -> Session? {
        var stored: Session?
        try update { text in
            stored = try decoded(text)
            guard let older = stored, next.replaces(older) else { return .keep }
            stored = next
            return .set(try next.encoded())
        }
        return stored
    }

    /// Deletes the session if its refresh token is still this one, and says whether it was.
    func forget(_ refreshToken: String) throws -> Bool {
        var forgotten = false
        try update { text in
            forgotten = try decoded(text)?.pair.refreshToken == refreshToken
            return forgotten ? .delete : .keep
        }
        return forgotten
    }

    /// Deletes what is stored, also where it isn't a session.
    func clear() throws {
        try update { _ in .delete }
    }

    /// Drawn once per installation: a login whose answer was lost is then replaced by the next one.
    func deviceID() throws -> String {
        var id = ""
        try attempt {
            try storage.update("\(key).device") { stored in
                if let stored, (16...64).contains(stored.utf8.count), stored.utf8.allSatisfy(isURLSafe) {
                    id = stored
                    return .keep
                }
                id = randomName()
                return .set(id)
            }
        }
        return id
    }

    private func decoded(_ text: String?) throws -> Session? {
        guard let text else { return nil }
        guard let session = Session.decoded(text) else { throw LatchkeyError.storageFailed }
        return session
    }

    private func update(_ change: (String?) throws -> Change) throws {
        try attempt { try storage.update(key, change) }
    }

    private func attempt<Value>(_ work: () throws -> Value) throws -> Value {
        do {
            return try work()
        } catch {
            // The cause stays out: it may quote what is stored.
            throw LatchkeyError.storageFailed
        }
    }
}
