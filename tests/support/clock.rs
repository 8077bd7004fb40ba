//! A clock that tests set.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use latchkey::clock::Clock;

/// A clock that moves only when a test moves it.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<Mutex<DateTime<Utc>>>, Arc<Mutex<Vec<Duration>>>);

impl Default for TestClock {
    fn default() -> Self {
        // It starts at the present, because DynamoDB's TTL uses the real time.
        Self(Arc::new(Mutex::new(Clock::system().now())), Arc::default())
    }
}

impl TestClock {
    /// The clock as the service takes it.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let (clock, waits) = (self.clone(), Arc::clone(&self.1));
        Clock::from_fn(move || clock.now()).without_waits(move |wait| waits.lock().unwrap_or_else(PoisonError::into_inner).push(wait))
    }

    /// The waits of functions since the last call. None of them was waited.
    #[must_use]
    pub fn take_waits(&self) -> Vec<Duration> {
        std::mem::take(&mut *self.1.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the clock forward or back.
    pub fn advance(&self, delta: TimeDelta) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += delta;
    }

    pub fn set(&self, time: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }
}
