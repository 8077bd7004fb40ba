//! Finds tokens that occur twice in a file.

use std::collections::{HashMap, hash_map::Entry};

use latchkey::import::ImportedSession;

use crate::rows::BadRow;

/// 72 bits of a hash. Two tokens of a file with the same bits count as the same token.
type Key = [u8; 12];

/// The tokens of the rows so far, of either kind, with their lines. Each takes some 30 bytes.
#[derive(Debug, Default)]
pub(super) struct Duplicates(HashMap<Key, u64>);

impl Duplicates {
    /// Refuses a session with a token of an earlier row. A token belongs to one session and is of one kind.
    pub(super) fn check(&mut self, session: &ImportedSession, line: u64) -> Result<(), BadRow> {
        let tokens = [("access_token", session.access_token_hash.to_text()), ("refresh_token", session.refresh_token_hash.to_text())];
        for (column, hash) in tokens {
            let mut key = Key::default();
            key.iter_mut().zip(hash.bytes()).for_each(|(key, byte)| *key = byte);
            match self.0.entry(key) {
                Entry::Vacant(entry) => drop(entry.insert(line)),
                Entry::Occupied(entry) => return Err(BadRow::in_column(column, format!("stands in line {} already", entry.get()))),
            }
        }
        Ok(())
    }
}
