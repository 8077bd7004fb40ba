//! Metrics and trace ids of a function. A request is counted in one line of metrics at most; requests that passed can share one.
//!
//! [`crate::telling::log`] counts every event it logs, and [`crate::dynamodb`] measures the calls to DynamoDB. Both find their request in
//! a task-local value. Outside a request nothing is counted.
//!
//! A metrics line holds numbers, constants and names of tables. Nothing in it comes from a client.

mod emf;
mod metric;
mod shared_line;
mod store_calls;
mod tally;
#[cfg(test)]
mod tests;
mod trace;

pub use metric::{Function, Metric};
pub(crate) use store_calls::{StoreCall, store_throttled};

use std::{
    fmt,
    future::Future,
    io::Write as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::Refused;
use crate::clock::Clock;
use shared_line::{Line, SharedLine};
use tally::Tally;

/// The signals of one function's process. Off, unless `METRICS_NAMESPACE` is set.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    metrics: Option<Arc<Metrics>>,
    /// The function's version, if it is a published one.
    version: Option<Arc<str>>,
    /// `None` if each request has a line of its own.
    shared: Option<Arc<Mutex<SharedLine>>>,
}

/// Takes a finished line without its line break.
type Sink = Box<dyn Fn(&str) + Send + Sync>;

struct Metrics {
    namespace: String,
    function: Function,
    cold: AtomicBool,
    sink: Sink,
}

/// The request that is running.
#[derive(Debug, Default)]
struct Current {
    /// `None` if metrics are off.
    tally: Option<Mutex<Tally>>,
    trace_id: Option<String>,
}

tokio::task_local! {
    static CURRENT: Arc<Current>;
}

impl Signals {
    /// Writes to standard output, where CloudWatch finds the metrics in the function's log. Off without a namespace.
    #[must_use]
    pub fn to_stdout(namespace: Option<&str>, function: Function) -> Self {
        let write = |line: &str| {
            // If stdout is gone there is nowhere to report it.
            let _written = writeln!(std::io::stdout().lock(), "{line}");
        };
        namespace.map_or_else(Self::default, |namespace| Self::to(namespace, function, write))
    }

    /// Writes each line to `sink`. CloudWatch must accept the namespace.
    #[must_use]
    pub fn to(namespace: &str, function: Function, sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let metrics = Metrics { namespace: namespace.to_owned(), function, cold: AtomicBool::new(true), sink: Box::new(sink) };
        Self { metrics: Some(Arc::new(metrics)), ..Self::default() }
    }

    /// The same signals, of this published version: a number. Any other text names none.
    #[must_use]
    pub fn of_version(self, version: Option<&str>) -> Self {
        let is_number = |text: &&str| (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        Self { version: version.filter(is_number).map(Arc::from), ..self }
    }

    /// The same signals, with one line for the requests of a second that passed, if nothing else was counted for them. Hold
    /// [`Self::flush_at_end`] until the process ends.
    #[must_use]
    pub fn sharing_lines(self) -> Self {
        Self { shared: Some(Arc::default()), ..self }
    }

    /// Writes the line that is kept when it is dropped, in a panic too.
    #[must_use]
    pub fn flush_at_end(&self) -> Flush<'_> {
        Flush(self)
    }

    fn flush(&self) {
        if let (Some(metrics), Some(shared)) = (&self.metrics, &self.shared) {
            locked(shared).take().iter().for_each(|line| self.write(metrics, line));
        }
    }

    fn ended(&self, metrics: &Metrics, tally: Tally) {
        if tally.is_empty() {
            return;
        }
        let now = Clock::system().now().timestamp_millis();
        match &self.shared {
            Some(shared) => locked(shared).ended(now, tally).for_each(|line| self.write(metrics, &line)),
            None => self.write(metrics, &Line { at: now, tally }),
        }
    }

    fn write(&self, metrics: &Metrics, Line { at, tally }: &Line) {
        (metrics.sink)(&emf::line(&metrics.namespace, metrics.function, self.version.as_deref(), *at, tally));
    }

    /// Runs a request. `trace` is Lambda's header `Lambda-Runtime-Trace-Id`. If X-Ray keeps the trace, log lines name it. The future
    /// of a request that calls the SDK takes kilobytes: pass it pinned, so that it isn't copied.
    pub async fn of_request<T>(&self, trace: Option<&str>, request: impl Future<Output = T>) -> T {
        let trace_id = trace.and_then(trace::kept_trace_id).map(str::to_owned);
        if self.metrics.is_none() && trace_id.is_none() {
            return request.await;
        }
        let tally = self.metrics.as_ref().map(|metrics| Mutex::new(Tally::of_request(metrics.cold.swap(false, Ordering::Relaxed))));
        let current = Arc::new(Current { tally, trace_id });
        let answer = CURRENT.scope(Arc::clone(&current), request).await;
        if let (Some(metrics), Some(tally)) = (&self.metrics, &current.tally) {
            self.ended(metrics, std::mem::take(&mut *locked(tally)));
        }
        answer
    }
}

/// See [`Signals::flush_at_end`].
#[derive(Debug)]
pub struct Flush<'a>(&'a Signals);

impl Drop for Flush<'_> {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Counts an event of the current request.
pub(super) fn count(metric: Metric, refused: Option<Refused>) {
    with_tally(|tally| tally.count(metric, refused));
}

/// The trace id of the current request, if X-Ray keeps the trace.
pub(super) fn trace_id() -> Option<String> {
    CURRENT.try_with(|current| current.trace_id.clone()).ok().flatten()
}

fn with_tally(change: impl FnOnce(&mut Tally)) {
    let _no_request = CURRENT.try_with(|current| current.tally.as_ref().map(|tally| change(&mut locked(tally))));
}

/// The lock guards numbers only, so they are still valid after a panic.
fn locked<T>(numbers: &Mutex<T>) -> MutexGuard<'_, T> {
    numbers.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").field("namespace", &self.namespace).field("function", &self.function).finish_non_exhaustive()
    }
}
