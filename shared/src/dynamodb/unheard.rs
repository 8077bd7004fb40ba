//! Whether a single write was carried out although its caller never heard so.
//!
//! A write is sent again after a lost answer. The second attempt then meets what the first one wrote:
//!
//! 1. An end sends `DeleteItem`. DynamoDB deletes the login, and the answer is lost.
//! 2. It is sent again. There is no login any more, so the condition fails.
//! 3. Without [`Unheard`] the caller concludes that this request changed nothing. It ended the login.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// Remembers an attempt of a call that DynamoDB may have carried out without a word of it. Give it to each send of the
/// call, and ask it where the condition fails.
#[derive(Debug, Clone, Default)]
pub struct Unheard(Arc<AtomicBool>);

impl Unheard {
    /// Whether an earlier attempt may have been carried out.
    #[must_use]
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An attempt failed with this answer, or with none. A 4xx is DynamoDB's own no: nothing was written. Everything else leaves
    /// it open: a 5xx, a broken connection, a timeout, an answer that can't be read.
    pub(super) fn after(&self, answer: Option<&HttpResponse>) {
        if !answer.is_some_and(|answer| answer.status().is_client_error()) {
            self.note();
        }
    }

    /// An attempt may have been carried out.
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
