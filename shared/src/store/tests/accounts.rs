//! The users table.

use serde_json::{Value, json};

use super::{CONDITION, LOGIN_ID, THROTTLED, USER_KEY, key, n, register_item, s, user};
use crate::{
    entropy::Random,
    ids::{LoginId, UserKey},
    model::{User, UserStatus},
    operations::{UserCreated, create_user, remove_user},
    password::PasswordHash,
    store::{
        StoreError,
        script::{Answer, Script, error, output, wire},
        users::user_item,
    },
    username::Username,
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
async fn a_user_is_created_where_neither_name_nor_id_is_taken() {
    let script = Script::new([output(json!({}))]);
    assert_eq!(create_user(&script.accounts(), &user(), &Random::system()).await, Ok(UserCreated::Done));
    let (operation, request) = script.asked().remove(0);
    assert_eq!(operation, "TransactWriteItems");
    assert_eq!(
        request["TransactItems"],
        json!([
            {"Put": {
                "TableName": "users",
                "Item": wire(&user_item(&user())),
                "ConditionExpression": "attribute_not_exists(username)",
            }},
            {"Update": {
                "TableName": "sessions",
                "Key": key("!user"),
                "UpdateExpression": "SET username = :username, user_id = :user_id, version = if_not_exists(version, :one), last_login_id = \
                 if_not_exists(last_login_id, :no_login), #schema = if_not_exists(#schema, :one)",
                "ConditionExpression":
                    "attribute_not_exists(blocked_at) AND (attribute_not_exists(username) OR username = :username)",
                "ExpressionAttributeNames": {"#schema": "schema"},
                "ExpressionAttributeValues": {
                    ":username": s("ada"),
                    ":user_id": s("user-1"),
                    ":one": n(1),
                    ":no_login": s(LoginId::of_no_login(&UserKey::of("user-1")).as_str()),
                },
            }},
            absent("looks like ada"),
        ])
    );
}

fn absent(key: &str) -> Value {
    json!({"ConditionCheck": {"TableName": "users", "Key": {"username": s(key)}, "ConditionExpression": "attribute_not_exists(username)"}})
}

/// A name in another script that looks like a Latin one is written with an item that keeps the Latin name away, and deleted with it.
#[tokio::test]
async fn a_user_whose_name_looks_latin() {
    let sasha = User { username: Username::parse("Саша").unwrap(), ..user() };
    let script = Script::new([output(json!({})), output(json!({}))]);
    assert_eq!(create_user(&script.accounts(), &sasha, &Random::system()).await, Ok(UserCreated::Done));
    assert_eq!(script.users().delete_user(&sasha).await, Ok(()));
    let asked = script.asked();
    let condition = "attribute_not_exists(username) OR claimed_by = :username";
    let own = json!({":username": s("саша")});
    let put = json!({"Put": {
        "TableName": "users",
        "Item": {"username": s("looks like cawa"), "claimed_by": s("саша")},
        "ConditionExpression": condition,
        "ExpressionAttributeValues": own,
    }});
    assert_eq!(asked[0].1["TransactItems"].as_array().unwrap()[2..], [put, absent("cawa")]);
    assert_eq!(
        asked[1].1["TransactItems"],
        json!([
            {"Delete": {
                "TableName": "users",
                "Key": {"username": s("саша")},
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": n(4)},
            }},
            {"Delete": {
                "TableName": "users",
                "Key": {"username": s("looks like cawa")},
                "ConditionExpression": condition,
                "ExpressionAttributeValues": own,
            }},
        ])
    );
}

/// What is read after a transaction that failed, or of which nothing was heard.
#[tokio::test(start_paused = true)]
async fn what_became_of_a_user_to_create() {
    let cancelled = || Answer::Error("TransactionCanceledException", json!({"CancellationReasons": [{"Code": "ConditionalCheckFailed"}]}));
    let create = async |answers: Vec<Answer>| {
        let script = Script::new(answers);
        let created = create_user(&script.accounts(), &user(), &Random::system()).await;
        let _all_fetched = script.asked();
        created
    };
    let stored = |user: &User| output(json!({"Item": wire(&user_item(user))}));
    let (none, done) = (|| output(json!({})), || output(json!({})));
    let register = |name: &str, value: Value| {
        let mut item = register_item();
        item[name] = value;
        output(json!({"Item": item}))
    };
    for failed in [Answer::Lost, cancelled()] {
        assert_eq!(create(vec![failed.clone(), stored(&user())]).await, Ok(UserCreated::Done));
        let other_id = User { user_id: "user-2".into(), ..user() };
        let other_hash = PasswordHash::parse(user().password_hash.as_str().replace("m=19456", "m=9216")).unwrap();
        for other in [other_id, User { password_hash: other_hash, ..user() }] {
            assert_eq!(create(vec![failed.clone(), stored(&other)]).await, Ok(UserCreated::NameTaken));
        }
        for taken in [register("username", s("grace")), register("blocked_at", s("2026-11-23T16:25:09.123Z"))] {
            assert_eq!(create(vec![failed.clone(), none(), taken]).await, Ok(UserCreated::IdTaken));
        }
        // Its own commit, of which only one item shows yet; an id that only logins have; an id that nothing has.
        for free in [register("username", s("ada")), output(json!({"Item": register_item()})), none()] {
            assert_eq!(create(vec![failed.clone(), none(), free, none(), done()]).await, Ok(UserCreated::Done));
        }
        let claim = output(json!({"Item": {"username": s("looks like ada"), "claimed_by": s("ада")}}));
        assert_eq!(create(vec![failed.clone(), none(), none(), claim]).await, Ok(UserCreated::LooksLikeAnother));
    }
    assert!(matches!(create(vec![error(THROTTLED)]).await, Err(StoreError::Unavailable { operation: "TransactWriteItems", .. })));
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

/// A row that can't be read is named, and hides no other.
#[tokio::test]
async fn users_are_read_page_by_page() {
    let [first, second] = ["ada", "grace"].map(|name| {
        let username = Username::parse(name).unwrap();
        wire(&user_item(&User { username, ..user() }))
    });
    let mut bad = second.clone();
    (bad["username"], bad["password_hash"]) = (s("berta"), s("$2b$12$"));
    let script = Script::new([
        output(json!({"Items": [first, bad], "LastEvaluatedKey": {"username": s("berta")}})),
        output(json!({"Items": [second]})),
        error(THROTTLED),
    ]);
    let users = script.users();
    let page = users.page_of_users(None, None).await.unwrap();
    assert_eq!(page.users.iter().map(|user| user.username.as_str()).collect::<Vec<_>>(), ["ada"]);
    let unreadable: Vec<_> = page.unreadable.iter().map(ToString::to_string).collect();
    assert_eq!(unreadable, ["the user \"berta\" can't be read: user item: `password_hash` is of no form that a login verifies"]);
    let page = users.page_of_users(page.next.as_deref(), Some(50)).await.unwrap();
    assert_eq!((page.users[0].username.as_str(), page.next), ("grace", None));
    assert!(matches!(users.page_of_users(None, None).await, Err(StoreError::Unavailable { operation: "Scan", .. })));
    let scan = json!({"TableName": "users", "Limit": 50, "ExclusiveStartKey": {"username": s("berta")}});
    assert_eq!(script.asked()[1], ("Scan".to_owned(), scan));
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
                    "UpdateExpression": "SET version = version + :one REMOVE user_id, username, attributes, attributes_pending",
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
