//! Rotations, logins and changes of users: the transactions.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{CONDITION, CONFLICT, LOGIN_ID, OTHER_ID, THROTTLED, key, n, now, register_item, s, user};
use crate::{
    clock::rfc3339,
    decision::{
        remembered_after,
        states::{Chain, at},
    },
    dpop::AnsweredProofs,
    entropy::Random,
    ids::{Generation, LoginId, LoginKey, UserKey},
    import::{ImportRow, ImportedSession},
    model::{Attributes, Device, DeviceItem, LeftBehind, Lifetimes, LoginCreation, NewLogin, ProofHashes, Register, ReplayRule},
    operations::{
        ImportOutcome, change_user, import_session,
        issue::{RotationRequest, issue_login, issue_successor},
    },
    store::{
        Commit, Rotation, StoreError, UserChange,
        items::{alias_item, device_item},
        login_item,
        script::{Answer, Script, error, output, wire},
        session_item,
        users::user_item,
    },
    token::{ImportedTokens, PresentedToken, Refresh},
};

const THIRD_ID: &str = "BBBBBBBBBBBBBBBBBBBBBB";

const WINDOW: ReplayRule = ReplayRule { window: std::time::Duration::from_secs(30), until_first_use: false };

fn lifetimes() -> Lifetimes {
    Lifetimes { access: std::time::Duration::from_secs(300), refresh: std::time::Duration::from_secs(3600) }
}

fn rotation_request(token: &PresentedToken<Refresh>, now: DateTime<Utc>) -> RotationRequest<'_> {
    RotationRequest { token, hash: token.hash(), replay_key: None, lifetimes: lifetimes(), replay: WINDOW, now }
}

fn login_key(login_id: &str) -> LoginKey {
    LoginKey { user_key: UserKey::of("user-1"), login_id: LoginId::parse(login_id).unwrap() }
}

