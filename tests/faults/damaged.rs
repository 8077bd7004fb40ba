//! F8: items with a missing, misspelt or wrongly typed attribute. 500, or no verdict from the authorizer; never a
//! panic, never Allow. Once the item is repaired, requests succeed again.

use chrono::TimeDelta;
use latchkey::ids::UserKey;
use latchkey_tests::database::Item;

use crate::{
    damage::{DAMAGES, Damage, is_noticed},
    paths::{Held, Path},
    subject::{Ground, Subject},
    tally::{Breach, Tally},
};

/// Whether DynamoDB took it: an attribute that an index has for its key is always of the key's type.
async fn put(subject: &Subject, table: &str, item: Item) -> bool {
    let database = &subject.ground.database;
    database.client.put_item().table_name(database.table(table)).set_item(Some(item)).send().await.is_ok()
}

/// Each damage to each attribute of an item, and what `ask` finds wrong with the answers to it.
async fn each_damage(
    subject: &Subject,
    table: &str,
    item: &Item,
    keys: &[&str],
    tally: &mut Tally,
    ask: impl AsyncFn(&str, Damage) -> Vec<(Breach, String)>,
) {
    let mut names: Vec<_> = item.keys().filter(|name| !keys.contains(&name.as_str())).collect();
    names.sort_unstable();
    for (name, damage) in names.into_iter().flat_map(|name| DAMAGES.map(|damage| (name, damage))) {
        if !put(subject, table, damage.on(item, name)).await {
            continue;
        }
        tally.cells += 1;
        tally.breaches.extend(ask(name, damage).await);
        assert!(put(subject, table, item.clone()).await);
    }
}

/// Authorize, replay and refresh, on a login or session with a damage that must be noticed.
async fn ask_with_tokens(subject: &Subject, held: &Held, kind: &str, name: &str, damage: Damage) -> Vec<(Breach, String)> {
    let told = format!("{kind}: {name} {damage:?}");
    let mut breaches = Vec::new();
    if is_noticed(name, damage) {
        let me = subject.me(&held.current.access).await;
        if me.status != 503 {
            let breach = if me.status == 200 { Breach::WrongAllow } else { Breach::Wrong401 };
            breaches.push((breach, format!("{told}: authorize {:?}", me.outcome())));
        }
        for (way, token) in [("replay", &held.previous.refresh), ("refresh", &held.current.refresh)] {
            let answer = subject.refresh(token).await;
            if answer.outcome() != (500, "internal") {
                let breach = if answer.status == 401 { Breach::Wrong401 } else { Breach::Unexpected };
                breaches.push((breach, format!("{told}: {way} {:?}", answer.outcome())));
            }
        }
    } else if !subject.allows(&held.current.access).await {
        breaches.push((Breach::LostSession, format!("{told}: nothing that matters, and yet refused")));
    }
    if subject.take_panics() > 0 {
        breaches.push((Breach::Unexpected, format!("{told}: a panic")));
    }
    breaches
}

/// The items of a subject that stands where [`Path::prepare`] leaves it.
async fn sessions_items(subject: &Subject) -> Vec<Item> {
    let own = UserKey::of(&subject.user.user_id);
    let mut items = subject.ground.database.items("SessionsTable").await;
    items.retain(|item| item["user_key"].as_s().is_ok_and(|key| key == own.as_str()));
    items
}

fn kind_of(item: &Item) -> &'static str {
    match item["sk"].as_s().unwrap().as_str() {
        "!user" => "register",
        sk if sk.contains('#') => "session",
        _ => "login",
    }
}

#[tokio::test]
async fn damaged_logins_and_sessions() {
    let subject = Subject::new(&Ground::new().await).await;
    let held = Path::Replay.prepare(&subject).await;
    let mut tally = Tally::default();
    for item in sessions_items(&subject).await.iter().filter(|item| kind_of(item) != "register") {
        let kind = kind_of(item);
        let (subject, held) = (&subject, &held);
        let ask = async |name: &str, damage| {
            // Without this one a session looks like a login's first; that is a test of its own.
            if (kind, name) == ("session", "replaces") && matches!(damage, Damage::Missing | Damage::Misspelt) {
                return Vec::new();
            }
            ask_with_tokens(subject, held, kind, name, damage).await
        };
        each_damage(subject, "SessionsTable", item, &["user_key", "sk"], &mut tally, ask).await;
    }
    let answer = subject.refresh(&held.previous.refresh).await;
    tally.hold(answer.status == 200, Breach::LostSession, || format!("once all is mended: {:?}", answer.outcome()));
    tally.close("damaged login and session items");
}

