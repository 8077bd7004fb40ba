use super::*;
use crate::decision::states::{Chain, start};
use crate::dpop::Thumbprint;
use crate::model::{Device, ReplayKeyHash};

#[test]
fn items_read_back_as_they_were_written() {
    let chain = Chain::of(5);
    let login = Login {
        ends_at: Some(chain.now()),
        device: Device {
            id: Some("0123456789abcdef".into()),
            name: Some("Ada’s phone".into()),
            user_agent: None,
            ip: Some("192.0.2.1".into()),
        },
        ..chain.login()
    };
    assert_eq!(read_login(&login_item(&login)), Ok(login));
    for generation in [0, 5] {
        let session = chain.session(generation);
        assert_eq!(read_session(&session_item(&session)), Ok(session));
    }
}

fn imported() -> (Login, Session) {
    let chain = Chain::of(0);
    let (login, session) = (chain.login(), chain.session(0));
    let pair = ImportedPair {
        access_token_hash: session.access_token_hash.clone(),
        refresh_token_hash: session.refresh_token_hash.clone(),
        known_until: session.refresh_token_expires_at,
    };
    (Login { proofs: None, imported: Some(pair), ..login }, Session { imported: true, ..session })
}

#[test]
fn imported_items_read_back_and_leave_the_indexes_to_their_alias() {
    let (login, session) = imported();
    assert_eq!(read_login(&login_item(&login)), Ok(login.clone()));
    assert_eq!(read_session(&session_item(&session)), Ok(session.clone()));
    let refreshed = Login { proofs: Chain::of(0).login().proofs, generation: Chain::of(1).session(1).generation, ..login.clone() };
    assert_eq!(read_login(&login_item(&refreshed)), Ok(refreshed));

    let alias = alias_item(&login.key, &login.user_id, login.imported.as_ref().unwrap());
    for (index, in_alias) in [(ACCESS, session.access_token_hash.to_text()), (REFRESH, session.refresh_token_hash.to_text())] {
        assert_eq!(alias[index], text(in_alias));
        assert!(!login_item(&login).contains_key(index) && !session_item(&session).contains_key(index), "{index}");
    }
    assert_eq!(SortKey::of(alias["sk"].as_s().unwrap()), SortKey::Alias(login.key.login_id.as_str()));
}

/// Only an imported login that was never refreshed has no proofs.
#[test]
fn a_login_without_proofs_is_damaged_once_it_was_refreshed() {
    let (login, _) = imported();
    let refreshed = Login { generation: Chain::of(1).session(1).generation, ..login };
    assert_eq!(read_login(&login_item(&refreshed)).unwrap_err().attribute, "access_proof_hash");
}

/// F8: each attribute missing, mistyped and misspelt is an error that names it; none is a panic.
#[test]
fn a_damaged_item_is_an_error_that_names_the_attribute() {
    let chain = Chain::of(5);
    let optional = ["dpop_answered", "ends_at", "device_id", "device_name", "user_agent", "ip", "replay_key_hash", "replaces", "ttl", "sk"];
    for (item, read) in [
        (login_item(&chain.login()), (|item| read_login(item).err()) as fn(&Item) -> Option<ItemError>),
        (session_item(&chain.session(5)), |item| read_session(item).err()),
        (login_item(&imported().0), |item| read_login(item).err()),
        (session_item(&imported().1), |item| read_session(item).err()),
        (login_item(&bound().0), |item| read_login(item).err()),
        (session_item(&bound().1), |item| read_session(item).err()),
    ] {
        for name in item.keys().filter(|name| !optional.contains(&name.as_str())) {
            for damage in [None, Some(AttributeValue::Bool(true)), Some(text("x")), Some(number(-1))] {
                let mut damaged = item.clone();
                let is_right = matches!((name.as_str(), &damage), ("user_id", Some(AttributeValue::S(_))));
                match damage {
                    None => damaged.remove(name),
                    Some(value) => damaged.insert(name.clone(), value),
                };
                // Without it a session is not known for imported, and lacks what every other one has.
                let is_mark = name.as_str() == IMPORTED_REFRESH && !damaged.contains_key(name);
                if !is_right && !is_mark {
                    assert_eq!(read(&damaged).map(|error| error.attribute), Some(name.as_str()), "{name}");
                }
            }
        }
    }
}

