//! What the service does for a request: functions, store calls and log lines. The console shows it.
//!
//! A task-local value follows a request from the gateway through the linked functions to the SDK's connector. Nothing of it is
//! deployed, and it costs nothing unless an [`Exchange`] is active.

mod keys;
mod log_line;
mod store_call;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Instant,
};

use serde::Serialize;

pub use keys::Touched;
pub use log_line::{LogLine, LogLines};
pub use store_call::{ObservedHttp, StoreCall};

/// One request and what the service did for it.
#[derive(Debug, Default)]
pub struct Exchange {
    seen: Mutex<Seen>,
}

/// What was observed, in order.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Seen {
    /// The functions that ran.
    pub functions: Vec<FunctionRun>,
    /// The calls to the store.
    pub store: Vec<StoreCall>,
    /// The log lines of the functions.
    pub log: Vec<LogLine>,
}

/// A function that ran.
#[derive(Debug, Clone, Serialize)]
pub struct FunctionRun {
    pub name: String,
    /// How long it took, in milliseconds. `None` while it runs, and if it was aborted.
    pub ms: Option<f64>,
}

/// The exchange and the function of the current task.
#[derive(Debug, Clone)]
struct Place {
    exchange: Arc<Exchange>,
    function: Option<String>,
}

tokio::task_local! {
    static PLACE: Place;
}

fn place() -> Option<Place> {
    PLACE.try_with(Clone::clone).ok()
}

impl Exchange {
    /// Runs `future` as a part of it.
    pub async fn scope<F: Future>(self: Arc<Self>, future: F) -> F::Output {
        PLACE.scope(Place { exchange: self, function: None }, future).await
    }

    #[must_use]
    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records `future` as a run of the function with this name, in whatever task it is awaited. Without an exchange it only runs it.
pub fn run_of<F: Future>(function: &str, future: F) -> impl Future<Output = F::Output> + use<F> {
    let place = place().map(|place| Place { function: Some(function.to_owned()), ..place });
    async move {
        let Some(place) = place else { return future.await };
        let (exchange, begun) = (Arc::clone(&place.exchange), Instant::now());
        let at = {
            let mut seen = exchange.lock();
            seen.functions.push(FunctionRun { name: place.function.clone().unwrap_or_default(), ms: None });
            seen.functions.len() - 1
        };
        let output = PLACE.scope(place, future).await;
        if let Some(run) = exchange.lock().functions.get_mut(at) {
            run.ms = Some(milliseconds(begun));
        }
        output
    }
}

/// Milliseconds since `begun`, to the hundredth.
pub(crate) fn milliseconds(begun: Instant) -> f64 {
    (begun.elapsed().as_secs_f64() * 100_000.0).round() / 100.0
}

/// The requests in flight.
#[derive(Debug, Clone, Default)]
pub struct Observer(Arc<Mutex<Vec<Weak<Exchange>>>>);

impl Observer {
    /// Begins the exchange of a request.
    #[must_use]
    pub fn begin(&self) -> Arc<Exchange> {
        let exchange = Arc::new(Exchange::default());
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|other| other.strong_count() > 0);
        under_way.push(Arc::downgrade(&exchange));
        exchange
    }

    /// The place of the current task. A task that a function spawned has none. Its calls are attributed to the only request in flight, and
    /// to none if there are several.
    fn place(&self) -> Option<Place> {
        place().or_else(|| {
            let under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let mut alive = under_way.iter().filter_map(Weak::upgrade);
            let (only, second) = (alive.next(), alive.next());
            let exchange = only.filter(|_| second.is_none())?;
            let function = exchange.lock().functions.last().map(|run| run.name.clone());
            Some(Place { exchange, function })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_function_is_noted_in_its_own_task_too() {
        let exchange = Observer::default().begin();
        let spawned = async { tokio::spawn(run_of("login", async { place().and_then(|place| place.function) })).await.unwrap() };
        assert_eq!(Arc::clone(&exchange).scope(spawned).await.as_deref(), Some("login"));
        let seen = exchange.seen();
        assert_eq!(seen.functions.len(), 1);
        assert!(seen.functions[0].name == "login" && seen.functions[0].ms.is_some());
    }

    #[tokio::test]
    async fn without_an_exchange_nothing_is_noted() {
        assert!(run_of("login", async { place().is_none() }).await);
    }

    #[test]
    fn a_task_without_a_place_belongs_to_the_only_request_under_way() {
        let observer = Observer::default();
        assert!(observer.place().is_none());
        let first = observer.begin();
        assert!(Arc::ptr_eq(&observer.place().unwrap().exchange, &first));
        let second = observer.begin();
        assert!(observer.place().is_none(), "two requests are under way");
        drop(first);
        assert!(Arc::ptr_eq(&observer.place().unwrap().exchange, &second));
    }
}
