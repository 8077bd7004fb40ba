//! When to stop.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

use crate::exit::Exit;

/// Ctrl-C and SIGTERM. It listens from its creation on, so that a signal which comes before the first request is not lost.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

/// Ctrl-C. It listens from its creation on.
#[cfg(windows)]
pub(super) struct Signals {
    interrupt: CtrlC,
}

impl Signals {
    #[cfg(unix)]
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    #[cfg(windows)]
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: ctrl_c()? })
    }

    /// Waits for a signal. Requests under way are still answered; a second Ctrl-C doesn't wait for them.
    pub(super) async fn asked(mut self) {
        self.first().await;
        tokio::spawn(async move {
            self.interrupt.recv().await;
            eprintln!("latchkey: stopped at once");
            std::process::exit(Exit::Interrupted as i32)
        });
    }

    #[cfg(unix)]
    async fn first(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(windows)]
    async fn first(&mut self) {
        self.interrupt.recv().await;
    }
}
