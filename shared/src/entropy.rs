//! Random bytes, from a generator that the caller hands in.

use rand::TryCryptoRng;

/// The random generator failed. Nothing was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the random generator gave no bytes")]
pub struct NoEntropy;

/// The operating system's generator: what the functions hand in.
#[must_use]
pub fn system_rng() -> rand::rngs::SysRng {
    rand::rngs::SysRng
}

/// `N` bytes from `rng`.
///
/// # Errors
/// [`NoEntropy`] when the generator fails.
pub fn random_bytes<const N: usize, R: TryCryptoRng>(rng: &mut R) -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    rng.try_fill_bytes(&mut bytes).map_err(|_| NoEntropy)?;
    Ok(bytes)
}
