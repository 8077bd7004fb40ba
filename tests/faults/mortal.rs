//! Functions that a test can stop in the middle of a request.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use latchkey_cli::invoke::{FunctionError, LinkedFunction};
use latchkey_tests::tap::Tap;
use tokio::task::JoinSet;

/// The function, timed and watched for panics. Its future is dropped when the tap reports that a call is stopped for good.
pub(crate) fn mortal(function: LinkedFunction, tap: &Tap, slowest: &Arc<Mutex<Duration>>, panics: &Arc<AtomicUsize>) -> LinkedFunction {
    let (tap, slowest, panics) = (tap.clone(), Arc::clone(slowest), Arc::clone(panics));
    Arc::new(move |event| {
        let (running, tap, slowest, panics) = (function(event), tap.clone(), Arc::clone(&slowest), Arc::clone(&panics));
        Box::pin(async move {
            let since = Instant::now();
            // Its tasks end when it is dropped: a function that runs into its timeout makes no further call.
            let mut handler = JoinSet::new();
            handler.spawn(running);
            let ended = tokio::select! {
                ended = handler.join_next() => ended,
                () = tap.stands() => {
                    handler.abort_all();
                    handler.join_next().await
                }
            };
            let mut slowest = slowest.lock().unwrap_or_else(PoisonError::into_inner);
            *slowest = (*slowest).max(since.elapsed());
            ended.unwrap().unwrap_or_else(|stopped| {
                panics.fetch_add(usize::from(stopped.is_panic()), Ordering::Relaxed);
                Err(FunctionError::failed("Runtime.ExitError", "the handler was stopped"))
            })
        })
    })
}
