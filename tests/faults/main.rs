//! Makes everything fail that can: each store call of each handler, races over HTTP, a crash at every call, and damaged
//! items.
//!
//! The quick sizes run by default; `LATCHKEY_ASSURANCE=full` runs everything. Each test prints its counts.

#![expect(clippy::unwrap_used, reason = "a panic fails the test, as intended")]

mod attributes;
mod cell;
mod damage;
mod damaged;
mod device_list;
mod histories;
mod honest_tears;
mod imports;
mod imports_of_users;
mod index;
mod lost_answers;
mod matrix;
mod mortal;
mod paths;
mod races;
mod races_of_ends;
mod races_of_first_uses;
mod races_of_logins;
mod rounds;
mod sizes;
mod subject;
mod table;
mod tally;
mod tap;
mod vectors;
