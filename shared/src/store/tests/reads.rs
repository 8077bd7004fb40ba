//! The reads that decisions are made on.

use serde_json::{Value, json};

use super::{LOGIN_ID, OTHER_ID, THROTTLED, USER_KEY, key, n, register_item, s};
use crate::{
    decision::states::Chain,
    ids::{LoginId, UserKey},
    model::{Attributes, DeviceItem, Extent, Register, UserLogins},
    store::{
        Located, NotLocated, StoreError, login_item, read_login,
        script::{Answer, Script, error, output, wire},
        session_item,
    },
    token::test_values,
};

/// The login and its session come in one query, strongly consistent, and nothing is left out or taken for the other.
#[tokio::test]
async fn a_read() {
    let state = Chain::of(5).state();
    let mut items: Vec<_> = state.sessions.iter().map(|session| wire(&session_item(session))).collect();
    items.extend(state.login.iter().map(|login| wire(&login_item(login))));
    let script = Script::new([output(json!({"Items": items}))]);
    assert_eq!(script.store().read_login(&test_values::key()).await, Ok(state));
    let (operation, request) = script.asked().remove(0);
    assert_eq!(operation, "Query");
    assert_eq!(
        request,
        json!({
            "TableName": "sessions",
            "ConsistentRead": true,
            "KeyConditionExpression": "user_key = :user_key AND begins_with(sk, :login_id)",
            "ExpressionAttributeValues": {":user_key": s(USER_KEY), ":login_id": s(LOGIN_ID)},
        })
    );
    for (answer, retryable) in [(error(THROTTLED), true), (Answer::Lost, true), (error("ValidationException"), false)] {
        let refused = Script::new([answer]).store().read_login(&test_values::key()).await.unwrap_err();
        assert_eq!(matches!(refused, StoreError::Unavailable { .. }), retryable, "{refused:?}");
    }
}

/// A user's register first; then logins and sessions, page after page. The items of devices sort between the two.
#[tokio::test]
async fn a_read_of_a_users_logins() {
    let chain = Chain::of(5);
    let (login, session) = (wire(&login_item(&chain.login())), wire(&session_item(&chain.session(5))));
    let script = Script::new([
        output(json!({"Item": register_item()})),
        output(json!({"Items": [login], "LastEvaluatedKey": key(LOGIN_ID)})),
        output(json!({"Items": [session], "LastEvaluatedKey": {}})),
    ]);
    let seen = script.store().read_user_logins(&UserKey::of("user-1")).await.unwrap();
    assert_eq!(
        seen.register,
        Some(Register {
            version: 7,
            last_login_id: LoginId::parse(OTHER_ID).unwrap(),
            logins_at_most: 0,
            blocked_at: None,
            attributes: Attributes::default(),
            attributes_pending: None
        })
    );
    assert_eq!(seen.logins.into_values().collect::<Vec<_>>(), [read_login(&login_item(&chain.login())).unwrap()]);
    assert_eq!(seen.sessions.into_iter().collect::<Vec<_>>(), [(chain.login().key.login_id, chain.login().generation)]);

    let page = |from: Option<Value>| {
        let mut page = json!({
            "TableName": "sessions",
            "ConsistentRead": true,
            "KeyConditionExpression": "user_key = :user_key AND sk > :devices",
            "ExpressionAttributeValues": {":user_key": s(USER_KEY), ":devices": s("!user$")},
        });
        if let Some(from) = from {
            page["ExclusiveStartKey"] = from;
        }
        ("Query".to_owned(), page)
    };
    assert_eq!(script.asked(), [get("!user"), page(None), page(Some(key(LOGIN_ID)))]);

    let mut newer = register_item();
    newer["schema"] = n(2);
    let refused = Script::new([output(json!({"Item": newer}))]).store().read_user_logins(&UserKey::of("user-1")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Item(_)), "{refused:?}");
}

fn get(sk: &str) -> (String, Value) {
    ("GetItem".to_owned(), json!({"TableName": "sessions", "ConsistentRead": true, "Key": key(sk)}))
}

const DEVICE_SK: &str = "!user#device#9MWMi3OgpeNPq940rDXyb-GP35TMyThCCiYHAaH3O30";

