//! One `latchkey dev` to a data directory.

use std::{
    fs::{File, TryLockError},
    io::ErrorKind,
    path::Path,
};

use super::DevError;

/// Holds the directory until it is dropped, or until the process ends, however it ends.
pub(super) fn hold(dir: &Path) -> Result<File, DevError> {
    let unusable = |source| DevError::Data { dir: dir.to_owned(), source };
    std::fs::create_dir_all(dir).map_err(unusable)?;
    let file = File::options().create(true).append(true).open(dir.join("latchkey.lock")).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DevError::DataTaken { dir: dir.to_owned() }),
        // A file system without locks: there is nothing to hold, and one process at a time works as ever.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_held_by_one_and_free_after_it() {
        let dir = std::env::temp_dir().join(format!("latchkey-lock-{}", uuid::Uuid::new_v4().simple()));
        let held = hold(&dir).unwrap();
        assert!(matches!(hold(&dir), Err(DevError::DataTaken { .. })));
        drop(held);
        drop(hold(&dir).unwrap());
        std::fs::remove_dir_all(dir).unwrap();
    }
}
