//! Ends: of one login, of all.

use serde_json::json;

use super::{CONDITION, CONFLICT, LOGIN_ID, OTHER_ID, THROTTLED, USER_KEY, key, n, s};
use crate::{
    decision::states::Chain,
    entropy::Random,
    ids::{Generation, LoginId, UserKey},
    model::LeftBehind,
    operations::{Everywhere, block_user, end_all, end_login, end_scanned, lift_block},
    store::{
        EndProof, Ended, ScannedUser, StoreError, login_item,
        script::{Answer, Script, error, output, wire},
    },
    token::{Access, ImportedTokens, Kind, PresentedToken, Refresh, test_values},
};

fn deleted() -> Answer {
    output(json!({"Attributes": wire(&login_item(&Chain::of(5).login()))}))
}

fn theirs<K: Kind>() -> PresentedToken<K> {
    PresentedToken::parse("theirs-0123456789", ImportedTokens::Accepted).unwrap()
}

#[tokio::test]
async fn an_end_asks_for_the_proof_of_its_own_kind() {
    let (pair, proofs) = (Chain::of(5).pair(2), Chain::of(5).login().proofs.unwrap());
    for (proof, condition, hash) in [
        (EndProof::of_access(&pair.access.claim()), "access_proof_hash = :proof", Some(proofs.access.to_text())),
        (EndProof::of_refresh(&pair.refresh.claim()), "refresh_proof_hash = :proof", Some(proofs.refresh.to_text())),
        (EndProof::of_access(&theirs().claim()), "imported_access_token_hash = :proof", Some(theirs::<Access>().hash().to_text())),
        (EndProof::of_refresh(&theirs().claim()), "imported_refresh_token_hash = :proof", Some(theirs::<Refresh>().hash().to_text())),
        (EndProof::Owner, "attribute_exists(sk)", None),
    ] {
        let script = Script::new([deleted()]);
        let ended = end_login(&script.store(), &test_values::key(), &proof, &Random::system()).await;
        assert_eq!(ended, Ok(Ended::Now { left: LeftBehind { generation: Generation::new(5).unwrap(), has_attributes: false } }));
        let (operation, request) = script.asked().remove(0);
        assert_eq!(operation, "DeleteItem");
        let mut expected =
            json!({"TableName": "sessions", "Key": key(LOGIN_ID), "ConditionExpression": condition, "ReturnValues": "ALL_OLD"});
        if let Some(hash) = hash {
            expected["ExpressionAttributeValues"] = json!({":proof": s(&hash)});
        }
        assert_eq!(request, expected);
    }
}

/// A conflict is tried again; what can't be settled is never acknowledged.
#[tokio::test(start_paused = true)]
async fn what_an_end_comes_to() {
    let end = async |answers: Vec<Answer>| {
        let script = Script::new(answers);
        let ended = end_login(&script.store(), &test_values::key(), &EndProof::Owner, &Random::system()).await;
        let _all_fetched = script.asked();
        ended
    };
    assert_eq!(end(vec![error(CONDITION)]).await, Ok(Ended::NotThere));
    assert_eq!(end(vec![error(CONFLICT), error(CONFLICT), error(CONDITION)]).await, Ok(Ended::NotThere));
    assert!(matches!(end(vec![error(CONFLICT), deleted()]).await, Ok(Ended::Now { .. })));
    assert!(matches!(end(vec![error(THROTTLED)]).await, Err(StoreError::Unavailable { operation: "DeleteItem", .. })));
    assert!(matches!(end(vec![Answer::Lost]).await, Err(StoreError::Unavailable { .. })));
    assert!(matches!(end(vec![output(json!({}))]).await, Err(StoreError::Item(_))));
}

#[tokio::test]
async fn a_sweep_deletes_the_session() {
    let script = Script::new([output(json!({})), error(THROTTLED)]);
    let (store, generation) = (script.store(), Generation::new(5).unwrap());
    assert_eq!(store.sweep_session(&test_values::key(), generation).await, Ok(()));
    assert!(store.sweep_session(&test_values::key(), generation).await.is_err());
    let expected = json!({"TableName": "sessions", "Key": key("0123456789-_abcdefghiw#0000000005")});
    assert_eq!(script.asked().remove(0), ("DeleteItem".to_owned(), expected));
}

fn moved() -> Answer {
    output(json!({"Attributes": {"sk": s("!user"), "version": n(8), "last_login_id": s(OTHER_ID)}}))
}

fn seen() -> Answer {
    output(json!({"Items": [wire(&login_item(&Chain::of(5).login()))]}))
}

/// What was deleted, in order.
async fn everywhere(which: Everywhere<'_>, answers: Vec<Answer>) -> (Result<usize, StoreError>, Vec<String>) {
    let script = Script::new(answers);
    let ended = end_all(&script.store(), &UserKey::of("user-1"), which, &Random::system()).await;
    let asked = script.asked();
    let deletions = asked.into_iter().filter(|(operation, _)| operation == "DeleteItem");
    (ended, deletions.map(|(_, request)| request["Key"]["sk"]["S"].as_str().unwrap().to_owned()).collect())
}