/// Without a limit a login reads two items at most, however many logins there are.
#[tokio::test]
async fn a_read_for_a_login_without_a_limit() {
    let user_key = UserKey::of("user-1");
    let mut counted = register_item();
    counted["logins_at_most"] = n(41);
    let register = Register {
        version: 7,
        last_login_id: LoginId::parse(OTHER_ID).unwrap(),
        logins_at_most: 41,
        blocked_at: None,
        attributes: Attributes::default(),
        attributes_pending: None,
    };
    let expected = UserLogins { register: Some(register), ..UserLogins::default() };

    let script = Script::new([output(json!({"Item": counted}))]);
    assert_eq!(script.store().read_register_and_device(&user_key, None).await, Ok(expected.clone()));
    assert_eq!(script.asked(), [get("!user")]);

    let device = json!({"user_key": s(USER_KEY), "sk": s(DEVICE_SK), "schema": n(1), "login_id": s(LOGIN_ID)});
    for (item, device) in [(json!({"Item": device}), DeviceItem::Names(LoginId::parse(LOGIN_ID).unwrap())), (json!({}), DeviceItem::Absent)]
    {
        let script = Script::new([output(json!({"Item": counted})), output(item)]);
        let seen = script.store().read_register_and_device(&user_key, Some("phone")).await;
        assert_eq!(seen, Ok(UserLogins { device, ..expected.clone() }));
        assert_eq!(script.asked(), [get("!user"), get(DEVICE_SK)]);
    }
    let mut newer = device;
    newer["schema"] = n(2);
    let script = Script::new([output(json!({})), output(json!({"Item": newer}))]);
    assert!(matches!(script.store().read_register_and_device(&user_key, Some("phone")).await, Err(StoreError::Item(_))));
}

/// A later version may write items of a new kind. Readers pass over them.
#[tokio::test]
async fn items_of_no_known_kind_are_passed_over() {
    let state = Chain::of(5).state();
    let login = state.login.clone().unwrap();
    let unknown = ["!user?", "!user#devices", "#", "0123456789-_abcdefghiw#used", "0123456789-_abcdefghiw#00000000005", "~"];
    let items: Vec<_> = unknown.into_iter().map(key).chain([wire(&login_item(&login)), wire(&session_item(&state.sessions[0]))]).collect();
    let answers = |register: bool| register.then(|| output(json!({}))).into_iter().chain([output(json!({"Items": items.clone()}))]);

    assert_eq!(Script::new(answers(false)).store().read_login(&test_values::key()).await, Ok(state));
    let logins = [(login.key.login_id.clone(), login.clone())].into();
    let seen = Script::new(answers(true)).store().read_user_logins(&UserKey::of("user-1")).await.unwrap();
    assert_eq!((&seen.logins, seen.sessions.len(), seen.aliases.len()), (&logins, 1, 0));
    assert_eq!(Script::new(answers(false)).store().list_logins(&UserKey::of("user-1")).await, Ok(logins));
    let (ids, next) = Script::new(answers(false)).store().login_ids(&UserKey::of("user-1"), None).await.unwrap();
    assert_eq!((ids, next), (vec![login.key.login_id], None));
    let (users, _) = Script::new(answers(false)).store().scan_users(None).await.unwrap();
    assert_eq!(users.into_values().map(|user| (user.has_register, user.logins.len())).collect::<Vec<_>>(), [(false, 1)]);
}

/// At the ceiling a login reads so many pages and no more.
#[tokio::test]
async fn a_read_of_too_many_logins_stops() {
    let chain = Chain::of(5);
    let page = |more: bool| {
        let mut page = json!({"Items": [wire(&login_item(&chain.login()))]});
        if more {
            page["LastEvaluatedKey"] = key(LOGIN_ID);
        }
        output(page)
    };
    for (pages, extent) in
        [(vec![page(true), page(true), page(false)], Extent::All), (vec![page(true), page(true), page(true)], Extent::Part)]
    {
        let script = Script::new(pages);
        let mut seen = UserLogins { device: DeviceItem::Absent, ..UserLogins::default() };
        script.store().add_logins(&UserKey::of("user-1"), &mut seen).await.unwrap();
        assert_eq!((seen.extent, seen.logins.len(), seen.device), (extent, 1, DeviceItem::Absent));
        assert_eq!(script.asked().len(), 3);
    }
}

/// An index is asked by the hash alone, and can't be asked strongly; two sessions of one login are one login.
#[tokio::test]
async fn a_hash_leads_to_one_login_or_to_none() {
    let (one, other) = (key(&format!("{LOGIN_ID}#imported")), key(&format!("{OTHER_ID}#imported")));
    let hash = Chain::of(0).pair(0).refresh.hash();
    let find = async |items: Value| {
        let script = Script::new([output(json!({"Items": items}))]);
        let found = script.store().find(&hash).await;
        (found, script.asked().remove(0).1)
    };
    let (found, request) = find(json!([one, key(&format!("{LOGIN_ID}#0000000000"))])).await;
    assert_eq!(found, Ok(Located::At(test_values::key())));
    assert_eq!(
        request,
        json!({
            "TableName": "sessions",
            "IndexName": "refresh_token",
            "KeyConditionExpression": "#hash = :hash",
            "ExpressionAttributeNames": {"#hash": "refresh_token_hash"},
            "ExpressionAttributeValues": {":hash": s(&hash.to_text())},
        })
    );
    assert_eq!(find(json!([])).await.0, Ok(Located::Nowhere(NotLocated::Unknown)));
    assert_eq!(find(json!([one, other])).await.0, Ok(Located::Nowhere(NotLocated::Ambiguous)));
    assert!(matches!(find(json!([{"sk": s("no-login")}])).await.0, Err(StoreError::Item(_))));
}
