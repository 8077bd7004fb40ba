//! The whole service in a test: real handlers behind the local gateway, over HTTP, on a DynamoDB of its own.
//!
//! The DynamoDB is embedded; with `LATCHKEY_TEST_DYNAMODB=http://localhost:8000` it is the one at that URL.

#![expect(clippy::expect_used, reason = "a test that can't be set up has failed")]

pub mod clock;
pub mod database;
pub mod emitted;
pub mod logins;
pub mod openapi;
pub mod service;
pub mod tap;
pub mod watchdog;
