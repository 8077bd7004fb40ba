//! How many calls are in flight: more while DynamoDB takes them, half as many each time it throttles.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const FIRST: usize = 16;
const MOST: usize = 64;

/// The limit of calls in flight. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Window(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    size: usize,
    halvings: u64,
}

/// When a call began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun(u64);

impl Window {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { size: FIRST, halvings: 0 })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn size(&self) -> usize {
        self.state().size
    }

    pub(crate) fn begin(&self) -> Begun {
        Begun(self.state().halvings)
    }

    /// One call more, unless the window was halved since this one began.
    pub(crate) fn succeeded(&self, begun: Begun) {
        let mut state = self.state();
        if state.halvings == begun.0 {
            state.size = (state.size + 1).min(MOST);
        }
    }

    /// Halves the window, once for all calls that were in flight: they met the same limit.
    pub(crate) fn throttled(&self, begun: Begun) {
        let mut state = self.state();
        if state.halvings == begun.0 {
            state.size = (state.size / 2).max(1);
            state.halvings += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_by_one_and_shrinks_by_half() {
        let window = Window::new();
        assert_eq!(window.size(), 16);
        for _ in 0..100 {
            window.succeeded(window.begin());
        }
        assert_eq!(window.size(), 64);
        let sizes = [(); 8].map(|()| {
            window.throttled(window.begin());
            window.size()
        });
        assert_eq!(sizes, [32, 16, 8, 4, 2, 1, 1, 1]);
        window.succeeded(window.begin());
        assert_eq!(window.size(), 2);
    }

    /// Sixteen calls meet one limit at once: that is one reason to be slower, not sixteen.
    #[test]
    fn calls_that_were_in_flight_together_halve_it_once() {
        let window = Window::new();
        let calls = [(); 16].map(|()| window.begin());
        calls.into_iter().for_each(|call| window.throttled(call));
        assert_eq!(window.size(), 8);
        window.succeeded(calls[0]);
        assert_eq!(window.size(), 8, "it says nothing of the smaller window");
        window.throttled(window.begin());
        assert_eq!(window.size(), 4);
    }
}
