//! Latchkey: opaque access and refresh tokens, kept in DynamoDB, checked behind API Gateway.
//!
//! [`operations`] read, decide and write: [`store`] reads and writes, [`decision`] decides, and [`model`] and [`token`] are the
//! data they work on. [`http`] turns requests into operations and results into answers, [`telling`] reports what happened.

#![warn(missing_docs)]
#![cfg_attr(test, expect(clippy::string_slice, reason = "in a test it is a failure, as it should be"))]

pub mod aws;
pub mod backoff;
pub mod clock;
pub mod config;
mod crypto;
pub mod decision;
pub mod dpop;
pub mod dynamodb;
pub mod entropy;
pub mod function;
pub mod http;
pub mod ids;
pub mod import;
pub mod limits;
pub mod model;
pub mod operations;
pub mod password;
pub mod sdk_error;
pub mod store;
pub mod telling;
pub mod throttle;
pub mod token;
pub mod username;

pub use crypto::CryptoError;
