//! Rows of a file written many at once: several in one call, and several calls in flight.

mod drive;
mod pool;
mod tries;
mod window;

pub(crate) use drive::{Report, drive};
use pool::Pool;
pub(crate) use pool::{Done, Importer};
pub(crate) use tries::Tries;
pub(crate) use window::Window;
