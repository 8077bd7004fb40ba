//! The journal: exchanges in order, streamed to all open consoles.

use std::{collections::VecDeque, sync::Arc};

use axum::response::sse::Event;
use tokio::sync::watch;
use uuid::Uuid;

/// How many exchanges are kept.
const KEPT: usize = 500;

/// The last exchanges, each as one line of JSON.
#[derive(Debug)]
pub(super) struct Journal {
    /// The run of the program. Numbers are valid within one run only.
    run: Uuid,
    written: watch::Sender<Written>,
}

#[derive(Debug, Default)]
struct Written {
    lines: VecDeque<(u64, Arc<str>)>,
    last: u64,
    closed: bool,
}

/// The position of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cursor {
    /// It has read nothing yet, and doesn't know the run.
    Start,
    /// It has read up to this number.
    After(u64),
}

impl Default for Journal {
    fn default() -> Self {
        Self { run: Uuid::new_v4(), written: watch::Sender::default() }
    }
}

impl Journal {
    /// Appends a line and wakes the listeners.
    pub(super) fn write(&self, line: String) {
        self.written.send_modify(|written| {
            written.last += 1;
            written.lines.push_back((written.last, line.into()));
            if written.lines.len() > KEPT {
                written.lines.pop_front();
            }
        });
    }

    pub(super) fn close(&self) {
        self.written.send_modify(|written| written.closed = true);
    }

    /// The position after the event with this id. The start, if the id belongs to another run.
    pub(super) fn cursor(&self, last: Option<&str>) -> Cursor {
        let number = last.and_then(|id| id.strip_prefix(&format!("{}.", self.run))?.parse().ok());
        number.map_or(Cursor::Start, Cursor::After)
    }

    /// Waits for the next event after `cursor`. `None` once the journal is closed.
    pub(super) async fn next(&self, cursor: Cursor) -> Option<(Event, Cursor)> {
        let id = |number: u64| format!("{}.{number}", self.run);
        let Cursor::After(read) = cursor else {
            let first = Event::default().event("start").id(id(0)).data(self.run.to_string());
            return Some((first, Cursor::After(0)));
        };
        let mut listening = self.written.subscribe();
        let written = listening.wait_for(|written| written.closed || written.last > read).await.ok()?;
        let (number, line) = written.lines.iter().find(|(number, _)| *number > read)?;
        Some((Event::default().event("exchange").id(id(*number)).data(&**line), Cursor::After(*number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(journal: &Journal, from: Cursor) -> Vec<u64> {
        let (mut cursor, mut numbers) = (from, Vec::new());
        while let Some((_, next)) = journal.next(cursor).await {
            if let Cursor::After(number) = next {
                numbers.push(number);
            }
            cursor = next;
        }
        numbers
    }

    #[tokio::test]
    async fn a_listener_hears_what_was_and_what_comes() {
        let journal = Arc::new(Journal::default());
        journal.write("1".into());
        let listening = tokio::spawn({
            let journal = Arc::clone(&journal);
            async move { read(&journal, Cursor::Start).await }
        });
        tokio::task::yield_now().await;
        journal.write("2".into());
        journal.close();
        assert_eq!(listening.await.unwrap(), [0, 1, 2]);
    }

    #[tokio::test]
    async fn a_listener_goes_on_where_it_was_unless_that_was_another_run() {
        let journal = Journal::default();
        for line in ["1", "2", "3"] {
            journal.write(line.into());
        }
        journal.close();
        let last = format!("{}.2", journal.run);
        assert_eq!(read(&journal, journal.cursor(Some(&last))).await, [3]);
        for other in [None, Some("2"), Some("00000000-0000-0000-0000-000000000000.2")] {
            assert_eq!(journal.cursor(other), Cursor::Start, "{other:?}");
        }
    }

    #[tokio::test]
    async fn only_the_last_are_kept() {
        let journal = Journal::default();
        for line in 0..KEPT + 2 {
            journal.write(line.to_string());
        }
        journal.close();
        let numbers = read(&journal, Cursor::After(0)).await;
        assert_eq!((numbers.len(), numbers[0]), (KEPT, 3));
    }
}
