//! Everything that can fail, made to fail: each store call of each handler, races over HTTP, a crash at every call, and
//! items that nobody should have written.
//!
//! The quick sizes run by themselves; `LATCHKEY_ASSURANCE=full` runs all of it. Each test prints what it has counted.

#![expect(clippy::unwrap_used, reason = "in a test it is a failure, as it should be")]

mod cell;
mod damage;
mod damaged;
mod device_list;
mod histories;
mod index;
mod matrix;
mod mortal;
mod paths;
mod races;
mod races_of_ends;
mod races_of_logins;
mod rounds;
mod sizes;
mod subject;
mod table;
mod tally;
mod tap;
mod vectors;
