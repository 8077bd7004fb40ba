//! The cache of an authorizer's answers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The answers of one authorizer.
pub(super) struct Kept<T> {
    ttl: Duration,
    answers: Mutex<HashMap<String, (Arc<T>, Instant)>>,
}

impl<T> Kept<T> {
    /// A cache that keeps each answer for `ttl`. With zero it keeps none.
    pub(super) fn for_each(ttl: Duration) -> Self {
        Self { ttl, answers: Mutex::default() }
    }

    pub(super) fn get(&self, identity: &str) -> Option<Arc<T>> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(identity).filter(|(_, until)| Instant::now() < *until).map(|(answer, _)| Arc::clone(answer))
    }

    /// API Gateway caches answers that allow or deny. Failures aren't cached, and never get here.
    pub(super) fn put(&self, identity: &str, answer: T) -> Arc<T> {
        let answer = Arc::new(answer);
        if !self.ttl.is_zero() {
            let now = Instant::now();
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.retain(|_, (_, until)| now < *until);
            answers.insert(identity.to_owned(), (Arc::clone(&answer), now + self.ttl));
        }
        answer
    }
}
