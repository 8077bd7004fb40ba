//! Imports rows in parallel, but the rows of one user in order, because they would contend on the user's register.

use std::collections::{HashMap, VecDeque};

use latchkey::{
    clock::Clock,
    entropy::Random,
    import::ImportedSession,
    operations::{ImportOutcome, import_session},
    store::{Store, StoreError},
};
use tokio::task::{JoinError, JoinSet};

use crate::patiently::patiently;

/// How many imports are in flight.
const SIDE_BY_SIDE: usize = 16;
/// How many may wait for an import of the same user.
const WAITING: usize = 256;

/// The outcome of a row.
pub(super) struct Done {
    pub(super) line: u64,
    user_id: String,
    pub(super) outcome: Result<ImportOutcome, StoreError>,
}

/// The imports in flight.
pub(super) struct Pool {
    store: Store,
    clock: Clock,
    random: Random,
    in_flight: JoinSet<Done>,
    /// The waiting rows by user. A user with a row in flight has an entry.
    waiting: HashMap<String, VecDeque<(u64, ImportedSession)>>,
    count: usize,
}

impl Pool {
    pub(super) fn new(store: Store, clock: Clock, random: Random) -> Self {
        Self { store, clock, random, in_flight: JoinSet::new(), waiting: HashMap::new(), count: 0 }
    }

    /// Whether there is room for one more row.
    pub(super) fn has_room(&self) -> bool {
        self.in_flight.len() < SIDE_BY_SIDE && self.count < WAITING
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Starts a row, or queues it behind a row of the same user.
    pub(super) fn add(&mut self, line: u64, session: ImportedSession) {
        if let Some(queue) = self.waiting.get_mut(&session.user_id) {
            queue.push_back((line, session));
            self.count += 1;
        } else {
            self.waiting.insert(session.user_id.clone(), VecDeque::new());
            self.start(line, session);
        }
    }

    /// Waits for the next finished row. `None` if none is in flight. `go_on` starts the user's next row.
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
        let (store, clock, random) = (self.store.clone(), self.clock.clone(), self.random.clone());
        self.in_flight.spawn(async move {
            let outcome = patiently(&random, || import_session(&store, &session, clock.now(), &random)).await;
            Done { line, user_id: session.user_id, outcome }
        });
    }
}

#[cfg(test)]
mod tests {
    use latchkey::{clock::rfc3339, import::ImportRow};
    use latchkey_tests::database::Database;

    use super::*;

    fn session(user_id: &str, n: usize, clock: &Clock) -> ImportedSession {
        let expiry = rfc3339(clock.now() + chrono::TimeDelta::days(1));
        ImportedSession::parse(ImportRow {
            user_id,
            access_token: &format!("access-token-{n:06}"),
            refresh_token: &format!("refresh-token-{n:06}"),
            access_token_expires_at: &expiry,
            refresh_token_expires_at: &expiry,
        })
        .unwrap()
    }

    /// The rows of one user are imported one after the other, in the order of the file.
    #[tokio::test]
    async fn one_users_rows_are_never_side_by_side() {
        let database = Database::new().await;
        let clock = Clock::system();
        let mut pool = Pool::new(Store::new(database.client.clone(), database.table("SessionsTable")), clock.clone(), Random::system());
        for (index, user) in ["ada", "ada", "grace", "ada", "grace"].into_iter().enumerate() {
            pool.add(index as u64, session(user, index, &clock));
        }
        let mut done: HashMap<String, Vec<u64>> = HashMap::new();
        for left in (1..=5).rev() {
            let all_done = |(user, rows): (&str, usize)| done.get(user).is_some_and(|lines| lines.len() == rows);
            let users_left = [("ada", 3), ("grace", 2)].into_iter().filter(|user| !all_done(*user)).count();
            assert_eq!((pool.in_flight.len(), pool.count), (users_left, left - users_left), "one row of each user is in flight");
            let row = pool.next(true).await.unwrap().unwrap();
            assert_eq!(row.outcome.unwrap(), ImportOutcome::Imported);
            done.entry(row.user_id).or_default().push(row.line);
        }
        assert!(pool.is_idle() && pool.waiting.is_empty());
        assert_eq!(done, [("ada".to_owned(), vec![0, 1, 3]), ("grace".to_owned(), vec![2, 4])].into());
    }
}
