//! A model of the service, explored to its end: every interleaving of clients, handlers and DynamoDB within the bounds of
//! a configuration, and in every state of them the promises G1, G2, G3, G7, G9 and G11 of the design.
//!
//! What is in it:
//! - **DynamoDB** ([`transaction`], [`table`]): a transaction prepares its items one by one (condition, lock), is settled
//!   when all are prepared, and commits them one by one in any order; a query reads its items one by one, in any order, so
//!   it sees torn states; a plain write to a locked item conflicts and is tried again; an answer gets lost while its
//!   transaction goes on, and may still commit after the request has read again and sent another.
//! - **Handlers** ([`refresh`], [`login`], [`end`], [`authorizer`]): one step for each call to the store, interleaved with
//!   everybody else's. They may stop at any step: as every promise is about safety, a handler that crashed is one that
//!   never goes on, and the explicit crash only makes room for others.
//! - **Clients**: whatever tabs keep or share, they present tokens that the client was answered with; answers arrive late,
//!   in any order, or never. An honest client presents none whose replay window it knows to have passed. A thief has copied
//!   some, once, and presents them whenever.
//! - **Time**, in ticks of 2.5 s, half of the tolerance. A handler lives for one step at the most, as the functions' deadline
//!   is far below the shortest window. What it has sent may be carried out at any later time, or never. Where a world says
//!   so, each handler has a clock of its own, and a client's request is late. Tokens don't expire here.
//!
//! The decisions are no part of the model: [`oracle`] puts every question to `latchkey::decision`, on real tokens and real
//! hashes, and keeps the answers; a replay is opened with its seal. What the store writes is modelled, condition by
//! condition, after `latchkey::store`.
//!
//! [`promises`] must hold, and what makes them worth anything must have happened on the way. [`controls`] weaken one thing
//! each and must be found out. `LATCHKEY_ASSURANCE=full` takes the larger sizes; `--nocapture` shows the states explored.
//!
//! One thing was found here and has been mended; what was done before is a control. A login request whose commit went
//! unheard, and was ended meanwhile (from the list, or by "everywhere") while another login moved the register, found
//! nothing of its own and wrote the very same login again: an ended login came back. Now it mints another
//! (`docs/adr/0012-a-login-is-written-once.md`).

#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test either is a failure, as it should be")]

mod attributes;
mod authorizer;
mod bound;
mod choices;
mod config;
mod controls;
mod end;
mod guard;
mod login;
mod model;
mod notice;
mod oracle;
mod pool;
mod promise;
mod promised;
mod promises;
mod properties;
mod refresh;
mod run;
mod table;
mod transaction;
mod world;
mod worlds;
