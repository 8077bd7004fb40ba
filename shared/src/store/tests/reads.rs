//! The reads that decisions are made on.

use serde_json::{Value, json};

use super::{LOGIN_ID, OTHER_ID, THROTTLED, USER_KEY, key, n, register_item, s};
use crate::{
    decision::states::Chain,
    ids::{LoginId, UserKey},
    model::Register,
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

/// A user's register, logins and sessions, page after page.
#[tokio::test]
async fn a_read_of_a_users_logins() {
    let chain = Chain::of(5);
    let (login, session) = (wire(&login_item(&chain.login())), wire(&session_item(&chain.session(5))));
    let script = Script::new([
        output(json!({"Items": [register_item(), login], "LastEvaluatedKey": key(LOGIN_ID)})),
        output(json!({"Items": [session], "LastEvaluatedKey": {}})),
    ]);
    let seen = script.store().read_user_logins(&UserKey::of("user-1")).await.unwrap();
    assert_eq!(seen.register, Some(Register { version: 7, last_login_id: LoginId::parse(OTHER_ID).unwrap(), blocked_at: None }));
    assert_eq!(seen.logins.into_values().collect::<Vec<_>>(), [read_login(&login_item(&chain.login())).unwrap()]);
    assert_eq!(seen.sessions.into_iter().collect::<Vec<_>>(), [(chain.login().key.login_id, chain.login().generation)]);

    let page = |from: Option<Value>| {
        let mut page = json!({
            "TableName": "sessions",
            "ConsistentRead": true,
            "KeyConditionExpression": "user_key = :user_key",
            "ExpressionAttributeValues": {":user_key": s(USER_KEY)},
        });
        if let Some(from) = from {
            page["ExclusiveStartKey"] = from;
        }
        ("Query".to_owned(), page)
    };
    assert_eq!(script.asked(), [page(None), page(Some(key(LOGIN_ID)))]);

    let mut newer = register_item();
    newer["schema"] = n(2);
    let refused = Script::new([output(json!({"Items": [newer]}))]).store().read_user_logins(&UserKey::of("user-1")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Item(_)), "{refused:?}");
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