/// A session beyond a login's first says what it replaced. One that doesn't is damaged, and an honest replay that meets it
/// must not be taken for reuse.
#[tokio::test]
async fn a_session_that_does_not_say_what_it_replaced() {
    let ground = Ground::new().await;
    let mut tally = Tally::default();
    for damage in [Damage::Missing, Damage::Misspelt] {
        tally.cells += 1;
        let subject = Subject::new(&ground).await;
        let held = Path::Replay.prepare(&subject).await;
        let item = sessions_items(&subject).await.into_iter().find(|item| kind_of(item) == "session").unwrap();
        assert!(put(&subject, "SessionsTable", damage.on(&item, "replaces")).await);
        tally.breaches.extend(ask_with_tokens(&subject, &held, "session", "replaces", damage).await);
        assert!(put(&subject, "SessionsTable", item).await);
        let retry = subject.refresh(&held.current.refresh).await;
        tally.hold(retry.status == 200, Breach::LostSession, || format!("once it is mended: {:?}", retry.outcome()));
    }
    tally.close("sessions that don't say what they replaced");
}

/// Logging in reads the user, the register and all logins; each with a damage.
#[tokio::test]
async fn damaged_items_under_a_login() {
    let subject = Subject::new(&Ground::new().await).await;
    // The network becomes one that the account knows: failures of a hundred logins shall not lock it out.
    assert_eq!(subject.login().await.status, 200);
    let mut tally = Tally::default();
    let user = subject.ground.database.items("UsersTable").await.remove(0);
    let mut items = vec![("UsersTable", "user", user)];
    items.extend(sessions_items(&subject).await.into_iter().map(|item| ("SessionsTable", kind_of(&item), item)));
    for (table, kind, item) in &items {
        let subject = &subject;
        let ask = async |name: &str, damage| {
            // Of the register, only what logins contend on is read. A login that goes through would change the items.
            let read = *kind != "register" || matches!(name, "version" | "last_login_id");
            let predecessor_untold = (*kind, name) == ("session", "replaces");
            if !read || !is_noticed(name, damage) || predecessor_untold {
                return Vec::new();
            }
            // Each failed attempt counts; this one shall not wait for those before.
            subject.clock.advance(TimeDelta::minutes(16));
            let answer = subject.login().await;
            let mut breaches = Vec::new();
            if answer.outcome() != (500, "internal") {
                breaches.push((Breach::Unexpected, format!("{kind}: {name} {damage:?}: login {:?}", answer.outcome())));
            }
            if subject.take_panics() > 0 {
                breaches.push((Breach::Unexpected, format!("{kind}: {name} {damage:?}: a panic")));
            }
            breaches
        };
        each_damage(subject, table, item, &["user_key", "sk", "username"], &mut tally, ask).await;
    }
    subject.clock.advance(TimeDelta::minutes(16));
    let answer = subject.login().await;
    tally.hold(answer.status == 200, Breach::LostSession, || format!("once all is mended: {:?}", answer.outcome()));
    tally.close("damaged items under a login");
}

/// The counts of attempts: a login is held back or fails, and never panics.
#[tokio::test]
async fn damaged_counts_of_attempts() {
    let subject = Subject::new(&Ground::new().await).await;
    // The network becomes one that the account knows: failures of a hundred logins shall not lock it out.
    assert_eq!(subject.login().await.status, 200);
    let mut tally = Tally::default();
    for item in subject.ground.database.items("LoginAttemptsTable").await {
        let subject = &subject;
        let ask = async |name: &str, damage| {
            let answer = subject.login().await;
            let held_back = matches!(answer.outcome(), (200, "") | (429, "throttled") | (500, "internal"));
            let panicked = subject.take_panics() > 0;
            let broken = !held_back || panicked;
            broken.then(|| (Breach::Unexpected, format!("attempts: {name} {damage:?}: {:?}", answer.outcome()))).into_iter().collect()
        };
        each_damage(subject, "LoginAttemptsTable", &item, &["subject"], &mut tally, ask).await;
    }
    let answer = subject.login().await;
    tally.hold(answer.status == 200, Breach::LostSession, || format!("once all is mended: {:?}", answer.outcome()));
    tally.close("damaged counts of attempts");
}
