//! Between the SDK and DynamoDB, at the HTTP connector: counts calls, holds them, refuses them, and answers in
//! DynamoDB's place.

mod connector;
mod fault;
mod guard;
mod plan;

pub use fault::{CONDITION_FAILED, Fault, Forwarded, cancelled};
pub use guard::Guard;
pub use plan::{Call, Reach, Rule};

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::{
    sync::{Notify, oneshot},
    task::JoinHandle,
};

use plan::Plan;

/// How DynamoDB is reached at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// As it is.
    Open,
    /// Nobody listens.
    Refused,
    /// Somebody listens and never answers.
    Silent,
}

/// The tap of one service.
#[derive(Debug, Clone)]
pub struct Tap {
    inner: SharedHttpClient,
    state: Arc<Mutex<State>>,
    standing: Arc<Notify>,
    late: Arc<Mutex<Vec<JoinHandle<()>>>>,
    /// Whose calls go through this one, and what they may do.
    function: Option<(&'static str, Arc<Guard>)>,
}

#[derive(Debug)]
struct State {
    line: Line,
    calls: Vec<String>,
    holds: VecDeque<Hold>,
    plan: Plan,
}

#[derive(Debug)]
struct Hold {
    operation: &'static str,
    reached: oneshot::Sender<()>,
    release: oneshot::Receiver<()>,
}

/// A call that stands still on its way to DynamoDB.
#[derive(Debug)]
pub struct Held {
    reached: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the call is made.
    ///
    /// # Panics
    /// When it isn't made.
    pub async fn reached(&mut self) {
        assert!((&mut self.reached).await.is_ok(), "the service stopped before the call");
    }

    /// Lets it go on.
    pub fn release(self) {
        // Nobody waits any more where the service gave up.
        let _ = self.release.send(());
    }
}

impl Default for Tap {
    fn default() -> Self {
        let state = State { line: Line::Open, calls: Vec::new(), holds: VecDeque::new(), plan: Plan::default() };
        Self {
            inner: Builder::new().build_http(),
            state: Arc::new(Mutex::new(state)),
            standing: Arc::default(),
            late: Arc::default(),
            function: None,
        }
    }
}

impl Tap {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same tap, for the calls of one function, which may do what `guard` lets it.
    #[must_use]
    pub fn of_function(&self, function: &'static str, guard: &Arc<Guard>) -> Self {
        Self { function: Some((function, Arc::clone(guard))), ..self.clone() }
    }

    /// The operations called since this was last asked, in their order.
    #[must_use]
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    /// Sets how DynamoDB is reached.
    pub fn set_line(&self, line: Line) {
        self.state().line = line;
    }

    /// Holds the next call of `operation`.
    #[must_use]
    pub fn hold(&self, operation: &'static str) -> Held {
        let (reached, was_reached) = oneshot::channel();
        let (released, release) = oneshot::channel();
        self.state().holds.push_back(Hold { operation, reached, release });
        Held { reached: was_reached, release: released }
    }

    /// From here on calls are counted from 1 again, and these rules hold; where several fit a call, the first does.
    pub fn arm(&self, rules: Vec<Rule>) {
        self.state().plan.arm(rules);
    }

    /// Ends all rules; gives the attempts since [`arm`](Self::arm), in their order.
    #[must_use]
    pub fn disarm(&self) -> Vec<Call> {
        self.state().plan.disarm()
    }

    /// Asks DynamoDB from here on what each call consumes; [`Call::capacity`] says it.
    pub fn count_capacity(&self) {
        self.state().plan.count_capacity = true;
    }

    /// Waits until every call that goes on without its caller has arrived: [`Fault::ArrivesLate`].
    pub async fn arrived(&self) {
        let late = std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
        for call in late {
            let _ = call.await;
        }
    }

    /// Waits until a call stands still for good: [`Fault::Stand`].
    pub async fn stands(&self) {
        self.standing.notified().await;
    }
}