/// The items of the one transaction that was asked.
fn transaction(script: &Script) -> Vec<Value> {
    let mut asked = script.asked();
    let (operation, request) = asked.remove(0);
    assert_eq!((operation.as_str(), asked.len()), ("TransactWriteItems", 0));
    request["TransactItems"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_rotation() {
    let chain = Chain::of(5);
    let (login, presented) = (chain.login(), PresentedToken::from(chain.pair(5).refresh));
    let random = Random::system();
    let next = issue_successor(&login, rotation_request(&presented, chain.now()), &random).unwrap();
    let replay_untils = remembered_after(&login, &chain.session(5), &next.session);
    let script = Script::new([output(json!({}))]);
    let rotation = Rotation {
        attributes_kept_until: None,
        login: &login,
        presented: &presented.hash(),
        answered: &AnsweredProofs::default(),
        successor: &next.session,
        replay_untils: &replay_untils,
        first_proofs: None,
    };
    assert_eq!(script.store().rotate(rotation).await, Ok(Commit::Done));

    // Of the four windows that it remembered the oldest goes.
    let windows = ["2027-01-15T08:01:00.000Z", "2027-01-15T08:01:10.000Z", "2027-01-15T08:01:20.000Z", "2027-01-15T08:01:20.001Z"];
    let (now, expires_at) = ("2027-01-15T08:00:50.001Z", "2027-01-15T09:00:50.001Z");
    assert_eq!(
        transaction(&script),
        [
            json!({"Update": {
                "TableName": "sessions",
                "Key": key(LOGIN_ID),
                "UpdateExpression": "SET generation = :next, last_refreshed_at = :now, recent_replay_untils = :windows, refresh_token_expires_at = :expires_at, #ttl = :ttl",
                "ConditionExpression": "attribute_exists(sk) AND generation = :current",
                "ExpressionAttributeNames": {"#ttl": "ttl"},
                "ExpressionAttributeValues": {
                    ":current": n(5), ":next": n(6), ":now": s(now), ":expires_at": s(expires_at),
                    ":windows": {"L": windows.map(s)},
                    ":ttl": n((next.session.refresh_token_expires_at + at(86_400_000)).timestamp()),
                },
            }}),
            json!({"Delete": {
                "TableName": "sessions",
                "Key": key("0123456789-_abcdefghiw#0000000005"),
                "ConditionExpression": "refresh_token_hash = :presented AND refresh_token_expires_at > :now",
                "ExpressionAttributeValues": {":presented": s(&presented.hash().to_text()), ":now": s(now)},
            }}),
            json!({"Put": {
                "TableName": "sessions",
                "Item": wire(&session_item(&next.session)),
                "ConditionExpression": "attribute_not_exists(sk)",
            }}),
        ]
    );
}

/// Thirty days after a login its address goes, in the update that a rotation makes anyway.
#[tokio::test]
async fn a_rotation_forgets_an_old_address() {
    let chain = Chain::of(0);
    let presented = PresentedToken::from(chain.pair(0).refresh);
    let next = issue_successor(&chain.login(), rotation_request(&presented, chain.now()), &Random::system()).unwrap();
    let rotated_at = next.session.created_at;
    let days = chrono::TimeDelta::days;
    let update = async |ip: Option<&str>, logged_in_at| {
        let mut login = chain.login();
        (login.device.ip, login.logged_in_at) = (ip.map(str::to_owned), logged_in_at);
        let script = Script::new([output(json!({}))]);
        let rotation = Rotation {
            login: &login,
            presented: &presented.hash(),
            answered: &AnsweredProofs::default(),
            successor: &next.session,
            replay_untils: &[],
            attributes_kept_until: None,
            first_proofs: None,
        };
        assert_eq!(script.store().rotate(rotation).await, Ok(Commit::Done));
        transaction(&script)[0]["Update"]["UpdateExpression"].as_str().unwrap().to_owned()
    };
    assert!(update(Some("192.0.2.1"), rotated_at - days(30)).await.ends_with(" REMOVE ip"));
    assert!(!update(Some("192.0.2.1"), rotated_at - days(30) + at(1)).await.contains("REMOVE"));
    assert!(!update(None, rotated_at - days(30)).await.contains("REMOVE"));
}

/// The first one of an imported login: it has another name for the hash, and gets its proofs.
#[tokio::test]
async fn a_first_rotation_of_an_imported_login() {
    let presented = PresentedToken::parse("theirs-refresh-0123456789", ImportedTokens::Accepted).unwrap();
    let login = imported_session().login(now()).login;
    let random = Random::system();
    let next = issue_successor(&login, rotation_request(&presented, now()), &random).unwrap();
    let proofs = next.first_proofs.as_ref().unwrap();
    assert_eq!(*proofs, ProofHashes { access: next.pair.access.proof().hash(), refresh: next.pair.refresh.proof().hash() });
    let script = Script::new([output(json!({}))]);
    let rotation = Rotation {
        login: &login,
        presented: &presented.hash(),
        answered: &AnsweredProofs::default(),
        successor: &next.session,
        replay_untils: &[],
        attributes_kept_until: None,
        first_proofs: Some(proofs),
    };
    assert_eq!(script.store().rotate(rotation).await, Ok(Commit::Done));

    let items = transaction(&script);
    let values = &items[0]["Update"]["ExpressionAttributeValues"];
    assert!(
        items[0]["Update"]["UpdateExpression"]
            .as_str()
            .unwrap()
            .ends_with(", access_proof_hash = :access_proof, refresh_proof_hash = :refresh_proof")
    );
    assert_eq!([&values[":access_proof"], &values[":refresh_proof"]], [&s(&proofs.access.to_text()), &s(&proofs.refresh.to_text())]);
    assert_eq!(items[1]["Delete"]["ConditionExpression"], "imported_refresh_token_hash = :presented AND refresh_token_expires_at > :now");
    assert_eq!(items[1]["Delete"]["ExpressionAttributeValues"][":presented"], s(&presented.hash().to_text()));
}

fn imported_session() -> ImportedSession {
    ImportedSession::parse(ImportRow {
        user_id: "user-1",
        access_token: "theirs-access-0123456789",
        refresh_token: "theirs-refresh-0123456789",
        access_token_expires_at: "2027-01-15T08:05:00Z",
        refresh_token_expires_at: "2027-01-16T08:00:00Z",
    })
    .unwrap()
}

/// An import goes through the register like a login, and leaves an alias, which is never written over.
#[tokio::test]
async fn an_import() {
    let session = imported_session();
    let script = Script::new([output(json!({"Item": register_item()})), output(json!({"Items": []})), output(json!({}))]);
    assert_eq!(import_session(&script.store(), &session, now(), &Random::system()).await, Ok(ImportOutcome::Imported));
    let asked = script.asked();
    assert_eq!(asked.iter().map(|(operation, _)| operation.as_str()).collect::<Vec<_>>(), ["GetItem", "Query", "TransactWriteItems"]);
    let items = asked[2].1["TransactItems"].as_array().unwrap();
    let NewLogin { login, session, .. } = session.login(now());
    assert_eq!(items[0]["Update"]["ConditionExpression"], "version = :version");
    assert_eq!(
        items[1..],
        [
            put_if_absent(&login_item(&login)),
            put_if_absent(&session_item(&session)),
            json!({"ConditionCheck": {"TableName": "sessions", "Key": key(OTHER_ID), "ConditionExpression": IN_ANY_CASE}}),
            put_if_absent(&alias_item(&login.key, "user-1", login.imported.as_ref().unwrap())),
        ]
    );
}

/// What was there before it was sent is somebody else's import; what is there after is its own, whose answer was lost.
#[tokio::test(start_paused = true)]
async fn an_import_whose_answer_was_lost() {
    let session = imported_session();
    let login = session.login(now()).login;
    let alias = wire(&alias_item(&login.key, "user-1", login.imported.as_ref().unwrap()));
    let register = || output(json!({}));
    let (nothing, there) = (output(json!({"Items": []})), output(json!({"Items": [alias]})));
    let import = async |answers: Vec<Answer>| import_session(&Script::new(answers).store(), &session, now(), &Random::system()).await;
    assert_eq!(import(vec![register(), there.clone()]).await, Ok(ImportOutcome::AlreadyThere));
    let answers = vec![register(), nothing.clone(), error(CONFLICT), register(), nothing, error(CONFLICT), register(), there];
    assert_eq!(import(answers).await, Ok(ImportOutcome::Imported));
}

fn new_login() -> NewLogin {
    let random = Random::system();
    issue_login("user-1", Device::default(), lifetimes(), None, now(), &random).unwrap().new
}

/// It waits for a transaction in flight, and holds.
const IN_ANY_CASE: &str = "attribute_exists(sk) OR attribute_not_exists(sk)";

fn register() -> Register {
    Register {
        version: 7,
        last_login_id: LoginId::parse(OTHER_ID).unwrap(),
        logins_at_most: 7,
        blocked_at: None,
        attributes: Attributes::default(),
        attributes_pending: None,
    }
}

async fn creation(creation: &LoginCreation) -> (NewLogin, Vec<Value>) {
    creation_on(None, creation).await
}

async fn creation_on(device_id: Option<&str>, creation: &LoginCreation) -> (NewLogin, Vec<Value>) {
    let script = Script::new([output(json!({}))]);
    let mut new = new_login();
    new.login.device.id = device_id.map(str::to_owned);
    assert_eq!(script.accounts().create_login(&user(), &new, creation).await, Ok(Commit::Done));
    (new, transaction(&script))
}

fn put_if_absent(item: &crate::store::Item) -> Value {
    json!({"Put": {"TableName": "sessions", "Item": wire(item), "ConditionExpression": "attribute_not_exists(sk)"}})
}

#[tokio::test]
async fn a_first_login() {
    let (new, items) = creation(&LoginCreation { logins_at_most: 1, ..LoginCreation::default() }).await;
    assert_eq!(
        items,
        [
            json!({"Update": {
                "TableName": "sessions",
                "Key": key("!user"),
                "UpdateExpression":
                    "SET version = :next, last_login_id = :login_id, logins_at_most = :at_most, user_id = :user_id, #schema = :schema, \
                     username = if_not_exists(username, :username)",
                "ConditionExpression": "attribute_not_exists(sk)",
                "ExpressionAttributeNames": {"#schema": "schema"},
                "ExpressionAttributeValues": {
                    ":next": n(1), ":schema": n(1), ":at_most": n(1),
                    ":login_id": s(new.login.key.login_id.as_str()), ":user_id": s("user-1"), ":username": s("ada"),
                },
            }}),
            json!({"ConditionCheck": {
                "TableName": "users",
                "Key": {"username": s("ada")},
                "ConditionExpression": "version = :version AND #status = :active",
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": {":version": n(4), ":active": s("active")},
            }}),
            put_if_absent(&login_item(&new.login)),
            put_if_absent(&session_item(&new.session)),
        ]
    );
}

#[tokio::test]
async fn a_later_login_asks_for_its_predecessor() {
    for (predecessor_seen, condition) in
        [(Some(true), "attribute_exists(sk)"), (Some(false), "attribute_not_exists(sk)"), (None, IN_ANY_CASE)]
    {
        let replaced = vec![(login_key(THIRD_ID), Some(LeftBehind { generation: Generation::FIRST, has_attributes: false }))];
        let (_, items) =
            creation(&LoginCreation { register: Some(register()), predecessor_seen, replaced, ..LoginCreation::default() }).await;
        let moved = &items[0]["Update"];
        assert_eq!(moved["ConditionExpression"], "version = :version");
        let versions = [":version", ":next"].map(|name| moved["ExpressionAttributeValues"][name].clone());
        assert_eq!(versions, [n(7), n(8)]);
        assert_eq!(
            items[4..],
            [
                json!({"ConditionCheck": {"TableName": "sessions", "Key": key(OTHER_ID), "ConditionExpression": condition}}),
                json!({"Delete": {"TableName": "sessions", "Key": key(THIRD_ID)}}),
            ]
        );
    }
}

/// One item of a transaction each: what is deleted carries its own condition.
#[tokio::test]
async fn a_login_in_place_of_its_predecessor() {
    let replaced =
        [OTHER_ID, THIRD_ID].map(|id| (login_key(id), Some(LeftBehind { generation: Generation::FIRST, has_attributes: false }))).to_vec();
    let read = LoginCreation { register: Some(register()), predecessor_seen: Some(true), replaced, ..LoginCreation::default() };
    let (_, items) = creation(&read).await;
    assert_eq!(
        items[4..],
        [
            json!({"Delete": {"TableName": "sessions", "Key": key(OTHER_ID), "ConditionExpression": "attribute_exists(sk)"}}),
            json!({"Delete": {"TableName": "sessions", "Key": key(THIRD_ID)}}),
        ]
    );
}

/// The deletion waits for a transaction in flight, as a check does. Whether the login is still there makes no difference.
#[tokio::test]
async fn a_login_in_place_of_the_one_that_its_device_names() {
    let named = |id: &str| LoginCreation {
        register: Some(register()),
        replaced: vec![(login_key(id), None)],
        device: DeviceItem::Names(LoginId::parse(id).unwrap()),
        ..LoginCreation::default()
    };
    let names = |new: &NewLogin| device_item(&new.login, "phone");
    let (new, items) = creation_on(Some("phone"), &named(THIRD_ID)).await;
    assert_eq!(
        items[4..],
        [
            json!({"ConditionCheck": {"TableName": "sessions", "Key": key(OTHER_ID), "ConditionExpression": IN_ANY_CASE}}),
            json!({"Delete": {"TableName": "sessions", "Key": key(THIRD_ID)}}),
            json!({"Put": {
                "TableName": "sessions",
                "Item": wire(&names(&new)),
                "ConditionExpression": "login_id = :named",
                "ExpressionAttributeValues": {":named": s(THIRD_ID)},
            }}),
        ]
    );
    assert_eq!(names(&new)["login_id"], crate::store::items::text(new.login.key.login_id.as_str()));

    let (_, items) = creation_on(Some("phone"), &named(OTHER_ID)).await;
    assert_eq!(items[4], json!({"Delete": {"TableName": "sessions", "Key": key(OTHER_ID)}}), "one item of a transaction each");
    let first = LoginCreation { device: DeviceItem::Absent, ..LoginCreation::default() };
    let (new, items) = creation_on(Some("phone"), &first).await;
    assert_eq!(items[4..], [put_if_absent(&names(&new))]);
    let (_, items) = creation_on(Some("phone"), &LoginCreation::default()).await;
    assert_eq!(items.len(), 4, "under a limit the collection shows the device's login");
}

/// What a change asks, where the register is as given; nobody is logged in.
async fn change(change: UserChange, register: Option<Value>) -> [Value; 2] {
    let found = output(json!({"Item": wire(&user_item(&user()))}));
    let mut answers = vec![found.clone()];
    match register {
        Some(register) => {
            let (read, moved) = (output(json!({"Item": register})), output(json!({"Attributes": register})));
            answers.extend([read, output(json!({})), moved, error(CONDITION), output(json!({"Items": []}))]);
        }
        None => answers.extend([output(json!({})), output(json!({})), error(CONDITION)]),
    }
    answers.push(found);
    let script = Script::new(answers);
    let changed = change_user(&script.accounts(), &user().username, &change, &Random::system()).await.unwrap().unwrap();
    assert_eq!((changed.0.version, changed.1), (4, 0));
    let (operation, request) = script.asked().remove(2);
    assert_eq!(operation, "TransactWriteItems");
    [0, 1].map(|item| request["TransactItems"][item].clone())
}

#[tokio::test]
async fn a_change_of_a_user_moves_the_register() {
    let [item, register] = change(UserChange::Disabled(now()), Some(register_item())).await;
    assert_eq!(
        item,
        json!({"Update": {
            "TableName": "users",
            "Key": {"username": s("ada")},
            "UpdateExpression": "SET #changed = :changed, version = :next",
            "ConditionExpression": "version = :version",
            "ExpressionAttributeNames": {"#changed": "status"},
            "ExpressionAttributeValues": {":changed": s("disabled"), ":version": n(4), ":next": n(5)},
        }})
    );
    assert_eq!(
        register,
        json!({"Update": {
            "TableName": "sessions",
            "Key": key("!user"),
            "UpdateExpression": "SET version = :next, blocked_at = :at",
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {":version": n(7), ":next": n(8), ":at": s(&rfc3339(now()))},
        }})
    );
    let [item, register] = change(UserChange::Enabled, Some(register_item())).await;
    assert_eq!(item["Update"]["ExpressionAttributeValues"][":changed"], s("active"));
    assert_eq!(register["Update"]["UpdateExpression"], "SET version = :next REMOVE blocked_at");
    let [_, register] = change(UserChange::Password(user().password_hash), Some(register_item())).await;
    assert_eq!(register["Update"]["UpdateExpression"], "SET version = :next");
}

/// A block needs a register: an issue that read that there is none must not commit after it.
#[tokio::test]
async fn a_disabling_makes_the_register_of_a_user_who_never_logged_in() {
    let [_, register] = change(UserChange::Disabled(now()), None).await;
    assert_eq!(
        register,
        json!({"Update": {
            "TableName": "sessions",
            "Key": key("!user"),
            "UpdateExpression": "SET version = :one, last_login_id = :no_login, #schema = :one, blocked_at = :at",
            "ConditionExpression": "attribute_not_exists(sk)",
            "ExpressionAttributeNames": {"#schema": "schema"},
            "ExpressionAttributeValues": {
                ":one": n(1), ":no_login": s(LoginId::of_no_login(&UserKey::of("user-1")).as_str()), ":at": s(&rfc3339(now())),
            },
        }})
    );
}

#[tokio::test]
async fn a_change_of_a_user_who_never_logged_in_holds_to_that() {
    let hash = user().password_hash;
    let [item, register] = change(UserChange::Password(hash.clone()), None).await;
    assert_eq!(item["Update"]["ExpressionAttributeNames"]["#changed"], "password_hash");
    assert_eq!(item["Update"]["ExpressionAttributeValues"][":changed"], s(hash.as_str()));
    assert_eq!(
        register,
        json!({"ConditionCheck": {"TableName": "sessions", "Key": key("!user"), "ConditionExpression": "attribute_not_exists(sk)"}})
    );
}

/// Somebody else was first: everything is read again before the change is tried once more.
#[tokio::test]
async fn an_overtaken_change_is_decided_anew() {
    let found = output(json!({"Item": wire(&user_item(&user()))}));
    let none = output(json!({}));
    let cancelled = Answer::Error("TransactionCanceledException", json!({"CancellationReasons": [{"Code": "ConditionalCheckFailed"}]}));
    let script = Script::new([found.clone(), none.clone(), cancelled, found.clone(), none, output(json!({})), error(CONDITION), found]);
    assert!(change_user(&script.accounts(), &user().username, &UserChange::Disabled(now()), &Random::system()).await.unwrap().is_some());
    assert_eq!(script.asked().iter().filter(|(operation, _)| operation == "TransactWriteItems").count(), 2);

    let nobody = Script::new([output(json!({}))]);
    assert!(change_user(&nobody.accounts(), &user().username, &UserChange::Disabled(now()), &Random::system()).await.unwrap().is_none());
}

/// How each end of a transaction is taken.
#[tokio::test]
async fn what_a_transaction_comes_to() {
    async fn outcome(answer: Answer) -> &'static str {
        let chain = Chain::of(0);
        let (login, presented) = (chain.login(), chain.pair(0).refresh);
        let rotation = Rotation {
            login: &login,
            presented: &presented.hash(),
            answered: &AnsweredProofs::default(),
            successor: &chain.session(1),
            replay_untils: &[],
            attributes_kept_until: None,
            first_proofs: None,
        };
        match Script::new([answer]).store().rotate(rotation).await {
            Ok(Commit::Done) => "done",
            Ok(Commit::ReadAgain) => "read again",
            Err(StoreError::Rejected { .. }) => "our bug",
            Err(StoreError::Unavailable { .. }) => "unavailable",
            Err(StoreError::Item(_)) => "item",
        }
    }
    assert_eq!(outcome(output(json!({}))).await, "done");
    assert_eq!(outcome(Answer::Lost).await, "read again", "it may have been committed");
    assert_eq!(outcome(error("TransactionInProgressException")).await, "read again");
    assert_eq!(outcome(error("InternalServerError")).await, "read again");
    assert_eq!(outcome(error(CONFLICT)).await, "read again");
    assert_eq!(outcome(error("ValidationException")).await, "our bug");
    assert_eq!(outcome(error("SerializationException")).await, "our bug");
    assert_eq!(outcome(error(THROTTLED)).await, "unavailable");
    assert_eq!(outcome(error("ResourceNotFoundException")).await, "unavailable");
    let cancelled =
        |code| Answer::Error("TransactionCanceledException", json!({"CancellationReasons": [{"Code": "None"}, {"Code": code}]}));
    assert_eq!(outcome(cancelled("ConditionalCheckFailed")).await, "read again");
    assert_eq!(outcome(cancelled("ValidationError")).await, "our bug");
    assert_eq!(outcome(cancelled("ThrottlingError")).await, "unavailable");
}
