//! The command `latchkey`, as a library: what it is made of also drives the whole-system tests.

pub mod args;
pub mod client;
pub mod dev;
pub mod gateway;
pub mod invoke;
pub mod linked;
pub mod password_rules;
pub mod sessions;
pub mod tables;
pub mod template;
pub mod users;
