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

    /// Says how far it is.
    pub fn say(&self, what: String) {
        self.0.set_message(what);
    }
}

/// How much of a file has been read, and how many rows are done.
#[derive(Debug)]
pub struct FileProgress(ProgressBar);

impl FileProgress {
    /// Starts a bar, or a spinner where nobody knows the file's length in bytes.
    #[must_use]
    pub fn start(length: Option<u64>) -> Self {
        let template = if length.is_some() { "{bar:32} {percent:>3}%  {msg}, {eta} to go" } else { "{spinner} {msg}, {elapsed}" };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Shows these.
    pub fn show(&self, bytes_read: u64, rows_done: u64) {
        self.0.set_position(bytes_read);
        self.0.set_message(format!("{rows_done} rows"));
    }

    /// Prints while the bar stands aside.
    pub fn aside(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }
}

/// How many of about so many items have been looked at.
#[derive(Debug)]
pub struct ItemProgress(ProgressBar);

impl ItemProgress {
    /// Starts a bar.
    #[must_use]
    pub fn start(about: u64) -> Self {
        let style = ProgressStyle::with_template("{bar:32} {pos} of about {len} items, {elapsed}");
        let bar = ProgressBar::new(about).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Shows this. A table grows while it is read.
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
