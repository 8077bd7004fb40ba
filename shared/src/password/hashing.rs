//! Argon2id on threads outside the event loop.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;

use super::{Costs, FastHash, Foreign, HashError, Hasher, Password, PasswordHash};
use crate::entropy::Random;

/// Why a password could be neither hashed nor verified on another thread.
#[derive(Debug, thiserror::Error)]
pub enum HashingError {
    /// The hash itself failed.
    #[error("the password could not be hashed: {0}")]
    Hash(#[from] HashError),
    /// The thread stopped, because the program is about to end.
    #[error("the hashing task ended without a result")]
    Stopped,
}

/// Runs password hashes, which take 19 MiB each, at most one per processor at a time. On Lambda there is one request at a
/// time; on a laptop a hundred logins must not take two gigabytes.
#[derive(Debug, Clone)]
pub struct Hashing {
    places: Arc<Semaphore>,
    at_rest: Arc<Mutex<Vec<Hasher>>>,
    costs: Costs,
    random: Random,
}

impl Hashing {
    /// New hashes have these costs, and salts from `random`. Wrapped ones have the current costs.
    #[must_use]
    pub fn new(costs: Costs, random: Random) -> Self {
        let places = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self { places: Arc::new(Semaphore::new(places)), at_rest: Arc::default(), costs, random }
    }

    /// The costs of new hashes.
    #[must_use]
    pub fn costs(&self) -> &Costs {
        &self.costs
    }

    /// Takes the memory of one hash before the first hash needs it. A first touch of 19 MiB costs nearly as much as a hash.
    /// Without the memory the first hash tries again.
    pub async fn warm_up(&self) {
        let _tried_again = self.run(Hasher::hold_for_new_hashes).await;
    }

    /// Whether the password matches the hash.
    ///
    /// # Errors
    /// [`HashingError`]
    pub async fn verify(&self, password: Arc<Password>, hash: PasswordHash) -> Result<bool, HashingError> {
        Ok(self.run(move |hasher| password.verify(&hash, hasher)).await??)
    }

    /// Hashes the password.
    ///
    /// # Errors
    /// [`HashingError`]
    pub async fn hash(&self, password: Arc<Password>) -> Result<PasswordHash, HashingError> {
        let random = self.random.clone();
        Ok(self.run(move |hasher| password.hash(&random, hasher)).await??)
    }

    /// Wraps a hash that is too fast to be kept.
    ///
    /// # Errors
    /// [`HashingError`]
    pub async fn wrap(&self, fast: FastHash) -> Result<Foreign, HashingError> {
        let random = self.random.clone();
        Ok(self.run(move |hasher| fast.wrap(&random, hasher)).await??)
    }

    async fn run<T: Send + 'static>(&self, task: impl FnOnce(&mut Hasher) -> T + Send + 'static) -> Result<T, HashingError> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| HashingError::Stopped)?;
        let (at_rest, costs) = (Arc::clone(&self.at_rest), self.costs);
        let task = move || {
            let _held_until_done = place;
            let mut hasher = held(&at_rest).pop().unwrap_or_else(|| Hasher::new(costs));
            let done = task(&mut hasher);
            held(&at_rest).push(hasher);
            done
        };
        tokio::task::spawn_blocking(task).await.map_err(|_| HashingError::Stopped)
    }
}

/// The buffers stay valid even if a holder panicked.
fn held(hashers: &Mutex<Vec<Hasher>>) -> MutexGuard<'_, Vec<Hasher>> {
    hashers.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many hashes run at a time as there are processors. The others wait without any memory.
    #[tokio::test(flavor = "multi_thread")]
    async fn as_many_at_a_time_as_there_are_processors() {
        let hashing = Hashing::new(Costs::CURRENT, Random::system());
        let bound = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let (started, starts) = std::sync::mpsc::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let hashes: Vec<_> = (0..bound + 3)
            .map(|_| {
                let (hashing, started, released) = (hashing.clone(), started.clone(), Arc::clone(&released));
                let hash = move |_: &mut Hasher| {
                    started.send(()).unwrap();
                    let _released = released.lock().map(|released| released.recv());
                };
                tokio::spawn(async move { hashing.run(hash).await })
            })
            .collect();
        let starts = tokio::task::spawn_blocking(move || {
            (0..bound).for_each(|_| starts.recv().unwrap());
            starts
        });
        let starts = starts.await.unwrap();
        assert_eq!(hashing.places.available_permits(), 0, "no place is left for the other three");
        assert!(starts.try_recv().is_err(), "and none of them has started");
        (0..bound + 3).for_each(|_| release.send(()).unwrap());
        for hash in hashes {
            assert!(hash.await.unwrap().is_ok());
        }
        assert!(held(&hashing.at_rest).len() <= bound);
    }

    #[tokio::test]
    async fn a_first_hash_finds_its_memory_after_a_warm_up() {
        let hashing = Hashing::new(Costs::CURRENT, Random::system());
        hashing.warm_up().await;
        let at_rest = || held(&hashing.at_rest).iter().map(|hasher| (hasher.memory.capacity(), hasher.memory.as_ptr())).collect::<Vec<_>>();
        let before = at_rest();
        assert_eq!(before.iter().map(|(size, _)| *size).collect::<Vec<_>>(), [19_456]);
        let password = Arc::new(Password::parse("correct-horse-battery-staple".into()).unwrap());
        assert!(hashing.hash(password).await.is_ok());
        assert_eq!(at_rest(), before);
    }

    /// As many buffers are kept as hashes ran in parallel, however many hashes ran in total.
    #[tokio::test]
    async fn memory_is_kept_from_one_hash_to_the_next() {
        let hashing = Hashing::new(Costs::CURRENT, Random::system());
        let password = Arc::new(Password::parse("correct-horse-battery-staple".into()).unwrap());
        for _ in 0..3 {
            assert!(hashing.hash(Arc::clone(&password)).await.is_ok());
            let kept: Vec<_> = held(&hashing.at_rest).iter().map(|hasher| hasher.memory.capacity()).collect();
            assert_eq!(kept, [19_456]);
        }
        let (one, other) = tokio::join!(hashing.hash(Arc::clone(&password)), hashing.hash(password));
        assert!(one.is_ok() && other.is_ok());
        assert!(held(&hashing.at_rest).len() <= 2);
    }
}
