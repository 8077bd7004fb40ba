//! The tap sits at the HTTP connector, between the client and DynamoDB. It counts calls, holds them, refuses them and answers
//! for DynamoDB.

mod connector;
mod fault;
mod guard;
mod plan;
mod tear;

pub use fault::{CONDITION_FAILED, Fault, Forwarded, cancelled};
pub use guard::Guard;
pub use plan::{Call, Reach, Rule};
pub use tear::{Tear, Torn};

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::{
    sync::{Notify, oneshot},
    task::{JoinError, JoinHandle},
};

use plan::Plan;

/// How DynamoDB responds at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Normally.
    Open,
    /// Connections are refused.
    Refused,
    /// Connections are accepted and never answered.
    Silent,
}

/// The tap of one service.
#[derive(Debug, Clone)]
pub struct Tap {
    inner: SharedHttpClient,
    state: Arc<Mutex<State>>,
    standing: Arc<Notify>,
    late: Late,
    /// The function whose calls go through this tap, and its permissions.
    function: Option<(&'static str, Arc<Guard>)>,
}

#[derive(Debug)]
struct State {
    line: Line,
    calls: Vec<String>,
    holds: VecDeque<Hold>,
    plan: Plan,
    tear: Option<Tear>,
}

/// Calls that outlive their callers.
#[derive(Debug, Clone, Default)]
struct Late(Arc<Mutex<Vec<JoinHandle<()>>>>);

impl Late {
    fn add(&self, call: JoinHandle<()>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }
}

#[derive(Debug)]
struct Hold {
    operation: &'static str,
    reached: oneshot::Sender<()>,
    release: oneshot::Receiver<()>,
}

/// A panic in a call fails the test that waits for it.
fn pass_on(ended: JoinError) {
    if ended.is_panic() {
        std::panic::resume_unwind(ended.into_panic());
    }
}

/// A call that is held on its way to DynamoDB.
#[derive(Debug)]
pub struct Held {
    reached: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the call is made.
    ///
    /// # Panics
    /// If it isn't made.
    pub async fn reached(&mut self) {
        assert!((&mut self.reached).await.is_ok(), "the service stopped before the call");
    }

    /// Releases the call.
    pub fn release(self) {
        // There is no receiver if the service gave up.
        let _ = self.release.send(());
    }
}

impl Default for Tap {
    fn default() -> Self {
        let state = State { line: Line::Open, calls: Vec::new(), holds: VecDeque::new(), plan: Plan::default(), tear: None };
        Self {
            inner: Builder::new().build_http(),
            state: Arc::new(Mutex::new(state)),
            standing: Arc::default(),
            late: Late::default(),
            function: None,
        }
    }
}

impl Tap {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same tap for the calls of one function, with the permissions of `guard`.
    #[must_use]
    pub fn of_function(&self, function: &'static str, guard: &Arc<Guard>) -> Self {
        Self { function: Some((function, Arc::clone(guard))), ..self.clone() }
    }

    /// The operations called since the last call of this, in order.
    #[must_use]
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    /// Sets how DynamoDB responds.
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

    /// Restarts the count of calls at 1 and sets the rules. The first rule that fits a call applies.
    pub fn arm(&self, rules: Vec<Rule>) {
        self.state().plan.arm(rules);
    }

    /// Ends all rules and returns the attempts since [`arm`](Self::arm), in order.
    #[must_use]
    pub fn disarm(&self) -> Vec<Call> {
        self.state().plan.disarm()
    }

    /// From now on asks DynamoDB for the capacity that each call consumes; [`Call::capacity`] holds it.
    pub fn count_capacity(&self) {
        self.state().plan.count_capacity = true;
    }

    /// From now on shows transactions item by item.
    pub fn tear(&self, tear: &Tear) {
        self.state().tear = Some(tear.clone());
    }

    /// Waits until every call that outlived its caller has been executed.
    pub async fn arrived(&self) {
        let late = std::mem::take(&mut *self.late.0.lock().unwrap_or_else(PoisonError::into_inner));
        for call in late {
            call.await.unwrap_or_else(pass_on);
        }
    }

    /// Waits until a call is stopped for good by [`Fault::Stand`].
    pub async fn stands(&self) {
        self.standing.notified().await;
    }
}
