//! Rows that name the same person, or two persons as one. None of them is imported: which one is right, the file doesn't say.

use std::collections::HashMap;

use super::entry::{Entry, Unusable};
use crate::rows::BadRow;

/// The entries, in which those that conflict are bad.
pub(super) fn marked(mut entries: Vec<Entry>) -> Vec<Entry> {
    let (mut names, mut ids): (HashMap<String, Vec<usize>>, HashMap<String, Vec<usize>>) = Default::default();
    for (at, entry) in entries.iter().enumerate() {
        let Ok(user) = &entry.user else { continue };
        names.entry(user.username.as_str().to_owned()).or_default().push(at);
        if let Some(user_id) = &user.user_id {
            ids.entry(user_id.clone()).or_default().push(at);
        }
    }
    let of_names = names.into_values().map(|rows| (rows, "username", "is the same name, once it is normalised, as that of"));
    let of_ids = ids.into_values().map(|rows| (rows, "user_id", "is also that of"));
    for (rows, column, problem) in of_names.chain(of_ids).filter(|(rows, ..)| rows.len() > 1) {
        let lines: Vec<u64> = rows.iter().filter_map(|at| entries.get(*at)).map(|entry| entry.line).collect();
        for at in rows {
            let Some(entry) = entries.get_mut(at) else { continue };
            let others: Vec<_> = lines.iter().filter(|line| **line != entry.line).take(3).map(|line| format!("line {line}")).collect();
            entry.user = Err(Unusable::Bad(BadRow::in_column(column, format!("{problem} {}", others.join(", ")))));
        }
    }
    entries
}
