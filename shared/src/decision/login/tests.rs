use super::*;
use crate::{
    decision::states::{Chain, at, start},
    ids::{Generation, LoginKey},
    model::{Attributes, Device, Session},
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
    NewLogin { session: Session { key: login.key.clone(), ..Chain::of(0).session(0) }, login, own: Attributes::default() }
}

fn seen(logins: impl IntoIterator<Item = Login>, last: usize) -> UserLogins {
    let logins: std::collections::BTreeMap<_, _> = logins.into_iter().map(|login| (login.key.login_id.clone(), login)).collect();
    let sessions = logins.keys().map(|id| (id.clone(), Generation::FIRST)).collect();
    UserLogins { register: Some(register(7, last, 0)), logins, sessions, extent: Extent::All, ..UserLogins::default() }
}

fn register(version: u64, last: usize, logins_at_most: u32) -> Register {
    Register {
        version,
        last_login_id: id(last),
        logins_at_most,
        blocked_at: None,
        attributes: Attributes::default(),
        attributes_pending: None,
    }
}

fn limit(max: u32, on_limit: OnSessionLimit) -> Option<SessionLimit> {
    NonZeroU32::new(max).map(|max| SessionLimit { max, on_limit })
}

fn creation(decision: LoginDecision<'_>) -> LoginCreation {
    match decision {
        LoginDecision::Create(creation) => creation,
        other => panic!("{other:?}"),
    }
}

fn replaced(decision: LoginDecision<'_>) -> Vec<LoginId> {
    creation(decision).replaced.into_iter().map(|(key, _)| key.login_id).collect()
}

/// What a login without a limit reads, of a user who may have so many logins.
fn unread(logins_at_most: u32, device: DeviceItem) -> UserLogins {
    UserLogins { register: Some(register(7, 1, logins_at_most)), device, ..UserLogins::default() }
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
fn without_a_limit_the_register_alone_decides() {
    let created = creation(decide_login(&unread(998, DeviceItem::Untouched), &new(99, None), None, start()));
    let expected = LoginCreation { register: Some(register(7, 1, 998)), logins_at_most: 999, ..LoginCreation::default() };
    assert_eq!(created, expected, "no login is looked at, the predecessor included");
    let first = creation(decide_login(&UserLogins::default(), &new(99, None), None, start()));
    assert_eq!(first, LoginCreation { logins_at_most: 1, ..LoginCreation::default() });
}

/// The login may be there, may have ended, or may be in mid-commit. The deletion is right in each case.
#[test]
fn without_a_limit_the_devices_item_names_the_login_to_replace() {
    let phone = Some("phone");
    let created = creation(decide_login(&unread(5, DeviceItem::Names(id(3))), &new(99, phone), None, start()));
    assert_eq!(created.replaced, [(LoginKey { login_id: id(3), ..login(3, None).key }, None)]);
    assert_eq!((created.device, created.logins_at_most), (DeviceItem::Names(id(3)), 6));
    let created = creation(decide_login(&unread(5, DeviceItem::Absent), &new(99, phone), None, start()));
    assert_eq!((created.replaced, created.device), (Vec::new(), DeviceItem::Absent));
}

#[test]
fn at_the_ceiling_the_oldest_are_ended() {
    let at = |at_most, extent, logins: usize| {
        let logins = seen((1..=logins).map(|number| login(number, None)), logins);
        UserLogins { register: Some(register(7, 1, at_most)), extent, ..logins }
    };
    let ended = |state: &UserLogins| {
        let created = creation(decide_login(state, &new(99_999, None), None, start()));
        (created.oldest.into_iter().map(|key| key.login_id).collect::<Vec<_>>(), created.logins_at_most)
    };
    assert_eq!(ended(&at(CEILING - 1, Extent::Own, 0)), (vec![], CEILING));
    assert_eq!(decide_login(&at(CEILING, Extent::Own, 0), &new(99_999, None), None, start()), LoginDecision::ReadLogins);
    assert_eq!(ended(&at(CEILING, Extent::All, 1_000)), ((1..=100).map(id).collect(), 901));
    assert_eq!(ended(&at(CEILING, Extent::All, 901)), (vec![id(1)], 901));
    assert_eq!(ended(&at(CEILING, Extent::All, 900)), (vec![], 901), "many had ended");
    assert_eq!(ended(&at(CEILING, Extent::All, 7)), (vec![], 8));
    assert_eq!(ended(&at(CEILING, Extent::All, 3_000)), ((1..=200).map(id).collect(), 2_801), "the next login goes on");
    assert_eq!(ended(&at(CEILING, Extent::Part, 1_800)), ((1..=200).map(id).collect(), CEILING), "not all were counted");
    assert_eq!(ended(&at(CEILING, Extent::Part, 12)), (vec![], CEILING));

    let expired = at(CEILING, Extent::All, 1_000);
    let after = login(1_000, None).refresh_token_expires_at + super::super::states::at(1_000);
    let created = creation(decide_login(&expired, &new(99_999, None), None, after));
    assert_eq!((created.oldest, created.logins_at_most), (vec![], 1), "expired logins are not counted");

    let on_phone = UserLogins { device: DeviceItem::Names(id(1)), ..at(CEILING, Extent::All, 1_000) };
    let created = creation(decide_login(&on_phone, &new(99_999, Some("phone")), None, start()));
    assert_eq!((created.oldest.len(), created.replaced.len()), (99, 1), "each login is deleted once");
    assert_eq!((created.oldest[0].login_id.clone(), created.logins_at_most), (id(2), 901));
}

/// With a limit, and with all logins read, the register is told their number.
#[test]
fn a_limit_counts_the_logins() {
    let state = seen((1..=3).map(|number| login(number, None)), 3);
    for (max, at_most) in [(10, 4), (4, 4), (3, 3), (1, 1)] {
        let created = creation(decide_login(&state, &new(9, None), limit(max, OnSessionLimit::EvictOldest), start()));
        assert_eq!((created.logins_at_most, created.device), (at_most, DeviceItem::Untouched), "{max}");
    }
    let unread = unread(5, DeviceItem::Untouched);
    assert_eq!(decide_login(&unread, &new(9, None), limit(9, OnSessionLimit::Reject), start()), LoginDecision::ReadLogins);
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
    assert!(replaced(decide_login(&state, &new(9, None), limit(9, OnSessionLimit::Reject), start())).is_empty(), "no device id");
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
        let created = creation(decide_login(&state, &new(9, None), limit(9, OnSessionLimit::Reject), start()));
        assert_eq!(created.predecessor_seen, Some(expected));
    }
}

/// What was sent is given up only when the register has moved on without it.
#[test]
fn a_login_is_void_when_the_register_moved_on_without_it() {
    let built_on = register(7, 1, 0);
    let unmoved = seen([login(1, None)], 1);
    assert!(!is_void(&unmoved, &id(9), Some(&built_on)), "its transaction may still be under way");
    let mut moved = seen([login(1, None)], 2);
    moved.register = Some(register(8, 2, 0));
    assert!(is_void(&moved, &id(9), Some(&built_on)));
    assert!(is_void(&moved, &id(9), None), "built on a collection without a register");
    assert!(!is_void(&moved, &id(2), Some(&built_on)), "named: in mid-commit");
    assert!(!is_void(&moved, &id(1), Some(&built_on)), "seen");
}
