//! When to stop.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{exit::Exit, interrupts::Interrupts};

/// Ctrl-C and, where there is one, SIGTERM. It listens from its creation on, so that a signal which comes before the first request is not
/// lost.
pub(super) struct Signals {
    interrupts: Interrupts,
    #[cfg(unix)]
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupts: Interrupts::listen(),
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for a signal. Requests under way are still answered; a second Ctrl-C doesn't wait for them.
    pub(super) async fn asked(mut self) {
        self.first().await;
        tokio::spawn(async move {
            self.interrupts.next().await;
            eprintln!("latchkey: stopped at once");
            std::process::exit(Exit::Interrupted as i32)
        });
    }

    #[cfg(unix)]
    async fn first(&mut self) {
        tokio::select! {
            () = self.interrupts.next() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(windows)]
    async fn first(&mut self) {
        self.interrupts.next().await;
    }
}
