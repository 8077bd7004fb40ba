//! Progress on standard error. Nothing is shown if standard error isn't a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A spinner with the elapsed time, for work of unknown size. It ends when it is dropped.
#[derive(Debug)]
pub struct Spinner(ProgressBar);

impl Spinner {
    /// Starts a spinner. It appears once the work takes noticeably long.
    #[must_use]
    pub fn start(what: &'static str) -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::new_spinner().with_style(style).with_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    pub fn say(&self, what: String) {
        self.0.set_message(what);
    }
}

/// The progress of reading a file: bytes read and rows done.
#[derive(Debug)]
pub struct FileProgress(ProgressBar);

impl FileProgress {
    /// Starts a bar, or a spinner if the file's length is unknown.
    #[must_use]
    pub fn start(length: Option<u64>) -> Self {
        let template = if length.is_some() { "{bar:32} {percent:>3}%  {msg}, {eta} to go" } else { "{spinner} {msg}, {elapsed}" };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    pub fn show(&self, bytes_read: u64, rows_done: u64) {
        self.0.set_position(bytes_read);
        self.0.set_message(format!("{rows_done} rows"));
    }

    /// Hides the bar while it prints.
    pub fn aside(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }
}

/// The progress of a scan, against an estimate of the items.
#[derive(Debug)]
pub struct ItemProgress(ProgressBar);

impl ItemProgress {
    #[must_use]
    pub fn start(about: u64) -> Self {
        let style = ProgressStyle::with_template("{bar:32} {pos} of about {len} items, {per_sec}, {elapsed}");
        let bar = ProgressBar::new(about).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Shows the count. It can exceed the estimate, because a table grows while it is scanned.
    pub fn show(&self, done: u64) {
        if self.0.length().is_none_or(|about| about < done) {
            self.0.set_length(done);
        }
        self.0.set_position(done);
    }
}

impl Drop for ItemProgress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Drop for FileProgress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
