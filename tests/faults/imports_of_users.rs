//! The same for an import of several users at once: no user is lost, none is written twice, no id and no look has two names.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aws_sdk_dynamodb::Client;
use latchkey::{
    entropy::Random,
    ids::UserKey,
    model::{User, UserStatus},
    operations::{LeftAlone, NewUser, UserImport, UserImported, import_user, import_users},
    password::PasswordHash,
    store::{Accounts, Store, StoreError, Users},
};
use latchkey_tests::{clock::TestClock, database::Database, service::ParseUsername as _, tap::Tap};

use crate::{
    imports::{Cell, Prelude, cells, client_under, is_right, until_cut_off},
    matrix::in_parallel,
    tally::{Breach, Tally},
};

const FOREIGN_HASH: &str = "$foreign$pbkdf2$d=sha256,i=1$c2FsdHNhbHRzYWx0$yX7FiE8uNYDV0oMweqX/yLyrYRPq949E0HMX6HSo8YA";

#[derive(Clone)]
struct Ground {
    database: Database,
    files: Arc<AtomicUsize>,
}

/// Users, each with what becomes of them when nothing fails.
struct File {
    rows: Vec<(User, UserImported)>,
    /// Sees no fault.
    accounts: Accounts,
}

impl Ground {
    fn accounts(&self, client: &Client) -> Accounts {
        let store = Store::new(client.clone(), self.database.table("SessionsTable"));
        Accounts::new(store, Users::new(client.clone(), self.database.table("UsersTable")))
    }

    async fn file(&self) -> File {
        use UserImported::{AlreadyThere, Created, LeftAlone as Left};

        let (file, accounts) = (self.files.fetch_add(1, Ordering::Relaxed), self.accounts(&self.database.client));
        let user = |name: &str, status| User {
            username: format!("{name}{file}").parse_username(),
            user_id: format!("id-{name}-{file}"),
            password_hash: PasswordHash::stored(FOREIGN_HASH.to_owned()),
            status,
            version: 1,
            created_at: TestClock::default().now(),
        };
        let active = |name| user(name, UserStatus::Active);
        let rows = vec![
            (active("first"), Created),
            (active("second"), Created),
            (active("саша"), Created),
            (active("imported"), AlreadyThere),
            (User { user_id: format!("id-imported-{file}"), ..active("thief") }, Left(LeftAlone::IdTaken)),
            (active("сора"), Left(LeftAlone::LooksLikeAnother)),
            (user("disabled", UserStatus::Disabled), Created),
        ];
        for there in [&rows[3].0, &active("copa")] {
            assert_eq!(import_user(&accounts, there, true, &Random::system()).await, Ok(Created));
        }
        File { rows, accounts }
    }
}

type Outcome = Result<UserImported, StoreError>;

impl File {
    /// Imports it as the command does, which tries again after an outage.
    async fn import(&self, accounts: &Accounts) -> Vec<Outcome> {
        let row = |(user, _): &(User, _)| UserImport::new(NewUser { user: user.clone(), id_is_given: true });
        let mut imports: Vec<_> = self.rows.iter().map(row).collect();
        let mut ended = Ok(());
        for _ in 0..3 {
            ended = import_users(accounts, &mut imports, &Random::system()).await;
            if ended.is_ok() {
                break;
            }
        }
        imports.into_iter().map(|import| import.into_outcome(&ended)).collect()
    }

    async fn check(&self, tally: &mut Tally, cell: &str) {
        let names: Vec<_> = self.rows.iter().map(|(user, _)| &user.username).collect();
        let there = self.accounts.users().read_users(&names).await.unwrap();
        for ((user, outcome), there) in self.rows.iter().zip(there) {
            let (name, there) = (&user.username, there.unwrap());
            let lives = !matches!(outcome, UserImported::LeftAlone(_));
            let row = |user: &User| (user.user_id.clone(), user.password_hash.clone(), user.status, user.version, user.created_at);
            let as_new = there.as_ref().map(row) == lives.then(|| row(user));
            tally.hold(as_new, Breach::LostSession, || format!("{cell}: {name} is {there:?}"));
            let owner = self.accounts.store().read_owner(&UserKey::of(&user.user_id)).await.unwrap();
            let names = owner.as_ref().and_then(|owner| owner.username.as_deref());
            let owns = names == Some(name.as_str());
            tally.hold(owns == lives, Breach::Invariant, || format!("{cell}: the id of {name} is {names:?}'s"));
            let blocked = owner.is_some_and(|owner| owner.is_blocked);
            let disabled = user.status == UserStatus::Disabled;
            tally.hold(blocked == disabled, Breach::WrongAllow, || format!("{cell}: {name} is blocked: {blocked}"));
        }
    }
}

async fn run(ground: Ground, under: Cell) -> Tally {
    let (cell, rule) = (under.name(), under.rule.as_ref());
    let (file, tap, mut tally) = (ground.file().await, Tap::default(), Tally { cells: 1, ..Tally::default() });
    under.arm(&tap);
    let first = until_cut_off(&tap, under.calls, file.import(&ground.accounts(&client_under(&ground.database, &tap)))).await;
    let calls = tap.disarm();
    let met = rule.is_none_or(|rule| calls.iter().any(|call| rule.meets(call)));
    tally.hold(met, Breach::Unexpected, || format!("{cell}: the fault met no call"));
    *tally.answers.entry(if first.is_some() { "ended" } else { "cut off" }.to_owned()).or_default() += 1;

    let again = file.import(&file.accounts).await;
    for (at, (user, expected)) in file.rows.iter().enumerate() {
        let name = &user.username;
        let acknowledged = first.as_ref().is_some_and(|first| first[at] == Ok(UserImported::Created));
        if let Some(first) = &first {
            let outcome = &first[at];
            // A disabled user is written first and blocked then. After an outage in between they are there.
            let there = user.status == UserStatus::Disabled && rule.is_some() && *outcome == Ok(UserImported::AlreadyThere);
            let right = there || is_right(outcome, *expected, rule);
            tally.hold(right, Breach::Unexpected, || format!("{cell}: {name} was {outcome:?}"));
        }
        let right = match (&again[at], expected) {
            (Ok(UserImported::Created), UserImported::Created) => !acknowledged,
            (Ok(UserImported::AlreadyThere), UserImported::Created) => true,
            (outcome, expected) => *outcome == Ok(*expected),
        };
        tally.hold(right, Breach::DuplicateCommit, || format!("{cell}: {name} was {:?} when it was run again", again[at]));
    }
    tap.arrived().await;
    file.check(&mut tally, &cell).await;
    tally
}

#[tokio::test]
async fn every_fault_at_every_call_of_an_import_of_users() {
    let ground = Ground { database: Database::new().await, files: Arc::default() };
    let calls_after = async |prelude: Prelude| {
        let (file, tap) = (ground.file().await, Tap::default());
        tap.arm(prelude.rules());
        file.import(&ground.accounts(&client_under(&ground.database, &tap))).await;
        tap.disarm()
    };
    let cells = cells(calls_after).await.into_iter().map(|cell| run(ground.clone(), cell));
    in_parallel(cells).await.close("faults of an import of users");
}
