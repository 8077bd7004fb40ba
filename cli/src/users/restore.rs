//! `latchkey users restore`: copies the missing users from a restored copy of the users table.

use latchkey::{
    entropy::Random,
    ids::UserKey,
    model::{User, UserStatus},
    operations::{UserCreated, block_user, create_user},
    store::{Accounts, StoreError, Users},
};
use serde_json::json;
use tokio::task::JoinSet;

use super::{UsersError, accounts};
use crate::{args::RestoreUsersArgs, client, listing::Listing, output::print, patiently::patiently, progress::Spinner};

/// How many users are restored in parallel.
const SIDE_BY_SIDE: usize = 16;

/// What became of the users.
#[derive(Debug, Default)]
struct Restored {
    restored: usize,
    already_there: usize,
    refused: usize,
    unreadable: usize,
}

/// What became of one user.
enum Outcome {
    Restored,
    AlreadyThere,
    Refused(User),
}

/// Copies page by page. A user who is there is left alone, whatever has changed. So the same command again goes on where it stopped.
pub(super) async fn restore(args: RestoreUsersArgs) -> Result<(), UsersError> {
    let accounts = accounts(&args.at).await?;
    let source = Users::new(client::patient(&args.at.aws).await?, &args.from);
    let random = Random::system();
    let progress = Spinner::start("restoring users");
    let mut done = Restored::default();
    let mut after: Option<String> = None;
    loop {
        let page = patiently(&random, || source.page_of_users(after.as_deref(), None)).await?;
        for row in &page.unreadable {
            eprintln!("{row}");
        }
        done.unreadable += page.unreadable.len();
        let mut users = page.users.into_iter();
        while users.len() > 0 {
            let mut restoring = JoinSet::new();
            for user in users.by_ref().take(SIDE_BY_SIDE) {
                let (accounts, random) = (accounts.clone(), random.clone());
                restoring.spawn(async move { patiently(&random, || restore_one(&accounts, &user, &random)).await });
            }
            for outcome in restoring.join_all().await {
                done.note(outcome?);
            }
            progress.say(format!("{} users restored, {} already there", done.restored, done.already_there));
        }
        if page.next.is_none() {
            break;
        }
        after = page.next;
    }
    drop(progress);
    print(done.summary(args.json));
    if done.unreadable == 0 { Ok(()) } else { Err(UsersError::NotRestored(done.unreadable)) }
}

async fn restore_one(accounts: &Accounts, user: &User, random: &Random) -> Result<Outcome, StoreError> {
    let there = accounts.users().read_user(&user.username).await?;
    let is_this_one = there.as_ref().is_none_or(|there| (&there.user_id, there.status) == (&user.user_id, user.status));
    let outcome = if there.is_some() { Outcome::AlreadyThere } else { create(accounts, user, random).await? };
    // A disabled user is blocked, too, so that no login is created by another door. After a crash in between, the same command comes here.
    if user.status == UserStatus::Disabled && is_this_one && !matches!(outcome, Outcome::Refused(_)) {
        block_user(accounts.store(), &UserKey::of(&user.user_id), user.created_at, random).await?;
    }
    Ok(outcome)
}

async fn create(accounts: &Accounts, user: &User, random: &Random) -> Result<Outcome, StoreError> {
    Ok(match create_user(accounts, user, random).await? {
        UserCreated::Done => Outcome::Restored,
        UserCreated::NameTaken => Outcome::AlreadyThere,
        UserCreated::IdTaken | UserCreated::LooksLikeAnother => Outcome::Refused(user.clone()),
    })
}

impl Restored {
    fn note(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Restored => self.restored += 1,
            Outcome::AlreadyThere => self.already_there += 1,
            Outcome::Refused(user) => {
                eprintln!(
                    "{} is not restored: the id is blocked, as after a removal or a disabling, or another user has it or a name that looks the same",
                    user.username
                );
                self.refused += 1;
            }
        }
    }

    fn summary(&self, json: bool) -> String {
        let counts = [self.restored, self.already_there, self.refused, self.unreadable];
        Listing::json(json).render(
            &["RESTORED", "ALREADY THERE", "REFUSED", "UNREADABLE"],
            &[counts],
            |counts| counts.iter().map(ToString::to_string).collect(),
            |[restored, already_there, refused, unreadable]| {
                json!({"restored": restored, "already_there": already_there, "refused": refused, "unreadable": unreadable})
            },
        )
    }
}
