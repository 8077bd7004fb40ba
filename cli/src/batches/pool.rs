//! Collects rows into batches, and keeps rows that would contend apart and in order.

use std::collections::{HashMap, VecDeque};

use tokio::task::{JoinError, JoinSet};

use super::Window;

/// How many rows are written in one call at most.
const BATCH: usize = 25;
/// How many rows may wait for one that they would contend with.
const WAITING: usize = 8_192;

/// Writes batches of rows.
pub(crate) trait Importer: Clone + Send + 'static {
    type Row: Send + 'static;
    type Outcome: Send + 'static;

    /// Two rows with the same key touch the same items. DynamoDB takes no transaction with both, and in two transactions at once they
    /// would conflict.
    fn key(row: &Self::Row) -> String;

    /// Writes the rows. Gives their outcomes, in the same order.
    fn import(self, rows: Vec<Self::Row>, window: Window) -> impl Future<Output = Vec<Self::Outcome>> + Send;
}

/// The outcome of a row.
pub(crate) struct Done<O> {
    pub(crate) line: u64,
    key: String,
    pub(crate) outcome: O,
}

type Lines<R> = VecDeque<(u64, R)>;

/// The rows in flight, and those before them.
pub(crate) struct Pool<I: Importer> {
    importer: I,
    window: Window,
    in_flight: JoinSet<Vec<Done<I::Outcome>>>,
    /// The next rows, none of which contend with each other or with a row in flight.
    forming: Lines<I::Row>,
    /// The rows behind them, by key. The key of each row that forms or is in flight has an entry.
    waiting: HashMap<String, Lines<I::Row>>,
    waiting_rows: usize,
}

impl<I: Importer> Pool<I> {
    pub(crate) fn new(importer: I) -> Self {
        let window = Window::new();
        Self { importer, window, in_flight: JoinSet::new(), forming: VecDeque::new(), waiting: HashMap::new(), waiting_rows: 0 }
    }

    /// Whether there is room for one more row.
    pub(crate) fn has_room(&self) -> bool {
        self.forming.len() < BATCH && self.waiting_rows < WAITING
    }

    /// Whether no call is in flight.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Adds a row to the batch that forms, or queues it behind one that it would contend with.
    pub(crate) fn add(&mut self, line: u64, row: I::Row) {
        let key = I::key(&row);
        if let Some(queue) = self.waiting.get_mut(&key) {
            queue.push_back((line, row));
            self.waiting_rows += 1;
        } else {
            self.waiting.insert(key, VecDeque::new());
            self.forming.push_back((line, row));
        }
        self.start(BATCH);
    }

    /// Starts what has formed although it is no full batch, if no row can fill it: the rows have `ended`, or there is no room for more, or
    /// `none_there` yet and no call to wait for meanwhile.
    pub(crate) fn flush(&mut self, ended: bool, none_there: bool) {
        if ended || !self.has_room() || (none_there && self.is_idle()) {
            self.start(1);
        }
    }

    fn start(&mut self, rows_at_least: usize) {
        while self.forming.len() >= rows_at_least && self.in_flight.len() < self.window.size() {
            let batch = self.forming.drain(..self.forming.len().min(BATCH));
            let (lines, rows): (Vec<_>, Vec<_>) = batch.map(|(line, row)| ((line, I::key(&row)), row)).unzip();
            let import = self.importer.clone().import(rows, self.window.clone());
            self.in_flight.spawn(async move {
                let outcomes = import.await;
                lines.into_iter().zip(outcomes).map(|((line, key), outcome)| Done { line, key, outcome }).collect()
            });
        }
    }

