//! Logins, sessions and users as plain data. Nothing here reads, decides or writes.

mod attributes;
mod current;
mod register;
mod session;
mod user;

pub use attributes::{Attributes, AttributesError, Authentication, LoginAttributes, MAX_BYTES, MAX_OWN, RESERVED};
pub use current::CurrentSession;
pub use register::{DeviceItem, Extent, LeftBehind, LoginCreation, NewLogin, Register, UserLogins};
pub use session::{
    Device, Expiries, FirstUse, ImportedPair, Lifetimes, Login, LoginState, Predecessor, ProofHashes, REMEMBERED_ROTATIONS, ReplayKeyHash,
    ReplayRule, Session,
};
pub use user::{User, UserStatus};
