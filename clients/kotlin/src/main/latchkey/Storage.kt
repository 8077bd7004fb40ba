package latchkey

import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.nio.file.StandardCopyOption.ATOMIC_MOVE
import java.nio.file.StandardOpenOption.CREATE
import java.nio.file.StandardOpenOption.WRITE

/** What [Storage.update] does with the stored value. */
public sealed class Change {
    public object Keep : Change()

    public object Delete : Change()

    public class Set(public val value: String) : Change()
}

/**
 * Keeps values by name. [update] is atomic between all users of the storage, and the value is stored for good when it returns.
 * Any exception means that the storage failed.
 */
public interface Storage {
    public fun read(key: String): String?

    public fun update(key: String, change: (stored: String?) -> Change)
}

/** Forgets everything when the process ends. */
public class MemoryStorage : Storage {
    private val values = HashMap<String, String>()

    @Synchronized
    override fun read(key: String): String? = values[key]

    @Synchronized
    override fun update(key: String, change: (String?) -> Change) {
        when (val next = change(values[key])) {
            Change.Keep -> {}
            Change.Delete -> values.remove(key)
            is Change.Set -> values[key] = next.value
        }
    }
}

/** Files in a directory that the user alone can read. Several processes may share it. */
public class FileStorage(private val directory: Path) : Storage {
    override fun read(key: String): String? =
        try {
            Files.readString(directory.resolve(key))
        } catch (_: NoSuchFileException) {
            null
        }

    @Synchronized
    override fun update(key: String, change: (String?) -> Change) {
        FileChannel.open(directory.resolve("$key.lock"), CREATE, WRITE).use { channel ->
            channel.lock().use {
                when (val next = change(read(key))) {
                    Change.Keep -> {}
                    Change.Delete -> Files.deleteIfExists(directory.resolve(key))
                    is Change.Set -> replace(directory.resolve(key), next.value)
                }
            }
        }
    }

    /** Writes beside the file and renames, so that a crash leaves the old value or the new one. */
    private fun replace(path: Path, value: String) {
        // Only the owner can read a temporary file.
        val beside = Files.createTempFile(directory, path.fileName.toString(), null)
        try {
            FileChannel.open(beside, WRITE).use { channel ->
                val bytes = java.nio.ByteBuffer.wrap(value.encodeToByteArray())
                while (bytes.hasRemaining()) channel.write(bytes)
                channel.force(true)
            }
            Files.move(beside, path, ATOMIC_MOVE)
        } finally {
            Files.deleteIfExists(beside)
        }
    }
}
