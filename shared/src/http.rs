//! From an HTTP request to an operation, and from its result to an answer.

pub mod attributes;
pub mod bearer;
pub mod device;
#[cfg(feature = "lambda-http")]
pub mod front;
#[cfg(feature = "lambda-http")]
pub mod gateway_context;
#[cfg(feature = "lambda-http")]
pub mod json;
pub mod middleware;
pub mod paging;
pub mod pair;
pub mod problem;
#[cfg(feature = "lambda-http")]
pub mod proof;
pub mod refuse;
