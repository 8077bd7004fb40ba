//! Argon2id beside the event loop.

use std::{num::NonZeroUsize, sync::Arc};

use latchkey::{
    entropy::system_rng,
    password::{Password, PasswordHash},
};
use tokio::sync::Semaphore;

use crate::refusal::Refusal;

/// Runs password hashes, each on 19 MiB, as many at a time as there are processors: on Lambda there is one request at a
/// time, on a laptop a hundred logins must not take two gigabytes.
#[derive(Debug, Clone)]
pub(crate) struct Hashing(Arc<Semaphore>);

impl Hashing {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, NonZeroUsize::get))))
    }

    /// Whether the password is the hash's.
    pub(crate) async fn verify(&self, password: Arc<Password>, hash: PasswordHash) -> Result<bool, Refusal> {
        self.run(move || password.verify(&hash)).await?.map_err(Refusal::from)
    }

    /// A hash of the password with the current parameters.
    pub(crate) async fn hash(&self, password: Arc<Password>) -> Result<PasswordHash, Refusal> {
        self.run(move || password.hash(&mut system_rng())).await?.map_err(Refusal::from)
    }

    async fn run<T: Send + 'static>(&self, task: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
        let permit = Arc::clone(&self.0).acquire_owned().await.map_err(|_| Refusal::HashingStopped)?;
        let task = move || {
            let _held_until_done = permit;
            task()
        };
        tokio::task::spawn_blocking(task).await.map_err(|_| Refusal::HashingStopped)
    }
}
