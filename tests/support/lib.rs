//! The whole service in a test: the real handlers behind the local gateway, over HTTP, each test with its own DynamoDB.
//!
//! The DynamoDB is embedded. `LATCHKEY_TEST_DYNAMODB=http://localhost:8000` uses the one at that URL instead.

#![expect(clippy::expect_used, reason = "a test that can't be set up has failed")]

pub mod back_office;
pub mod clock;
pub mod database;
pub mod emitted;
pub mod given;
pub mod logins;
pub mod openapi;
pub mod proofs;
pub mod seed;
pub mod service;
pub mod tap;
pub mod watchdog;
