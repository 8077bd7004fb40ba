//! The paths through the handlers: the preparation, the request, and what the client must get afterwards.

use chrono::TimeDelta;
use latchkey_tests::service::{Answer, Pair};

use crate::{
    subject::Subject,
    table::{Table, delete_login},
    tally::{Breach, Tally},
};

/// A path through a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray)]
pub(crate) enum Path {
    /// A login from a device that is already logged in: it replaces that login.
    Login,
    /// A refresh with the current token.
    Refresh,
    /// A refresh with the previous token, within its window.
    Replay,
    /// A refresh with the previous token after its window: it ends the login.
    Reuse,
    /// A logout by the access token.
    LogoutByAccess,
    /// A logout by the refresh token.
    LogoutByRefresh,
    /// A request with the current access token.
    AuthorizeCurrent,
    /// A request with the previous access token.
    AuthorizeRotated,
    /// A request with a token whose login is gone while its session remains.
    AuthorizeOrphan,
}

/// The client's pair: of a login refreshed once, or of an imported one as it was imported, where that matters.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) previous: Pair,
    pub(crate) current: Pair,
    generation: u32,
}

impl Path {
    pub(crate) async fn prepare(self, subject: &Subject) -> Held {
        let previous = subject.first_login().await;
        let as_it_came = matches!(self, Self::Refresh | Self::LogoutByAccess | Self::LogoutByRefresh | Self::AuthorizeCurrent);
        if self == Self::Login || (subject.ground.imported && as_it_came) {
            return Held { current: previous.clone(), previous, generation: 0 };
        }
        let mut current = Pair::of(&subject.refresh(&previous.refresh).await);
        match self {
            Self::Reuse => {
                // With the key, the token before the current one gets its pair however late it comes.
                if subject.ground.bound {
                    current = Pair::of(&subject.refresh(&current.refresh).await);
                }
                assert!(subject.allows(&current.access).await);
                subject.clock.advance(TimeDelta::seconds(36));
            }
            Self::AuthorizeOrphan => delete_login(subject, &current.login_id).await,
            _ => {}
        }
        Held { previous, current, generation: 1 }
    }

    pub(crate) async fn request(self, subject: &Subject, held: &Held) -> Answer {
        match self {
            Self::Login => subject.login().await,
            Self::Refresh => subject.refresh(&held.current.refresh).await,
            Self::Replay | Self::Reuse => subject.refresh(&held.previous.refresh).await,
            Self::LogoutByAccess => subject.logout(&held.current.access).await,
            Self::LogoutByRefresh => subject.logout(&held.current.refresh).await,
            Self::AuthorizeCurrent | Self::AuthorizeOrphan => subject.me(&held.current.access).await,
            Self::AuthorizeRotated => subject.me(&held.previous.access).await,
        }
    }

    /// The answer when nothing fails.
    pub(crate) fn settled_status(self) -> u16 {
        match self {
            Self::Login | Self::Refresh | Self::Replay | Self::AuthorizeCurrent => 200,
            Self::LogoutByAccess | Self::LogoutByRefresh => 204,
            Self::Reuse | Self::AuthorizeRotated | Self::AuthorizeOrphan => 401,
        }
    }

    /// What an acknowledgement guarantees, checked right after the answer under the fault.
    pub(crate) async fn check_acknowledged(self, subject: &Subject, held: &Held, answer: &Answer, tally: &mut Tally, cell: &str) {
        if answer.status != self.settled_status() {
            return;
        }
        match self {
            Self::Login | Self::Refresh => {
                let pair = Pair::of(answer);
                tally.hold(subject.allows(&pair.access).await, Breach::LostSession, || format!("{cell}: the new token doesn't pass"));
                tally
                    .hold(!subject.allows(&held.current.access).await, Breach::WrongAllow, || format!("{cell}: the replaced token passes"));
            }
            Self::Replay => {
                let same = Pair::of(answer) == held.current;
                tally.hold(same, Breach::DuplicateCommit, || format!("{cell}: a replay gave another pair"));
            }
            Self::Reuse | Self::LogoutByAccess | Self::LogoutByRefresh => check_ended(subject, held, tally, cell).await,
            Self::AuthorizeCurrent | Self::AuthorizeRotated | Self::AuthorizeOrphan => {}
        }
    }

