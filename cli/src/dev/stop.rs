//! When to stop.

use tokio::signal;

use crate::exit::Exit;

/// Waits for Ctrl-C, or for SIGTERM. What is being answered is answered still; a second Ctrl-C doesn't wait for it.
pub(super) async fn asked() {
    tokio::select! {
        () = interrupted() => {}
        () = terminated() => {}
    }
    tokio::spawn(async {
        interrupted().await;
        eprintln!("latchkey: stopped at once");
        std::process::exit(Exit::Interrupted as i32)
    });
}

async fn interrupted() {
    // Without a signal handler there is only the hard way to stop; that one needs no help.
    if signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminated() {
    match signal::unix::signal(signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => drop(terminate.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
