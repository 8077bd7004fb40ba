//! F8: items with a missing, misspelt or wrongly typed attribute. 500, or no verdict from the authorizer; never a
//! panic, never Allow. Once the item is repaired, requests succeed again.

use chrono::TimeDelta;
use latchkey::ids::UserKey;
use latchkey_tests::database::Item;
use strum::VariantArray as _;

use crate::{
    damage::{Damage, is_noticed},
    paths::{Held, Path},
    subject::{Ground, Subject},
    tally::{Breach, Tally},
};

/// Whether DynamoDB accepted the item: it rejects an index key of the wrong type.
async fn put(subject: &Subject, table: &str, item: Item) -> bool {
    let database = &subject.ground.database;
    database.client.put_item().table_name(database.table(table)).set_item(Some(item)).send().await.is_ok()
}

/// Applies each damage to each attribute of an item and collects the breaches that `ask` finds.
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
    for (name, damage) in names.into_iter().flat_map(|name| Damage::VARIANTS.iter().map(move |damage| (name, *damage))) {
        if !put(subject, table, damage.on(item, name)).await {
            continue;
        }
        tally.cells += 1;
        tally.breaches.extend(ask(name, damage).await);
        assert!(put(subject, table, item.clone()).await);
    }
}

/// Authorizes, replays and refreshes on a login or session with a damage that a reader must notice.
async fn ask_with_tokens(subject: &Subject, held: &Held, kind: &str, name: &str, damage: Damage) -> Vec<(Breach, String)> {
    let label = format!("{kind}: {name} {damage:?}");
    let mut breaches = Vec::new();
    if is_noticed(name, damage) {
        let me = subject.me(&held.current.access).await;
        if me.status != 503 {
            let breach = if me.status == 200 { Breach::WrongAllow } else { Breach::Wrong401 };
            breaches.push((breach, format!("{label}: authorize {:?}", me.outcome())));
        }
        for (way, token) in [("replay", &held.previous.refresh), ("refresh", &held.current.refresh)] {
            let answer = subject.refresh(token).await;
            if answer.outcome() != (500, "internal") {
                let breach = if answer.status == 401 { Breach::Wrong401 } else { Breach::Unexpected };
                breaches.push((breach, format!("{label}: {way} {:?}", answer.outcome())));
            }
        }
    } else if !subject.allows(&held.current.access).await {
        breaches.push((Breach::LostSession, format!("{label}: refused although the damage is harmless")));
    }
    if subject.take_panics() > 0 {
        breaches.push((Breach::Unexpected, format!("{label}: a panic")));
    }
    breaches
}

/// The items of a subject in the state that [`Path::prepare`] creates.
async fn sessions_items(subject: &Subject) -> Vec<Item> {
    let own = UserKey::of(&subject.user.user_id);
    let mut items = subject.ground.database.items("SessionsTable").await;
    items.retain(|item| item["user_key"].as_s().is_ok_and(|key| key == own.as_str()));
    items
}

fn kind_of(item: &Item) -> &'static str {
    match item["sk"].as_s().unwrap().as_str() {
        "!user" => "register",
        sk if sk.starts_with("!user#device#") => "device",
        sk if sk.contains('#') => "session",
        _ => "login",
    }
}

#[tokio::test]
async fn damaged_logins_and_sessions() {
    let subject = Subject::new(&Ground::new().await).await;
    let held = Path::Replay.prepare(&subject).await;
    let mut tally = Tally::default();
    for item in sessions_items(&subject).await.iter().filter(|item| matches!(kind_of(item), "login" | "session")) {
        let kind = kind_of(item);
        let (subject, held) = (&subject, &held);
        let ask = async |name: &str, damage| {
            // Without this attribute a session looks like a login's first; another test covers that.
            if (kind, name) == ("session", "replaces") && matches!(damage, Damage::Missing | Damage::Misspelt) {
                return Vec::new();
            }
            ask_with_tokens(subject, held, kind, name, damage).await
        };
        each_damage(subject, "SessionsTable", item, &["user_key", "sk"], &mut tally, ask).await;
    }
    let answer = subject.refresh(&held.previous.refresh).await;
    tally.hold(answer.status == 200, Breach::LostSession, || format!("after the repair: {:?}", answer.outcome()));
    tally.close("damaged login and session items");
}

/// Every session except a login's first names its predecessor. One that doesn't is damaged. An honest replay that meets it
/// must not be treated as reuse.
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
        tally.hold(retry.status == 200, Breach::LostSession, || format!("after the repair: {:?}", retry.outcome()));
    }
    tally.close("sessions that don't say what they replaced");
}

/// Without a limit a login reads the user, the register and the device's item; this test damages each of them.
#[tokio::test]
async fn damaged_items_under_a_login() {
    let subject = Subject::new(&Ground::new().await).await;
    // A successful login makes the network known to the account, so the failures of a hundred logins don't throttle it.
    assert_eq!(subject.login().await.status, 200);
    let mut tally = Tally::default();
    let user = subject.ground.database.items("UsersTable").await.remove(0);
    let mut items = vec![("UsersTable", "user", user)];
    items.extend(sessions_items(&subject).await.into_iter().map(|item| ("SessionsTable", kind_of(&item), item)));
    items.retain(|(_, kind, _)| matches!(*kind, "user" | "register" | "device"));
    assert_eq!(items.len(), 3);
    for (table, kind, item) in &items {
        let subject = &subject;
        let ask = async |name: &str, damage| {
            // Of the register, login reads only these attributes. A login that succeeds would change the items.
            let read = *kind != "register" || matches!(name, "version" | "last_login_id");
            if !read || !is_noticed(name, damage) {
                return Vec::new();
            }
            // Each failed attempt is counted; this login must not be throttled for the earlier ones.
            subject.clock.advance(TimeDelta::minutes(16));
            let answer = subject.login().await;
            let mut breaches = Vec::new();
            // A hash in no form that a login verifies is an ERROR line, and the same 401 as a wrong password.
            let unreadable_hash = name == "password_hash" && answer.outcome() == (401, "invalid_credentials");
            if answer.outcome() != (500, "internal") && !unreadable_hash {
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
    tally.hold(answer.status == 200, Breach::LostSession, || format!("after the repair: {:?}", answer.outcome()));
    tally.close("damaged items under a login");
}

/// Damaged attempt counters: a login is throttled or fails, and never panics.
#[tokio::test]
async fn damaged_counts_of_attempts() {
    let subject = Subject::new(&Ground::new().await).await;
    // A successful login makes the network known to the account, so the failures of a hundred logins don't throttle it.
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
    tally.hold(answer.status == 200, Breach::LostSession, || format!("after the repair: {:?}", answer.outcome()));
    tally.close("damaged counts of attempts");
}
