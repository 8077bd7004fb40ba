use super::*;
use crate::{
    decision::states::{Chain, at, start},
    ids::{Generation, LoginKey},
    model::{Device, Session},
};

fn id(number: usize) -> LoginId {
    LoginId::parse(&format!("{number:022}")).unwrap()
}

fn login(number: usize, device: Option<&str>) -> Login {
    let chain = Chain::of(0);
    let key = LoginKey { login_id: id(number), ..chain.login().key };
    let logged_in_at = start() + at(i64::try_from(number).unwrap());
    Login { key, logged_in_at, device: Device { id: device.map(str::to_owned), ..Device::default() }, ..chain.login() }
}

fn new(number: usize, device: Option<&str>) -> NewLogin {
    let login = login(number, device);
    NewLogin { session: Session { key: login.key.clone(), ..Chain::of(0).session(0) }, login }
}

fn seen(logins: impl IntoIterator<Item = Login>, last: usize) -> UserLogins {
    let logins: std::collections::BTreeMap<_, _> = logins.into_iter().map(|login| (login.key.login_id.clone(), login)).collect();
    let sessions = logins.keys().map(|id| (id.clone(), Generation::FIRST)).collect();
    UserLogins {
        register: Some(Register { version: 7, last_login_id: id(last), blocked_at: None }),
        logins,
        sessions,
        ..UserLogins::default()
    }
}

fn limit(max: u32, on_limit: OnSessionLimit) -> Option<SessionLimit> {
    NonZeroU32::new(max).map(|max| SessionLimit { max, on_limit })
}

fn replaced(decision: LoginDecision<'_>) -> Vec<LoginId> {
    match decision {
        LoginDecision::Create(creation) => creation.replaced.into_iter().map(|(key, _)| key.login_id).collect(),
        other => panic!("{other:?}"),
    }
}

/// Also its own login: the block ends it, and no client may get its tokens.
#[test]
fn a_blocked_user_gets_no_login() {
    let mut state = seen([login(1, None)], 1);
    state.register = state.register.map(|register| Register { blocked_at: Some(start()), ..register });
    for number in [1, 2] {
        assert_eq!(decide_login(&state, &new(number, None), None, start()), LoginDecision::Blocked);
    }
}

#[test]
fn its_own_login_is_success_before_any_limit() {
    let mut state = seen([login(1, None), login(2, None)], 2);
    let reject = limit(1, OnSessionLimit::Reject);
    assert_eq!(decide_login(&state, &new(2, None), reject, start()), LoginDecision::Committed);
    state.sessions.clear();
    assert_eq!(decide_login(&state, &new(2, None), reject, start()), LoginDecision::Torn);
    state.logins.clear();
    assert_eq!(decide_login(&state, &new(2, None), reject, start()), LoginDecision::Torn, "named by the register, unseen");
}

#[test]
fn without_a_limit_nothing_makes_room() {
    let state = seen((1..=50).map(|number| login(number, None)), 50);
    assert!(replaced(decide_login(&state, &new(99, None), None, start())).is_empty());
}

#[test]
fn the_oldest_make_room_for_one_more() {
    let state = seen((1..=3).map(|number| login(number, None)), 3);
    assert_eq!(replaced(decide_login(&state, &new(9, None), limit(3, OnSessionLimit::EvictOldest), start())), [id(1)]);
    assert_eq!(replaced(decide_login(&state, &new(9, None), limit(1, OnSessionLimit::EvictOldest), start())), [id(1), id(2), id(3)]);
    assert_eq!(decide_login(&state, &new(9, None), limit(3, OnSessionLimit::Reject), start()), LoginDecision::LimitReached);
    assert!(replaced(decide_login(&state, &new(9, None), limit(4, OnSessionLimit::Reject), start())).is_empty());
}

#[test]
fn a_login_on_the_same_device_is_replaced_and_not_counted() {
    let state = seen([login(1, Some("phone")), login(2, Some("tablet"))], 2);
    assert_eq!(replaced(decide_login(&state, &new(9, Some("phone")), limit(2, OnSessionLimit::Reject), start())), [id(1)]);
    assert!(replaced(decide_login(&state, &new(9, None), None, start())).is_empty(), "no device id replaces nothing");
}

#[test]
fn expired_logins_are_not_counted() {
    let state = seen([login(1, None)], 1);
    let after = login(1, None).refresh_token_expires_at;
    assert!(replaced(decide_login(&state, &new(9, None), limit(1, OnSessionLimit::Reject), after)).is_empty());
}

/// Lowering the limit from 100 to 1.
#[test]
fn a_large_excess_is_ended_before_oldest_first() {
    let state = seen((1..=100).map(|number| login(number, None)), 100);
    match decide_login(&state, &new(999, None), limit(1, OnSessionLimit::EvictOldest), start()) {
        LoginDecision::EndFirst(logins) => {
            let ids: Vec<_> = logins.iter().map(|login| login.key.login_id.clone()).collect();
            assert_eq!(ids, (1..=80).map(id).collect::<Vec<_>>());
        }
        other => panic!("{other:?}"),
    }
}

/// As many as a transaction carries are not ended before: with nothing to end, the request would read for ever.
#[test]
fn what_one_transaction_carries_makes_room_in_it() {
    let state = seen((1..=20).map(|number| login(number, None)), 20);
    let made = replaced(decide_login(&state, &new(999, None), limit(1, OnSessionLimit::EvictOldest), start()));
    assert_eq!(made, (1..=20).map(id).collect::<Vec<_>>());
}

#[test]
fn the_predecessor_is_held_to_what_was_seen_of_it() {
    for (state, expected) in [(seen([login(1, None)], 1), true), (seen([login(1, None)], 2), false)] {
        match decide_login(&state, &new(9, None), None, start()) {
            LoginDecision::Create(creation) => assert_eq!(creation.predecessor_seen, expected),
            other => panic!("{other:?}"),
        }
    }
}

/// What was sent is given up only when the register has moved on without it.
#[test]
fn a_login_is_void_when_the_register_moved_on_without_it() {
    let built_on = Register { version: 7, last_login_id: id(1), blocked_at: None };
    let unmoved = seen([login(1, None)], 1);
    assert!(!is_void(&unmoved, &id(9), Some(&built_on)), "its transaction may still be under way");
    let mut moved = seen([login(1, None)], 2);
    moved.register = Some(Register { version: 8, last_login_id: id(2), blocked_at: None });
    assert!(is_void(&moved, &id(9), Some(&built_on)));
    assert!(is_void(&moved, &id(9), None), "built on a collection without a register");
    assert!(!is_void(&moved, &id(2), Some(&built_on)), "named: in mid-commit");
    assert!(!is_void(&moved, &id(1), Some(&built_on)), "seen");
}