/// The register first; then the login that the register names, seen or not, and whatever the read sees.
#[tokio::test]
async fn an_end_of_all() {
    let script = Script::new([moved(), error(CONDITION), seen(), error(CONDITION)]);
    assert_eq!(end_all(&script.store(), &UserKey::of("user-1"), Everywhere::All, &Random::system()).await, Ok(0));
    let asked = script.asked();
    assert_eq!(
        asked.iter().map(|(operation, _)| operation.as_str()).collect::<Vec<_>>(),
        ["UpdateItem", "DeleteItem", "Query", "DeleteItem"]
    );
    assert_eq!(
        asked[0].1,
        json!({
            "TableName": "sessions",
            "Key": key("!user"),
            "UpdateExpression": "SET version = version + :one",
            "ConditionExpression": "attribute_exists(sk)",
            "ExpressionAttributeValues": {":one": n(1)},
            "ReturnValues": "ALL_NEW",
        })
    );

    assert_eq!(
        asked[2].1,
        json!({
            "TableName": "sessions",
            "ConsistentRead": true,
            "KeyConditionExpression": "user_key = :user_key AND sk > :devices",
            "FilterExpression": "attribute_not_exists(access_token_expires_at)",
            "ProjectionExpression": "sk",
            "ExpressionAttributeValues": {":user_key": s(USER_KEY), ":devices": s("!user$")},
            "Limit": 200,
        })
    );

    let own = LoginId::parse(LOGIN_ID).unwrap();
    let answers = vec![moved(), deleted(), deleted(), seen(), deleted(), deleted()];
    let (ended, mut deleted_) = everywhere(Everywhere::All, answers).await;
    deleted_.sort_unstable();
    let session = |id: &str| format!("{id}#0000000005");
    assert_eq!((ended, deleted_), (Ok(2), vec![LOGIN_ID.into(), session(LOGIN_ID), OTHER_ID.into(), session(OTHER_ID)]));

    let (ended, deleted_) = everywhere(Everywhere::AllBut(&own), vec![moved(), deleted(), output(json!({})), seen()]).await;
    assert_eq!((ended, deleted_), (Ok(1), vec![OTHER_ID.into(), session(OTHER_ID)]));

    let answers = vec![moved(), deleted(), output(json!({})), seen(), deleted(), error(THROTTLED)];
    let (ended, deleted_) = everywhere(Everywhere::AllAndLast(&own), answers).await;
    assert_eq!((ended, deleted_), (Ok(2), vec![OTHER_ID.into(), session(OTHER_ID), LOGIN_ID.into(), session(LOGIN_ID)]), "own comes last");
}

#[tokio::test(start_paused = true)]
async fn what_an_end_of_all_comes_to() {
    let ended = async |answers| everywhere(Everywhere::All, answers).await.0;
    assert_eq!(ended(vec![error(CONDITION)]).await, Ok(0), "nobody ever logged in");
    assert_eq!(ended(vec![error(CONFLICT), error(CONFLICT), error(CONDITION)]).await, Ok(0));
    assert!(matches!(ended(vec![error(THROTTLED)]).await, Err(StoreError::Unavailable { operation: "UpdateItem", .. })));
    let unread = vec![moved(), error(CONDITION), error(THROTTLED)];
    assert!(matches!(ended(unread).await, Err(StoreError::Unavailable { operation: "Query", .. })));
    let one_lives = vec![moved(), error(CONDITION), seen(), error(THROTTLED)];
    assert!(matches!(ended(one_lives).await, Err(StoreError::Unavailable { operation: "DeleteItem", .. })));
}

/// A page is ended before the next one is read, so that a call that fails leaves less to the next.
#[tokio::test]
async fn an_end_of_all_goes_page_by_page() {
    let page = output(json!({"Items": [{"sk": s(LOGIN_ID)}], "LastEvaluatedKey": key(LOGIN_ID)}));
    let answers = vec![moved(), error(CONDITION), page, deleted(), output(json!({})), error(THROTTLED)];
    let (ended, deleted) = everywhere(Everywhere::All, answers).await;
    assert!(matches!(ended, Err(StoreError::Unavailable { operation: "Query", .. })), "{ended:?}");
    assert_eq!(deleted, [OTHER_ID.to_owned(), LOGIN_ID.into(), format!("{LOGIN_ID}#0000000005")]);
}

