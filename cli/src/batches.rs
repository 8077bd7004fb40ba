//! Rows of a file written many at once: several in one call, and several calls in flight.

mod pool;
mod window;

pub(crate) use pool::{Done, Importer, Pool};
pub(crate) use window::Window;
