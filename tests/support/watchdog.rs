//! A time limit for each test. A test that hangs would otherwise block the suite silently.

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Far longer than the longest test takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Running tests by number: name and start.
type Running = BTreeMap<u64, (String, Instant)>;

#[derive(Debug, Default)]
struct Watchdog {
    running: Mutex<(u64, Running)>,
}

/// The test is watched until this is dropped.
#[derive(Debug)]
pub struct Watched(u64);

/// Watches the test that calls this. Past the limit, it prints the test's name and ends the test program. The full sizes
/// of `scripts/assurance` take hours and have no limit.
#[must_use]
pub fn watched() -> Watched {
    // The test harness names each thread after its test.
    let name = thread::current().name().unwrap_or("a test without a name").to_owned();
    let mut running = watchdog().running.lock().unwrap_or_else(PoisonError::into_inner);
    running.0 += 1;
    let number = running.0;
    running.1.insert(number, (name, Instant::now()));
    Watched(number)
}

impl Drop for Watched {
    fn drop(&mut self) {
        watchdog().running.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&self.0);
    }
}

fn watchdog() -> &'static Watchdog {
    static WATCHDOG: OnceLock<Watchdog> = OnceLock::new();
    static THREAD: OnceLock<()> = OnceLock::new();
    let watchdog = WATCHDOG.get_or_init(Watchdog::default);
    THREAD.get_or_init(|| {
        thread::spawn(|| {
            loop {
                thread::sleep(Duration::from_secs(1));
                if is_full() {
                    return;
                }
                let running = watchdog.running.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(name) = overdue(&running.1, Instant::now()) {
                    eprintln!("test {name} has run for more than {} minutes and is ended", LIMIT.as_secs() / 60);
                    std::process::exit(101);
                }
            }
        });
    });
    watchdog
}

fn is_full() -> bool {
    #[expect(clippy::disallowed_methods, reason = "the variable configures the test run, not the service")]
    let size = std::env::var("LATCHKEY_ASSURANCE");
    size.is_ok_and(|size| size == "full")
}

/// A test that has run longer than the limit.
fn overdue(running: &Running, now: Instant) -> Option<&str> {
    let mut overdue = running.values().filter(|(_, since)| now.duration_since(*since) > LIMIT);
    overdue.next().map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_past_its_limit_is_named() {
        let since = Instant::now();
        let running = Running::from([(1, ("quick".to_owned(), since + Duration::from_secs(1))), (2, ("hangs".to_owned(), since))]);
        assert_eq!(overdue(&running, since + LIMIT), None);
        assert_eq!(overdue(&running, since + LIMIT + Duration::from_millis(1)), Some("hangs"));
    }

    #[test]
    fn a_test_is_watched_until_it_ends() {
        let name = thread::current().name().unwrap().to_owned();
        let is_watched = || watchdog().running.lock().unwrap().1.values().any(|(running, _)| *running == name);
        let watch = watched();
        assert!(is_watched());
        drop(watch);
        assert!(!is_watched());
    }
}
