//! The one place that draws random bytes. Everything else gets its generator as an argument.

use std::{fmt, sync::Arc};

/// The random generator failed. Nothing was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the random generator gave no bytes")]
pub struct NoEntropy;

type Fill = dyn Fn(&mut [u8]) -> Result<(), NoEntropy> + Send + Sync;

/// A source of random bytes. Clones draw from the same source.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

impl Random {
    /// The operating system's generator.
    #[must_use]
    #[expect(clippy::disallowed_types, reason = "the one place that may ask")]
    pub fn system() -> Self {
        use ring::rand::{SecureRandom as _, SystemRandom};
        let system = SystemRandom::new();
        Self::from_fn(move |bytes| system.fill(bytes).map_err(|_| NoEntropy))
    }

    /// A generator that fills buffers with `fill`. Tests hand in one that starts from a seed.
    pub fn from_fn(fill: impl Fn(&mut [u8]) -> Result<(), NoEntropy> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// `N` random bytes.
    ///
    /// # Errors
    /// [`NoEntropy`] when the generator fails.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoEntropy> {
        let mut bytes = [0; N];
        (self.0)(&mut bytes)?;
        Ok(bytes)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Random")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_of_the_system_differ() {
        let random = Random::system();
        assert_ne!(random.bytes::<32>(), random.bytes::<32>());
    }

    /// A generator that fails half-way leaves no partly random bytes to use.
    #[test]
    fn a_failure_gives_no_bytes() {
        let broken = Random::from_fn(|bytes| {
            bytes[0] = 7;
            Err(NoEntropy)
        });
        assert_eq!(broken.bytes::<16>(), Err(NoEntropy));
    }
}
