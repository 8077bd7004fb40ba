//! Latchkey: opaque access and refresh tokens, kept in DynamoDB, checked behind API Gateway.

pub mod clock;
mod crypto;
pub mod decision;
pub mod entropy;
pub mod ids;
pub mod session;
pub mod token;
