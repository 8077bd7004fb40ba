//! Ctrl-C.

#[cfg(unix)]
use tokio::signal::unix::{Signal as CtrlC, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

/// Hears each Ctrl-C from its creation on, also one that comes while it isn't awaited.
pub(crate) struct Interrupts(Option<CtrlC>);

impl Interrupts {
    /// Where the system has no more signal handlers, Ctrl-C ends the process, as it does without this.
    #[cfg(unix)]
    pub(crate) fn listen() -> Self {
        Self(signal(SignalKind::interrupt()).ok())
    }

    /// Where the system has no more handlers, Ctrl-C ends the process, as it does without this.
    #[cfg(windows)]
    pub(crate) fn listen() -> Self {
        Self(ctrl_c().ok())
    }

    pub(crate) async fn next(&mut self) {
        match &mut self.0 {
            Some(interrupts) => {
                interrupts.recv().await;
            }
            None => std::future::pending().await,
        }
    }
}