    /// What the client must get once the fault is gone and it has retried.
    pub(crate) async fn check_retried(self, subject: &Subject, held: &Held, first: &Answer, retry: &Answer, tally: &mut Tally, cell: &str) {
        let lost = if self.settled_status() == 401 { Breach::Unexpected } else { Breach::LostSession };
        tally.hold(retry.status == self.settled_status(), lost, || format!("{cell}: the retry got {:?}", retry.outcome()));
        if retry.status != self.settled_status() {
            return;
        }
        let table = Table::read(subject).await;
        table.check(tally, cell);
        match self {
            Self::Login => {
                let pair = Pair::of(retry);
                let logins: Vec<_> = table.logins.keys().collect();
                tally.hold(logins == [&pair.login_id], Breach::DuplicateCommit, || {
                    format!("{cell}: the device has {} logins", logins.len())
                });
                tally.hold(subject.allows(&pair.access).await, Breach::LostSession, || format!("{cell}: the retry's token doesn't pass"));
                let user = subject.accounts.users().read_user(&subject.user.username).await.unwrap().unwrap();
                tally.hold(user.version == subject.user.version && user.password_hash.foreign().is_none(), Breach::Unexpected, || {
                    format!("{cell}: the hash was not replaced, or the version moved")
                });
            }
            Self::Refresh => {
                let pair = Pair::of(retry);
                let same = first.status != 200 || Pair::of(first) == pair;
                tally.hold(same, Breach::DuplicateCommit, || format!("{cell}: the retry gave another pair"));
                let generation = table.generation(&pair.login_id);
                tally.hold(generation == Some(held.generation + 1), Breach::DuplicateCommit, || {
                    format!("{cell}: the login is at generation {generation:?}")
                });
                tally.hold(subject.allows(&pair.access).await, Breach::LostSession, || format!("{cell}: the retry's token doesn't pass"));
                tally
                    .hold(!subject.allows(&held.current.access).await, Breach::WrongAllow, || format!("{cell}: the replaced token passes"));
            }
            Self::Replay => {
                tally.hold(Pair::of(retry) == held.current, Breach::DuplicateCommit, || format!("{cell}: a replay gave another pair"));
                let generation = table.generation(&held.current.login_id);
                tally.hold(generation == Some(1), Breach::DuplicateCommit, || format!("{cell}: the login is at generation {generation:?}"));
                tally.hold(subject.allows(&held.current.access).await, Breach::LostSession, || format!("{cell}: its token doesn't pass"));
            }
            Self::Reuse | Self::LogoutByAccess | Self::LogoutByRefresh => check_ended(subject, held, tally, cell).await,
            Self::AuthorizeCurrent | Self::AuthorizeRotated => {
                let generation = table.generation(&held.current.login_id);
                tally.hold(generation == Some(held.generation), Breach::LostSession, || {
                    format!("{cell}: the login is at generation {generation:?}")
                });
            }
            Self::AuthorizeOrphan => {
                let refreshed = subject.refresh(&held.current.refresh).await;
                tally.hold(refreshed.status == 401, Breach::WrongAllow, || format!("{cell}: an orphan was refreshed"));
            }
        }
    }
}

async fn check_ended(subject: &Subject, held: &Held, tally: &mut Tally, cell: &str) {
    let table = Table::read(subject).await;
    tally.hold(table.logins.is_empty(), Breach::WrongAllow, || format!("{cell}: the login still exists"));
    for pair in [&held.previous, &held.current] {
        tally.hold(!subject.allows(&pair.access).await, Breach::WrongAllow, || format!("{cell}: a token of an ended login passes"));
    }
}
