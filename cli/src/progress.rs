//! A sign of life on standard error while something takes long; nothing where standard error is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Turns until it is dropped, with how long it has been at it: for work whose size nobody knows.
#[derive(Debug)]
pub struct Spinner(ProgressBar);

impl Spinner {
    /// Starts one. It shows from the first moment that something takes longer than the eye notices.
    #[must_use]
    pub fn start(what: &'static str) -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::new_spinner().with_style(style).with_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
