//! What the service reports about itself: log lines, metrics and trace ids. It knows neither decisions nor the store.

pub mod log;
mod refused;
pub mod signals;

pub use refused::Refused;
