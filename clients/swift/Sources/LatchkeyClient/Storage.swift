import Foundation

/// What `Storage.update` does with the stored value.
public enum Change: Sendable {
    case keep
    case delete
    case set(String)
}

/// Keeps values by name, in a keychain for example. `update` is atomic between all users of the storage, and the value is stored for good
/// when it returns. Any error means that the storage failed.
public protocol Storage: Sendable {
    func read(_ key: String) throws -> String?
    func update(_ key: String, _ change: (_ stored: String?) throws -> Change) throws
}

/// Forgets everything when the process ends.
public final class MemoryStorage: Storage, @unchecked Sendable {
    private let lock = NSLock()
    private var values: [String: String] = [:]

    public init() {}

    public func read(_ key: String) -> String? {
        lock.lock()
        defer { lock.unlock() }
        return values[key]
    }

    public func update(_ key: String, _ change: (String?) throws -> Change) rethrows {
        lock.lock()
        defer { lock.unlock() }
        switch try change(values[key]) {
        case .keep: break
        case .delete: values[key] = nil
        case .set(let value): values[key] = value
        }
    }
}