/// A replay of what it replaced would otherwise look like reuse, and end an honest login.
#[test]
fn only_a_first_session_has_replaced_nothing() {
    let mut item = session_item(&Chain::of(5).session(5));
    item.remove("replaces");
    assert_eq!(read_session(&item).unwrap_err().attribute, "replaces");
}

/// A newer version wrote it: refuse rather than guess.
#[test]
fn a_newer_schema_is_refused() {
    let mut item = login_item(&Chain::of(0).login());
    item.insert("schema".into(), number(BOUND_SCHEMA + 1));
    assert_eq!(read_login(&item).unwrap_err().attribute, "schema");
    let mut item = session_item(&Chain::of(0).session(0));
    item.insert("schema".into(), number(SCHEMA + 1));
    assert_eq!(read_session(&item).unwrap_err().attribute, "schema");
}

/// A login's item has 1,024 bytes: one write unit at each rotation. What each attribute takes at most, with its name.
const LOGIN_BUDGET: [(&str, usize); 20] = [
    ("user_key", 51),
    ("sk", 24),
    ("schema", 8),
    ("user_id", 135),
    ("login_id", 30),
    ("generation", 17),
    ("access_proof_hash", 60),
    ("refresh_proof_hash", 61),
    ("logged_in_at", 36),
    ("last_refreshed_at", 41),
    ("recent_replay_untils", 123),
    ("refresh_token_expires_at", 48),
    ("ends_at", 31),
    ("device_id", 73),
    ("device_name", 75),
    ("user_agent", 74),
    ("ip", 47),
    ("has_attributes", 15),
    ("impersonation", 14),
    ("dpop_jkt", 40),
];
/// `ttl`, and what is left for later versions.
const LOGIN_TTL_AND_SPARE: [usize; 2] = [10, 6];

/// The longest of everything.
fn longest() -> (Login, Session, Session) {
    let chain = Chain::of((1 << 30) - 1);
    let full = |text: &str, bytes: usize| Some(text.repeat(bytes / text.len()));
    let login = Login {
        user_id: "u".repeat(crate::ids::USER_ID_MAX_BYTES),
        ends_at: Some(start()),
        device: Device { id: full("d", 64), name: full("é", 64), user_agent: full("a", 64), ip: full("f", 45) },
        has_attributes: true,
        is_impersonation: true,
        bound_to: bound().0.bound_to,
        recent_replay_untils: vec![start(); 4],
        generation: Generation::new(chain.generation).unwrap(),
        ..Chain::of(5).login()
    };
    let session = |generation: u32| {
        let mut session =
            Session { user_id: login.user_id.clone(), generation: Generation::new(generation).unwrap(), ..Chain::of(5).session(5) };
        if let Some(predecessor) = &mut session.predecessor {
            predecessor.replay_key = Some(ReplayKeyHash::of("key"));
            predecessor.first_use = FirstUse::ReplayUntil(start());
        }
        session
    };
    let sessions = (session(chain.generation - 1), session(chain.generation));
    (login, sessions.0, sessions.1)
}

/// As large as they may be.
fn largest_attributes() -> LoginAttributes {
    let user = Attributes::default().with_scope(Some(&"s".repeat(344))).unwrap();
    let own = user.clone();
    assert_eq!(LoginAttributes::check_fit(&user, &own), Ok(()));
    assert_eq!(user.bytes() + own.bytes(), crate::model::MAX_BYTES);
    LoginAttributes { user, own, version: 1 << 53, kept_until: LoginAttributes::kept_for(start()) }
}

#[test]
fn the_longest_login_keeps_to_its_budget() {
    let item = login_item(&longest().0);
    let mut named: Vec<&str> = LOGIN_BUDGET.iter().map(|(name, _)| *name).chain(["ttl"]).collect();
    named.sort_unstable();
    let mut written: Vec<&str> = item.keys().map(String::as_str).collect();
    written.sort_unstable();
    assert_eq!(written, named);
    for (name, budget) in LOGIN_BUDGET {
        let one = Item::from([(name.to_owned(), item[name].clone())]);
        assert!(size(&one) <= budget, "{name}: {} bytes", size(&one));
    }
    let budget: usize = LOGIN_BUDGET.iter().map(|(_, bytes)| bytes).chain(&LOGIN_TTL_AND_SPARE).sum();
    assert!(budget <= 1024, "{budget} bytes");
}

