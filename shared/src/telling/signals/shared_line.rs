//! A line of metrics for several requests: those that passed within one second and counted nothing else.

use super::tally::Tally;

/// A second, in milliseconds.
const SECOND: i64 = 1_000;

/// The line that isn't written yet.
#[derive(Debug, Default)]
pub(super) struct SharedLine {
    /// When the last ordinary request ended.
    last: Option<i64>,
    kept: Option<Line>,
}

/// What a line says, and the time it says, in milliseconds since 1970: that of its first request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) at: i64,
    pub(super) tally: Tally,
}

impl SharedLine {
    /// The lines to write when a request has ended.
    ///
    /// | the request | the line that is kept | written |
    /// |---|---|---|
    /// | any | for a second or longer | that line |
    /// | not ordinary | | a line of its own |
    /// | ordinary, a second or more after the last one | | a line of its own |
    /// | ordinary, sooner | with it, full | that line |
    /// | ordinary, sooner | less | nothing |
    ///
    /// So one request a second is written at once, and a line has the requests of at most a second. If the clock was set back, the request
    /// is written at once.
    pub(super) fn ended(&mut self, now: i64, tally: Tally) -> impl Iterator<Item = Line> + use<> {
        let within_a_second = |before: i64| (0..SECOND).contains(&(now - before));
        let due = self.kept.take_if(|kept| !within_a_second(kept.at));
        let at_once = !tally.is_ordinary() || !self.last.replace(now).is_some_and(within_a_second);
        let written = if at_once {
            Some(Line { at: now, tally })
        } else {
            match &mut self.kept {
                Some(kept) => kept.tally.add(tally),
                None => self.kept = Some(Line { at: now, tally }),
            }
            self.kept.take_if(|kept| kept.tally.is_full())
        };
        due.into_iter().chain(written)
    }

    /// The line that is kept, at the end of the process.
    pub(super) fn take(&mut self) -> Option<Line> {
        self.kept.take()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::telling::{Refused, signals::Metric};

    fn allowed(microseconds: u64) -> Tally {
        let mut tally = Tally::default();
        tally.count(Metric::AccessAllowed, None);
        tally.store_call(Duration::from_micros(microseconds), 0);
        tally
    }

    /// The time, number of requests and latencies of each line.
    fn written(lines: impl Iterator<Item = Line>) -> Vec<(i64, u32, Vec<u128>)> {
        let allowed = |tally: &Tally| tally.counts().iter().find(|(metric, _)| *metric == Metric::AccessAllowed).map_or(0, |(_, n)| *n);
        lines.map(|kept| (kept.at, allowed(&kept.tally), kept.tally.store_calls().iter().map(Duration::as_micros).collect())).collect()
    }

    #[test]
    fn requests_of_one_second_share_a_line() {
        let mut shared = SharedLine::default();
        assert_eq!(written(shared.ended(0, allowed(1))), [(0, 1, vec![1])], "the first is written at once");
        for (now, took) in [(200, 2), (400, 3), (1_199, 4)] {
            assert_eq!(written(shared.ended(now, allowed(took))), [], "{now}");
        }
        assert_eq!(written(shared.ended(1_200, allowed(5))), [(200, 3, vec![2, 3, 4])]);
        assert_eq!(written(shared.take().into_iter()), [(1_200, 1, vec![5])], "the end of the process");
        assert_eq!(shared.take(), None);
    }

    #[test]
    fn a_request_after_a_pause_is_written_at_once() {
        let mut shared = SharedLine::default();
        for now in [0, 1_000, 2_500] {
            assert_eq!(written(shared.ended(now, allowed(1))), [(now, 1, vec![1])]);
        }
        assert_eq!(written(shared.ended(2_600, allowed(2))), []);
        assert_eq!(written(shared.ended(600_000, allowed(3))), [(2_600, 1, vec![2]), (600_000, 1, vec![3])], "in the order of time");
        assert_eq!(written(shared.ended(500_000, allowed(4))), [(500_000, 1, vec![4])], "the clock was set back");
    }

    #[test]
    fn a_line_holds_a_hundred_latencies() {
        let mut shared = SharedLine::default();
        let _first = shared.ended(0, allowed(1)).count();
        for request in 1..100 {
            assert_eq!(written(shared.ended(request, allowed(2))), [], "{request}");
        }
        assert_eq!(written(shared.ended(100, allowed(2))), [(1, 100, vec![2; 100])]);
        assert_eq!(written(shared.ended(101, allowed(3))), [], "and the next begins another line");
    }

    /// Alarms and incidents don't wait.
    #[test]
    fn whatever_else_is_counted_is_written_at_once() {
        let mut first = Tally::of_request(true);
        first.count(Metric::AccessAllowed, None);
        let mut refused = Tally::default();
        refused.count(Metric::AccessDenied, Some(Refused::Expired));
        let mut failed = Tally::default();
        failed.count(Metric::StoreErrors, None);
        let mut retried = allowed(1);
        retried.store_call(Duration::from_micros(1), 1);
        let mut throttled = allowed(1);
        throttled.store_throttled("sessions".to_owned());
        let mut skewed = allowed(1);
        skewed.count(Metric::ClocksSkewed, None);
        let mut marked = allowed(1);
        marked.store_call(Duration::from_micros(1), 0);
        let mut shared = SharedLine::default();
        let _first = shared.ended(0, allowed(1)).count();
        assert_eq!(written(shared.ended(1, allowed(7))), []);
        for tally in [first, refused, failed, retried, throttled, skewed, marked] {
            assert_eq!(shared.ended(2, tally).count(), 1);
        }
        assert_eq!(written(shared.take().into_iter()), [(1, 1, vec![7])]);
    }
}
