//! The users table.

use serde_json::json;

use super::{CONDITION, LOGIN_ID, THROTTLED, USER_KEY, key, n, s, user};
use crate::{
    entropy::Random,
    model::UserStatus,
    operations::remove_user,
    store::{
        StoreError,
        script::{Script, error, output, wire},
        users::user_item,
    },
};

#[tokio::test]
async fn a_user_reads_back_as_written() {
    let mut disabled = user_item(&user());
    disabled.insert("status".into(), crate::store::items::text(UserStatus::Disabled.name()));
    let script =
        Script::new([output(json!({"Item": wire(&user_item(&user()))})), output(json!({"Item": wire(&disabled)})), output(json!({}))]);
    let users = script.users();
    let read = users.read_user(&user().username).await.unwrap().unwrap();
    let as_written = (read.username.as_str(), read.user_id.as_str(), read.password_hash, read.status, read.version, read.created_at);
    assert_eq!(as_written, ("ada", "user-1", user().password_hash, UserStatus::Active, 4, super::now()));
    assert_eq!(users.read_user(&user().username).await.unwrap().unwrap().status, UserStatus::Disabled);
    assert!(users.read_user(&user().username).await.unwrap().is_none());
    for (operation, request) in script.asked() {
        assert_eq!(operation, "GetItem");
        assert_eq!(request, json!({"TableName": "users", "Key": {"username": s("ada")}, "ConsistentRead": true}));
    }
    let refused = Script::new([error(THROTTLED)]).users().read_user(&user().username).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable { .. }), "an outage is not nobody");
}

#[tokio::test]
async fn a_damaged_user_is_an_error() {
    for (attribute, wrong) in [("username", "Ada"), ("user_id", &"u".repeat(129)), ("status", "Active")] {
        let mut item = user_item(&user());
        item.insert(attribute.into(), crate::store::items::text(wrong));
        match crate::store::users::read_user(&item) {
            Err(error) => assert_eq!(error.attribute, attribute),
            Ok(_) => panic!("{attribute} {wrong}"),
        }
    }
    // A hash of no form keeps one user from logging in, and no other user from being read.
    let mut unreadable = user_item(&user());
    unreadable.insert("password_hash".into(), crate::store::items::text("x"));
    assert!(crate::store::users::read_user(&unreadable).unwrap().password_hash.is_unreadable());
    let mut longest = user_item(&user());
    longest.insert("user_id".into(), crate::store::items::text("u".repeat(128)));
    assert!(crate::store::users::read_user(&longest).is_ok());
}

#[tokio::test]
async fn a_user_is_created_where_none_is() {
    let script = Script::new([output(json!({})), error(CONDITION), error(THROTTLED)]);
    let users = script.users();
    assert_eq!(users.create_user(&user()).await, Ok(true));
    assert_eq!(users.create_user(&user()).await, Ok(false));
    assert!(matches!(users.create_user(&user()).await, Err(StoreError::Unavailable { operation: "PutItem", .. })));
    let (operation, request) = script.asked().remove(0);
    assert_eq!(operation, "PutItem");
    let condition = "attribute_not_exists(username)";
    assert_eq!(request, json!({"TableName": "users", "Item": wire(&user_item(&user())), "ConditionExpression": condition}));
}

/// A user who was changed meanwhile keeps the change, and that is no error.
#[tokio::test]
async fn a_hash_is_replaced_where_the_user_is_unchanged() {
    let script = Script::new([output(json!({})), error(CONDITION), error(THROTTLED)]);
    let users = script.users();
    let hash = user().password_hash;
    assert_eq!(users.replace_password_hash(&user(), &hash).await, Ok(true));
    assert_eq!(users.replace_password_hash(&user(), &hash).await, Ok(false));
    assert!(matches!(users.replace_password_hash(&user(), &hash).await, Err(StoreError::Unavailable { operation: "UpdateItem", .. })));
    let (operation, request) = script.asked().remove(0);
    assert_eq!(operation, "UpdateItem");
    assert_eq!(
        request,
        json!({
            "TableName": "users",
            "Key": {"username": s("ada")},
            "UpdateExpression": "SET password_hash = :new",
            "ConditionExpression": "version = :version AND #status = :status AND password_hash = :old",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {
                ":new": s(hash.as_str()), ":old": s(hash.as_str()), ":status": s("active"), ":version": n(4),
            },
        })
    );
}

#[tokio::test]
async fn all_users_are_listed() {
    let (ada, mut grace) = (user(), user());
    grace.username = crate::username::Username::parse("grace").unwrap();
    let [first, second] = [ada, grace].map(|user| wire(&user_item(&user)));
    let script = Script::new([
        output(json!({"Items": [first], "LastEvaluatedKey": {"username": s("ada")}})),
        output(json!({"Items": [second]})),
        error(THROTTLED),
    ]);
    let users = script.users();
    let names: Vec<_> = users.list_users().await.unwrap().into_iter().map(|user| user.username.to_string()).collect();
    assert_eq!(names, ["ada", "grace"]);
    assert!(matches!(users.list_users().await, Err(StoreError::Unavailable { operation: "Scan", .. })));
}

/// Disabled first; then all that is kept about them but the register, page after page; then the id in it; and the user at last, unless they were enabled meanwhile.
#[tokio::test]
async fn a_removal_of_a_user() {
    let mut disabled = user();
    (disabled.status, disabled.version) = (UserStatus::Disabled, 5);
    let [before, after] = [user(), disabled].map(|user| output(json!({"Item": wire(&user_item(&user))})));
    let done = || output(json!({}));
    let script = Script::new([
        before,
        output(json!({"Items": []})),
        done(),
        error(CONDITION),
        after,
        output(json!({"Items": [key("!user")], "LastEvaluatedKey": key("!user")})),
        output(json!({"Items": [key(LOGIN_ID)]})),
        done(),
        done(),
        done(),
    ]);
    let removed = remove_user(&script.accounts(), &user().username, super::now(), &Random::system()).await.unwrap().unwrap();
    assert_eq!((removed.user_id.as_str(), removed.version), ("user-1", 5));
    let asked = script.asked();
    let disabling = &asked[2].1["TransactItems"][0]["Update"]["ExpressionAttributeValues"];
    assert_eq!((asked[2].0.as_str(), &disabling[":changed"]), ("TransactWriteItems", &s("disabled")));
    let page = json!({
        "TableName": "sessions",
        "ConsistentRead": true,
        "ProjectionExpression": "user_key, sk",
        "KeyConditionExpression": "user_key = :user_key",
        "ExpressionAttributeValues": {":user_key": s(USER_KEY)},
    });
    let mut next = page.clone();
    next["ExclusiveStartKey"] = key("!user");
    let delete = |request| ("DeleteItem".to_owned(), request);
    assert_eq!(
        asked[5..],
        [
            ("Query".to_owned(), page),
            ("Query".to_owned(), next),
            delete(json!({"TableName": "sessions", "Key": key(LOGIN_ID)})),
            (
                "UpdateItem".to_owned(),
                json!({
                    "TableName": "sessions",
                    "Key": key("!user"),
                    "UpdateExpression": "SET version = version + :one REMOVE user_id",
                    "ConditionExpression": "attribute_exists(sk)",
                    "ExpressionAttributeValues": {":one": n(1)},
                }),
            ),
            delete(json!({
                "TableName": "users",
                "Key": {"username": s("ada")},
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": n(5)},
            })),
        ]
    );
    let nobody = remove_user(&Script::new([output(json!({}))]).accounts(), &user().username, super::now(), &Random::system()).await;
    assert!(matches!(nobody, Ok(None)));
}