#[test]
fn the_longest_permitted_fields_stay_under_one_write_unit() {
    let (login, _, session) = longest();
    let imported =
        Login { imported: imported().0.imported, device: Device::default(), is_impersonation: false, bound_to: None, ..login.clone() };
    let alias = alias_item(&imported.key, &imported.user_id, imported.imported.as_ref().unwrap());
    let attributes = attributes_item(&login.key, &largest_attributes());
    // Without a name: the longest id, the longest name and the most attributes together take a second unit.
    let mut register = key(&login.key.user_key, REGISTER_SK);
    for (name, value) in [
        ("schema", number(SCHEMA)),
        ("version", number(u32::MAX)),
        ("last_login_id", text(login.key.login_id.as_str())),
        ("logins_at_most", number(u32::MAX)),
        ("user_id", text(&login.user_id)),
        (BLOCKED_AT, time(start())),
        (ATTRIBUTES, map(&Attributes::default().with_scope(Some(&"s".repeat(694))).unwrap())),
        (ATTRIBUTES_PENDING, number(u32::MAX)),
    ] {
        put(&mut register, name, value);
    }
    // A session of a bound login has no replay key and awaits no first use. It remembers proofs instead.
    let mut of_bound = Session { answered_proofs: bound().1.answered_proofs, ..session.clone() };
    if let Some(predecessor) = &mut of_bound.predecessor {
        (predecessor.replay_key, predecessor.first_use) = (None, FirstUse::NotAwaited);
    }
    for item in [login_item(&login), session_item(&session), session_item(&of_bound), login_item(&imported), alias, attributes, register] {
        assert!(size(&item) <= 1024, "{} bytes", size(&item));
    }
}

/// An authorize reads all items of a login at once. In mid-commit of a rotation both sessions are among them.
#[test]
fn all_items_of_a_login_stay_under_one_read_unit() {
    let (login, old, new) = longest();
    let imported = Login { imported: imported().0.imported, device: Device::default(), ..login.clone() };
    let attributes = attributes_item(&login.key, &largest_attributes());
    let alias = alias_item(&imported.key, &imported.user_id, imported.imported.as_ref().unwrap());
    // A login by password has a device and no alias; an imported one has an alias and no device. The sum is larger than either.
    let items = [login_item(&login), session_item(&old), session_item(&new), attributes, alias];
    let bytes: usize = items.iter().map(size).sum();
    assert!(bytes <= 4096, "{bytes} bytes");
}

#[test]
fn attributes_read_back_as_they_were_written() {
    let login = Login { has_attributes: true, is_impersonation: true, ..Chain::of(5).login() };
    assert_eq!(read_login(&login_item(&login)), Ok(login.clone()));
    let attributes = largest_attributes();
    let item = attributes_item(&login.key, &attributes);
    assert_eq!(SortKey::of(item["sk"].as_s().unwrap()), SortKey::Attributes);
    assert_eq!(read_attributes(&item), Ok(attributes.clone()));
    assert_eq!(read_item(&item), Ok(StoredItem::Attributes(Box::new(attributes))));
}