    /// Waits for the next finished batch. `None` if none is in flight. `go_on` lets the rows move up that waited for it.
    pub(crate) async fn next(&mut self, go_on: bool) -> Option<Result<Vec<Done<I::Outcome>>, JoinError>> {
        let done = match self.in_flight.join_next().await? {
            Ok(done) => done,
            Err(panicked) => return Some(Err(panicked)),
        };
        if !go_on {
            self.forming.clear();
        }
        for row in done.iter().filter(|_| go_on) {
            match self.waiting.get_mut(&row.key).and_then(VecDeque::pop_front) {
                Some(next) => {
                    self.waiting_rows -= 1;
                    self.forming.push_back(next);
                }
                None => drop(self.waiting.remove(&row.key)),
            }
        }
        if go_on {
            self.start(BATCH);
        }
        Some(Ok(done))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::Semaphore;

    use super::*;

    /// Keeps what it was given. Each batch takes a permit.
    #[derive(Clone)]
    struct Batches(Arc<Mutex<Vec<Vec<&'static str>>>>, Arc<Semaphore>);

    impl Importer for Batches {
        type Row = &'static str;
        type Outcome = &'static str;

        fn key(row: &&'static str) -> String {
            row.chars().take(1).collect()
        }

        async fn import(self, rows: Vec<&'static str>, _: Window) -> Vec<&'static str> {
            self.0.lock().unwrap().push(rows.clone());
            self.1.acquire().await.unwrap().forget();
            rows
        }
    }

    fn pool() -> (Pool<Batches>, Batches) {
        let batches = Batches(Arc::default(), Arc::new(Semaphore::new(0)));
        (Pool::new(batches.clone()), batches)
    }

    async fn next(pool: &mut Pool<Batches>, batches: &Batches) -> Vec<(u64, &'static str)> {
        batches.1.add_permits(1);
        pool.next(true).await.unwrap().unwrap().into_iter().map(|done| (done.line, done.outcome)).collect()
    }

    /// The rows of one key are written one after the other, in the order of the file, and beside the rows of other keys.
    #[tokio::test]
    async fn rows_that_would_contend_are_never_together() {
        let (mut pool, batches) = pool();
        for (line, row) in (1..).zip(["a1", "a2", "b1", "a3", "c1", "b2"]) {
            pool.add(line, row);
        }
        let mut done = Vec::new();
        loop {
            pool.flush(true, true);
            if pool.is_idle() {
                break;
            }
            done.push(next(&mut pool, &batches).await);
        }
        assert_eq!(done, [vec![(1, "a1"), (3, "b1"), (5, "c1")], vec![(2, "a2"), (6, "b2")], vec![(4, "a3")]]);
        assert!(pool.waiting.is_empty() && pool.waiting_rows == 0);
        let written = batches.0.lock().unwrap().clone();
        assert_eq!(written, [vec!["a1", "b1", "c1"], vec!["a2", "b2"], vec!["a3"]]);
    }

    /// A full batch doesn't wait, and the window bounds how many are in flight.
    #[tokio::test]
    async fn a_full_batch_starts_and_the_window_bounds_them() {
        let (mut pool, batches) = pool();
        let characters: Vec<&'static str> = (0..26 * BATCH as u32)
            .filter_map(|n| char::from_u32(0x4e00 + n))
            .map(|character| &*Box::leak(character.to_string().into_boxed_str()))
            .collect();
        let mut rows = characters.into_iter().zip(1..);
        for _ in 0..BATCH - 1 {
            let (row, line) = rows.next().unwrap();
            pool.add(line, row);
        }
        assert!(pool.is_idle(), "it waits for more");
        for (row, line) in rows.by_ref() {
            pool.add(line, row);
            if !pool.has_room() {
                break;
            }
        }
        assert_eq!((pool.in_flight.len(), pool.forming.len()), (16, BATCH));
        assert_eq!(next(&mut pool, &batches).await.len(), BATCH);
        assert_eq!((pool.in_flight.len(), pool.forming.len(), pool.has_room()), (16, 0, true));
    }

    /// After a failure no row moves up.
    #[tokio::test]
    async fn what_waits_is_dropped_after_a_failure() {
        let (mut pool, batches) = pool();
        for (line, row) in (1..).zip(["a1", "a2"]) {
            pool.add(line, row);
        }
        pool.flush(false, true);
        pool.add(3, "b1");
        batches.1.add_permits(1);
        assert_eq!(pool.next(false).await.unwrap().unwrap().len(), 1);
        assert!(pool.is_idle() && pool.forming.is_empty());
    }

    /// Otherwise a file whose first rows are all of one user would never be begun.
    #[tokio::test]
    async fn a_batch_that_no_row_can_fill_starts() {
        let (mut pool, batches) = pool();
        pool.add(1, "a");
        pool.flush(false, false);
        assert!(pool.is_idle(), "the next row is there");
        for line in 2..=WAITING as u64 {
            pool.add(line, "a");
        }
        pool.flush(false, false);
        assert!(pool.is_idle() && pool.has_room());
        pool.add(WAITING as u64 + 1, "a");
        pool.flush(false, false);
        assert!(!pool.is_idle(), "there is no room for a row that could fill it");
        assert_eq!(next(&mut pool, &batches).await, [(1, "a")]);
    }
}
