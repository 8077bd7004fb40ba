//! Waiting before a read is repeated.

use std::time::Duration;

use crate::entropy::{random_bytes, system_rng};

const FIRST_PAUSE_MS: u64 = 8;
const LONGEST_PAUSE_MS: u64 = 250;

/// Waits before try number `attempt` + 1 (from 0), with full jitter: those who collided must not collide again.
///
/// It knows no end; the request's own deadline bounds the loop that calls it.
pub async fn pause(attempt: u32) {
    let ceiling = FIRST_PAUSE_MS.saturating_mul(1 << attempt.min(16)).min(LONGEST_PAUSE_MS);
    let random = random_bytes(&mut system_rng()).map_or(ceiling, u64::from_be_bytes);
    tokio::time::sleep(Duration::from_millis(1 + random % ceiling)).await;
}
