import Foundation
#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Files that the user alone can read, in a directory that exists. Several processes may share it. For tools and services; an app has a
/// keychain.
public struct FileStorage: Storage {
    private let directory: URL

    public init(directory: URL) {
        self.directory = directory
    }

    public func read(_ key: String) throws -> String? {
        do {
            return try String(contentsOf: file(key), encoding: .utf8)
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
            return nil
        }
    }

    public func update(_ key: String, _ change: (String?) throws -> Change) throws {
        let descriptor = open(file("\(key).lock").path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        try check(descriptor)
        // Closing it releases the lock. Each update opens the file anew, so the lock holds within one process as well.
        defer { _ = close(descriptor) }
        try check(flock(descriptor, LOCK_EX))
        switch try change(read(key)) {
        case .keep: break
        case .delete: try remove(key)
        case .set(let value): try replace(key, value)
        }
    }

    private func file(_ name: String) -> URL {
        directory.appendingPathComponent(name, isDirectory: false)
    }

    private func remove(_ key: String) throws {
        if unlink(file(key).path) != 0, errno != ENOENT { throw POSIXError(.EIO) }
    }

    /// Writes beside the file and renames, so that a crash leaves the old value or the new one.
    private func replace(_ key: String, _ value: String) throws {
        let beside = file("\(key).\(UUID().uuidString)").path
        let descriptor = open(beside, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        try check(descriptor)
        do {
            let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
            defer { _ = close(descriptor) }
            try handle.write(contentsOf: Data(value.utf8))
            try handle.synchronize()
            try check(rename(beside, file(key).path))
        } catch {
            _ = unlink(beside)
            throw error
        }
    }

    private func check(_ result: Int32) throws {
        if result < 0 { throw POSIXError(.EIO) }
    }
}
