//! What a request or a command does: read, decide, write, and read again until it is settled.

mod attempt;
mod attributes;
mod authorize;
mod block;
mod change_password;
mod change_user;
mod create_login;
mod create_user;
mod credentials;
mod end;
mod events;
mod find;
mod import;
mod import_rows;
mod import_user;
pub mod issue;
mod known;
mod login;
mod read_time;
mod refresh;

pub use attributes::{NotChanged, change_own_attributes, finish_attributes, set_attributes};
pub use authorize::{Introspected, OnFirstUse, authorize, introspect};
pub use block::{block_user, lift_block};
pub use change_password::{PasswordChange, PasswordNotChanged};
pub use change_user::{change_user, remove_user};
pub use create_login::{Caller, CreateLogin, Entitlement, NotCreated};
pub use create_user::{UserCreated, create_user};
pub use credentials::{Denied, Presented, locate, token_of};
pub use end::{Everywhere, PresentedLogin, end_all, end_all_if_known, end_login, end_owned, end_scanned, logout};
pub use find::{Holder, find_holders};
pub use import::{ImportOutcome, SessionImport, import_session, import_sessions};
pub use import_rows::Progress;
pub use import_user::{LeftAlone, NewUser, UserImport, UserImported, import_user, import_users};
pub use login::{LoginAttempt, NotLoggedIn, PasswordLogin};
pub use refresh::{NotRefreshed, PresentedRefresh, Refreshed, refresh};
