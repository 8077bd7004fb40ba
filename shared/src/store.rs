//! The DynamoDB tables: one strongly consistent read per decision, one write to carry it out.
//!
//! Each write stands beside the condition that guards it. Nothing here judges a token: [`crate::decision`] does.

mod accounts;
mod answer_proof;
mod attempts;
mod attributes;
mod batch;
mod block;
mod change_register;
mod change_user;
mod create_user;
mod end;
mod end_everyone;
mod error;
mod import;
mod items;
mod locate;
mod login;
mod logins;
mod mark;
mod name_claim;
mod person;
mod read;
mod remove_user;
mod rotate;
#[cfg(test)]
pub(crate) mod script;
#[cfg(test)]
mod tests;
mod transaction;
mod users;
mod warm_up;

pub use crate::dynamodb::Unheard;
pub use accounts::Accounts;
pub use attempts::{Attempts, CountWrite, ReadCounts, StoredCount};
pub use attributes::Copied;
pub use change_user::UserChange;
pub use create_user::Owner;
pub use end::{Attempt, EndProof, Ended};
pub use end_everyone::{ScanCursor, ScannedUser};
pub use error::StoreError;
pub use items::{Item, ItemError, StoredItem, attributes_item, login_item, read_item, read_login, read_session, session_item};
pub use locate::{Located, NotLocated};
pub use logins::LoginsCursor;
pub use name_claim::is_name_claim;
pub use person::Person;
pub use rotate::Rotation;
pub use transaction::{Commit, RowWrite, RowsCommit};
pub use users::{UnreadableUser, Users, UsersPage, read_user, user_item};

use crate::dynamodb::DynamoDb;

/// The sessions table. One concrete type; tests put their faults below it, at the HTTP connector.
#[derive(Debug, Clone)]
pub struct Store {
    dynamodb: DynamoDb,
    sessions: String,
}

impl Store {
    /// The store over `dynamodb`, which a client of the SDK can be, too, in the table named `sessions`.
    pub fn new(dynamodb: impl Into<DynamoDb>, sessions: impl Into<String>) -> Self {
        Self { dynamodb: dynamodb.into(), sessions: sessions.into() }
    }
}
