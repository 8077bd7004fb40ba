//! The command `latchkey`, as a library: what it is made of also drives the whole-system tests.

#![warn(clippy::print_stdout)]

pub mod args;
mod batches;
pub mod client;
pub mod completions;
pub mod confirm;
pub mod console;
pub mod dev;
pub mod doctor;
mod estimate;
pub mod exit;
pub mod gateway;
mod interrupts;
pub mod invoke;
pub mod linked;
pub mod listing;
mod loopback;
pub mod observed;
mod output;
mod patiently;
pub mod progress;
pub mod rows;
pub mod sessions;
mod signature;
pub mod smoke;
pub mod tables;
pub mod template;
pub mod users;
