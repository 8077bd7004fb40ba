//! The users of a file, in its order, with the rows marked that conflict.
//!
//! Rows of one name make each other bad, and the first may be the last line's. So a file is read twice: a table of rows as a stream each time, and only
//! hashes stay between. Standard input can be read only once, and a document of JSON is one value: these are kept in memory.

use std::fs;

use super::{
    auth0,
    conflicts::{Conflicts, Seen},
    entry::{Entry, Unusable},
    firebase, keycloak,
    settings::Settings,
    table_rows::Rows,
};
use crate::{
    args::{ImportUsersArgs, UsersFormat},
    progress::FileProgress,
    rows::{Counted, FileError},
};

/// A file that was read once.
pub(super) struct Checked {
    source: Source,
    conflicts: Conflicts,
    at: usize,
    settings: Settings,
    /// How many rows it has.
    pub(super) rows: usize,
}

enum Source {
    Stream(Rows),
    Memory(std::vec::IntoIter<Entry>),
}

/// Reads the file once.
pub(super) fn check(args: &ImportUsersArgs, format: UsersFormat, settings: Settings) -> Result<Checked, FileError> {
    let open = || Counted::open(&args.file);
    let mut seen = Seen::default();
    let mut rows = 0;
    let mut note = |entry: &Entry| {
        rows += 1;
        seen.note(entry);
    };
    let source = match format {
        UsersFormat::Csv | UsersFormat::Jsonl | UsersFormat::Cognito => {
            let again = fs::metadata(&args.file).is_ok_and(|metadata| metadata.is_file());
            let mut kept = Vec::new();
            table(open()?, format, &settings, |entry| {
                note(&entry);
                if !again {
                    kept.push(entry);
                }
            })?;
            if again { Source::Stream(Rows::of(open()?, format, &settings)?) } else { Source::Memory(kept.into_iter()) }
        }
        document => {
            let entries = match document {
                UsersFormat::Firebase => firebase::read(open()?, &settings)?,
                UsersFormat::Auth0 => auth0::read(open()?, &settings)?,
                _ => keycloak::read(open()?, &settings)?,
            };
            entries.iter().for_each(note);
            Source::Memory(entries.into_iter())
        }
    };
    Ok(Checked { source, conflicts: seen.conflicts(), at: 0, settings, rows })
}

fn table(source: Counted, format: UsersFormat, settings: &Settings, mut each: impl FnMut(Entry)) -> Result<(), FileError> {
    let (progress, bytes_read) = (FileProgress::start(source.length), source.count());
    let mut rows = Rows::of(source, format, settings)?;
    if !rows.ignored.is_empty() {
        eprintln!("ignored columns: {}", rows.ignored.join(", "));
    }
    let mut read = 0_u64;
    while let Some(entry) = rows.next(settings)? {
        each(entry);
        read += 1;
        if read.is_multiple_of(1_000) {
            progress.show(bytes_read.load(std::sync::atomic::Ordering::Relaxed), read);
        }
    }
    Ok(())
}

impl Iterator for Checked {
    type Item = Result<Entry, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = match &mut self.source {
            Source::Stream(rows) => rows.next(&self.settings).transpose()?,
            Source::Memory(entries) => Ok(entries.next()?),
        };
        let conflict = self.conflicts.remove(&self.at);
        self.at += 1;
        Some(entry.map(|entry| match conflict {
            Some(bad) => Entry { user: Err(Unusable::Bad(bad)), ..entry },
            None => entry,
        }))
    }
}