/// A page of a scan: registers and logins, by user; the next begins where it ended.
#[tokio::test]
async fn a_scan_of_users() {
    let (one, two) = (UserKey::of("user-1"), UserKey::of("user-2"));
    let item = |user: &UserKey, sk: &str| json!({"user_key": s(user.as_str()), "sk": s(sk)});
    let first = json!({"Items": [item(&one, "!user"), item(&one, LOGIN_ID)], "LastEvaluatedKey": item(&one, LOGIN_ID)});
    let second = json!({"Items": [item(&one, OTHER_ID), item(&two, "!user")]});
    let script = Script::new([output(first), output(second), error(THROTTLED)]);
    let store = script.store();
    let login = |id: &str| vec![LoginId::parse(id).unwrap()];
    let (users, next) = store.scan_users(None).await.unwrap();
    assert_eq!(users, [(one.clone(), ScannedUser { has_register: true, logins: login(LOGIN_ID) })].into());
    let (users, end) = store.scan_users(next).await.unwrap();
    let rest = ScannedUser { has_register: false, logins: login(OTHER_ID) };
    assert_eq!((users, end), ([(one.clone(), rest), (two, ScannedUser { has_register: true, logins: Vec::new() })].into(), None));
    assert!(matches!(store.scan_users(None).await, Err(StoreError::Unavailable { operation: "Scan", .. })));
    let asked = script.asked();
    assert_eq!(asked[0].1["FilterExpression"], "NOT contains(sk, :separator)");
    assert_eq!((&asked[0].1["ConsistentRead"], asked[0].1.get("ExclusiveStartKey")), (&json!(true), None));
    assert_eq!(asked[1].1["ExclusiveStartKey"], item(&one, LOGIN_ID));
}

/// By the register where it was seen; without one, what was seen alone.
#[tokio::test]
async fn an_end_of_a_scanned_user() {
    let user = UserKey::of("user-1");
    let ended = async |has_register, answers| {
        let script = Script::new(answers);
        let seen = ScannedUser { has_register, logins: vec![LoginId::parse(LOGIN_ID).unwrap()] };
        let ended = end_scanned(&script.store(), &user, &seen, &Random::system()).await;
        (ended, script.asked().into_iter().map(|(operation, _)| operation).collect::<Vec<_>>())
    };
    let (count, asked) = ended(true, vec![moved(), error(CONDITION), seen(), error(CONDITION)]).await;
    assert_eq!((count, asked[0].as_str()), (Ok(0), "UpdateItem"));
    let (count, asked) = ended(false, vec![deleted(), output(json!({}))]).await;
    assert_eq!((count, asked), (Ok(1), vec!["DeleteItem".to_owned(); 2]));
}

/// One write blocks the register, moves it, and makes it where there is none; then all logins end, the newest by name.
#[tokio::test(start_paused = true)]
async fn a_block() {
    let (user_key, at) = (UserKey::of("user-1"), crate::decision::states::start());
    let script = Script::new([error(CONFLICT), moved(), error(CONDITION), seen(), error(CONDITION)]);
    assert_eq!(block_user(&script.store(), &user_key, at, &Random::system()).await, Ok(0));
    let asked = script.asked();
    let names: Vec<_> = asked.iter().map(|(operation, _)| operation.as_str()).collect();
    assert_eq!(names, ["UpdateItem", "UpdateItem", "DeleteItem", "Query", "DeleteItem"]);
    assert_eq!(
        asked[1].1,
        json!({
            "TableName": "sessions",
            "Key": key("!user"),
            "UpdateExpression": "SET version = if_not_exists(version, :none) + :one, blocked_at = if_not_exists(blocked_at, :now), \
                last_login_id = if_not_exists(last_login_id, :no_login), #schema = if_not_exists(#schema, :one)",
            "ExpressionAttributeNames": {"#schema": "schema"},
            "ExpressionAttributeValues": {
                ":none": n(0), ":one": n(1), ":now": s(&crate::clock::rfc3339(at)), ":no_login": s(LoginId::of_no_login(&user_key).as_str()),
            },
            "ReturnValues": "ALL_NEW",
        })
    );
    let refused = Script::new([error(THROTTLED)]);
    let blocked = block_user(&refused.store(), &user_key, at, &Random::system()).await;
    assert!(matches!(blocked, Err(StoreError::Unavailable { operation: "UpdateItem", .. })));
}

/// The register moves on: a login decided before the block must not fit it again.
#[tokio::test(start_paused = true)]
async fn a_block_is_lifted() {
    let lifted = async |answers: Vec<Answer>| {
        let script = Script::new(answers);
        (lift_block(&script.store(), &UserKey::of("user-1"), &Random::system()).await, script.asked().remove(0).1)
    };
    let (known, asked) = lifted(vec![error(CONFLICT), output(json!({}))]).await;
    assert_eq!((known, &asked["UpdateExpression"]), (Ok(true), &json!("SET version = version + :one REMOVE blocked_at")));
    assert_eq!(asked["ConditionExpression"], "attribute_exists(sk)");
    assert_eq!(lifted(vec![error(CONDITION)]).await.0, Ok(false));
    assert!(lifted(vec![error(THROTTLED)]).await.0.is_err());
}
