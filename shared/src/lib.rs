//! Latchkey: opaque access and refresh tokens, kept in DynamoDB, checked behind API Gateway.
//!
//! A request reads, decides and writes: [`store`] reads and writes, [`decision`] decides, [`token`] is what it is about.

#![warn(missing_docs)]
#![cfg_attr(test, expect(clippy::string_slice, reason = "in a test it is a failure, as it should be"))]

pub mod aws;
pub mod backoff;
pub mod bearer;
pub mod clock;
pub mod config;
mod crypto;
pub mod decision;
pub mod entropy;
#[cfg(feature = "lambda-http")]
pub mod front;
pub mod ids;
pub mod import;
pub mod issue;
pub mod limits;
pub mod log;
pub mod middleware;
pub mod pair;
pub mod password;
pub mod problem;
pub mod refuse;
pub mod session;
pub mod signals;
pub mod store;
pub mod throttle;
pub mod token;
pub mod username;

pub use crypto::CryptoError;