/// Neither a value of another type nor a name that no writer writes is passed on to a backend.
#[test]
fn damaged_attributes_are_an_error() {
    let item = attributes_item(&Chain::of(5).login().key, &largest_attributes());
    let wrong_map = |name: &str, value: AttributeValue| AttributeValue::M([(name.to_owned(), value)].into());
    for name in ["schema", "version", USERS, OWN, "ttl"] {
        let mut values = vec![None, Some(AttributeValue::Bool(true)), Some(text("x"))];
        if [USERS, OWN].contains(&name) {
            values.extend([wrong_map("role", number(1)), wrong_map("Role", text("x")), wrong_map("auth_time", text("x"))].map(Some));
        }
        for value in values {
            let mut damaged = item.clone();
            damaged.remove(name);
            damaged.extend(value.map(|value| (name.to_owned(), value)));
            assert_eq!(read_attributes(&damaged).map_err(|error| error.attribute), Err(name));
        }
    }
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
fn size(item: &Item) -> usize {
    fn value(of: &AttributeValue) -> usize {
        match of {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(digits) => digits.len() / 2 + 2,
            AttributeValue::B(bytes) => bytes.as_ref().len(),
            AttributeValue::L(list) => 3 + list.iter().map(|each| 1 + value(each)).sum::<usize>(),
            AttributeValue::Bool(_) => 1,
            AttributeValue::M(map) => 3 + map.iter().map(|(name, each)| 1 + name.len() + value(each)).sum::<usize>(),
            other => panic!("{other:?}"),
        }
    }
    item.iter().map(|(name, each)| name.len() + value(each)).sum()
}

/// A rotation doesn't touch the item of a device, so it is kept far longer than a login that expires.
#[test]
fn the_item_of_a_device_is_small_and_outlives_a_login() {
    let login = Chain::of(0).login();
    let item = device_item(&login, "phone");
    assert_eq!(SortKey::of(item["sk"].as_s().unwrap()), SortKey::Device);
    assert_eq!(read_device(&item), Ok(login.key.login_id.clone()));
    assert_eq!(read_item(&item), Ok(StoredItem::Device(login.key.login_id.clone())));
    assert_eq!(item["ttl"], number((login.logged_in_at + TimeDelta::days(401)).timestamp()));
    assert_eq!(item["sk"], device_item(&login, "phone")["sk"]);
    assert_ne!(item["sk"], device_item(&login, "tablet")["sk"]);
    assert!(size(&item) <= 256, "{} bytes", size(&item));
}

/// The items of devices sort after the register and before every login id, so that a read of logins can begin behind them.
#[test]
fn sort_keys_are_told_by_their_shape() {
    let id = "0123456789-_abcdefghiw";
    let device = device_item(&Chain::of(0).login(), "phone");
    let device = device["sk"].as_s().unwrap();
    assert!(REGISTER_SK < device.as_str() && device.as_str() < LOGINS_FROM && LOGINS_FROM < "-");
    let (session, alias) = (format!("{id}#0000000005"), format!("{id}#imported"));
    for (sk, kind) in [
        (REGISTER_SK, SortKey::Register),
        (device, SortKey::Device),
        (id, SortKey::Login),
        (&session, SortKey::Session),
        (&alias, SortKey::Alias(id)),
        (&format!("{id}#attributes"), SortKey::Attributes),
    ] {
        assert_eq!(SortKey::of(sk), kind, "{sk}");
    }
    for unknown in
        ["", "!", "!user?", "!user#attributes", "#0000000005", &session[..32], &format!("{session}0"), &format!("{id}#used"), &id[1..]]
    {
        assert_eq!(SortKey::of(unknown), SortKey::Unknown, "{unknown}");
    }
}

fn bound() -> (Login, Session) {
    let chain = Chain::of(5);
    let key = Thumbprint::parse("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    let mut answered = AnsweredProofs::NONE;
    for number in 0..crate::dpop::MOST {
        let id = crate::dpop::ProofId::of(&number.to_string()).unwrap();
        let proof = crate::dpop::Possession { key: key.unwrap(), id, good_until: chain.now() + TimeDelta::minutes(6) };
        answered = answered.with(&proof, chain.now()).unwrap();
    }
    (Login { bound_to: key, ..chain.login() }, Session { answered_proofs: answered, ..chain.session(5) })
}

/// A version that ignored the key would take the login's tokens without a proof.
#[test]
fn a_bound_login_is_one_that_older_versions_refuse() {
    let (login, session) = bound();
    let item = login_item(&login);
    assert_eq!(item["schema"], number(2));
    assert_eq!(login_item(&Chain::of(5).login())["schema"], number(1));
    assert_eq!(read_login(&item), Ok(login));
    assert_eq!(read_session(&session_item(&session)), Ok(session));
    for (name, value, wrong) in [
        ("dpop_jkt", None, "dpop_jkt"),
        ("dpop_jkt", Some(text("x")), "dpop_jkt"),
        ("schema", Some(number(1)), "schema"),
        ("schema", Some(number(3)), "schema"),
    ] {
        let mut damaged = item.clone();
        match value {
            None => damaged.remove(name),
            Some(value) => damaged.insert(name.to_owned(), value),
        };
        assert_eq!(read_login(&damaged).unwrap_err().attribute, wrong);
    }
}
