//! No token twice in one file.

use std::collections::{HashMap, hash_map::Entry};

use latchkey::import::ImportedSession;

use super::row::BadRow;

/// 72 bits of a hash: two tokens of a file that share them are one token.
type Key = [u8; 12];

/// The tokens so far, of either kind, and where they stand: some 30 bytes each.
#[derive(Debug, Default)]
pub(super) struct Duplicates(HashMap<Key, u64>);

impl Duplicates {
    /// Refuses a session whose tokens were there before. A token belongs to one session, and to one kind.
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
