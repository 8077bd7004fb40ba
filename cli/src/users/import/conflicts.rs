//! Rows that name the same person, or two persons as one. None of them is imported: which one is right, the file doesn't say.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
};

use super::entry::Entry;
use crate::rows::BadRow;

/// What was seen of the rows so far, in 40 bytes each: 64 bits of a hash of the name and of the id, under a key that is drawn. Two names
/// of a million rows have the same bits once in 37 million files.
#[derive(Default)]
pub(super) struct Seen {
    key: RandomState,
    names: Vec<(u64, usize)>,
    ids: Vec<(u64, usize)>,
    lines: Vec<u64>,
}

/// Why rows are bad, by their place in the file.
pub(super) type Conflicts = HashMap<usize, BadRow>;

impl Seen {
    pub(super) fn note(&mut self, entry: &Entry) {
        let at = self.lines.len();
        self.lines.push(entry.line);
        let Ok(user) = &entry.user else { return };
        self.names.push((self.key.hash_one(user.username.as_str()), at));
        if let Some(user_id) = &user.user_id {
            self.ids.push((self.key.hash_one(user_id), at));
        }
    }

    pub(super) fn conflicts(self) -> Conflicts {
        let Self { names, ids, lines, .. } = self;
        let mut conflicts = Conflicts::new();
        mark(names, &lines, "username", "is the same name, once it is normalised, as that of", &mut conflicts);
        mark(ids, &lines, "user_id", "is also that of", &mut conflicts);
        conflicts
    }
}

fn mark(mut seen: Vec<(u64, usize)>, lines: &[u64], column: &'static str, problem: &str, conflicts: &mut Conflicts) {
    seen.sort_unstable();
    for rows in seen.chunk_by(|(one, _), (other, _)| one == other).filter(|rows| rows.len() > 1) {
        for (_, at) in rows {
            let others = rows.iter().filter(|(_, other)| other != at).take(3);
            let others: Vec<_> = others.filter_map(|(_, other)| lines.get(*other)).map(|line| format!("line {line}")).collect();
            conflicts.insert(*at, BadRow::in_column(column, format!("{problem} {}", others.join(", "))));
        }
    }
}
