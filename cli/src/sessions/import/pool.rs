//! Imports side by side, but a user's one after the other: they would only contend on the user's register.

use std::collections::{HashMap, VecDeque};

use latchkey::{
    clock::Clock,
    import::ImportedSession,
    operations::{ImportOutcome, import_session},
    store::{Store, StoreError},
};
use tokio::task::{JoinError, JoinSet};

use crate::sessions::patiently::patiently;

/// How many imports are in flight.
const SIDE_BY_SIDE: usize = 16;
/// How many wait for an import of the same user.
const WAITING: usize = 256;

/// What became of a row.
pub(super) struct Done {
    pub(super) line: u64,
    user_id: String,
    pub(super) outcome: Result<ImportOutcome, StoreError>,
}

/// The imports under way.
pub(super) struct Pool {
    store: Store,
    clock: Clock,
    in_flight: JoinSet<Done>,
    /// What waits, by user. A user who is in flight has an entry.
    waiting: HashMap<String, VecDeque<(u64, ImportedSession)>>,
    count: usize,
}

impl Pool {
    pub(super) fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock, in_flight: JoinSet::new(), waiting: HashMap::new(), count: 0 }
    }

    /// Whether it takes one more.
    pub(super) fn has_room(&self) -> bool {
        self.in_flight.len() < SIDE_BY_SIDE && self.count < WAITING
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Starts a row, or lets it wait for the one of the same user.
    pub(super) fn add(&mut self, line: u64, session: ImportedSession) {
        if let Some(queue) = self.waiting.get_mut(&session.user_id) {
            queue.push_back((line, session));
            self.count += 1;
        } else {
            self.waiting.insert(session.user_id.clone(), VecDeque::new());
            self.start(line, session);
        }
    }

    /// The next that is done; none where nothing is in flight. `go_on` starts the user's next row.
    pub(super) async fn next(&mut self, go_on: bool) -> Option<Result<Done, JoinError>> {
        let done = match self.in_flight.join_next().await? {
            Ok(done) => done,
            Err(panicked) => return Some(Err(panicked)),
        };
        let next = if go_on { self.waiting.get_mut(&done.user_id).and_then(VecDeque::pop_front) } else { None };
        match next {
            Some((line, session)) => {
                self.count -= 1;
                self.start(line, session);
            }
            None => drop(self.waiting.remove(&done.user_id)),
        }
        Some(Ok(done))
    }

    fn start(&mut self, line: u64, session: ImportedSession) {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        self.in_flight.spawn(async move {
            let outcome = patiently(|| import_session(&store, &session, clock.now())).await;
            Done { line, user_id: session.user_id, outcome }
        });
    }
}
