//! The store's guarantees for each write, on any implementation of DynamoDB.

use std::slice;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, TimeDelta, Utc};
use latchkey::{
    dpop::AnsweredProofs,
    entropy::Random,
    ids::{Generation, LoginId, UserKey},
    model::{
        Attributes, Device, DeviceItem, LeftBehind, Lifetimes, Login, LoginCreation, LoginState, NewLogin, Register, ReplayRule, User,
        UserStatus,
    },
    operations::{
        UserCreated, create_user, end_login,
        issue::{IssuedLogin, IssuedSession, RotationRequest, issue_login, issue_successor},
        remove_user,
    },
    password::{Costs, PasswordHash},
    store::{Accounts, Commit, EndProof, Ended, Rotation, Store, Users, login_item, session_item},
    token::RefreshToken,
};
use latchkey_tests::{database::Database, service::ParseUsername as _};

static NONE: AnsweredProofs = AnsweredProofs::NONE;
const WINDOW: ReplayRule = ReplayRule { window: std::time::Duration::from_secs(30), until_first_use: false };
const LIFETIMES: Lifetimes = Lifetimes { access: std::time::Duration::from_secs(300), refresh: std::time::Duration::from_secs(604_800) };

struct Contract {
    database: Database,
    accounts: Accounts,
    user: User,
    now: DateTime<Utc>,
}

impl Contract {
    async fn new() -> Self {
        let database = Database::new().await;
        let store = Store::new(database.client.clone(), database.table("SessionsTable"));
        let accounts = Accounts::new(store, Users::new(database.client.clone(), database.table("UsersTable")));
        let now = latchkey::clock::Clock::system().now();
        let user = User {
            username: "ada".parse_username(),
            user_id: "user-1".into(),
            password_hash: PasswordHash::dummy(&Costs::CURRENT),
            status: UserStatus::Active,
            version: 1,
            created_at: now,
        };
        database.put_user(&user).await;
        Self { database, accounts, user, now }
    }

    fn store(&self) -> &Store {
        self.accounts.store()
    }

    fn issue(&self) -> IssuedLogin {
        issue_login(&self.user.user_id, Device::default(), LIFETIMES, None, self.now, &Random::system()).unwrap()
    }

    async fn creation(&self) -> LoginCreation {
        let seen = self.store().read_user_logins(&UserKey::of(&self.user.user_id)).await.unwrap();
        let predecessor_seen = seen.register.as_ref().map(|register| seen.logins.contains_key(&register.last_login_id));
        LoginCreation { register: seen.register, predecessor_seen, logins_at_most: 1, ..LoginCreation::default() }
    }

    async fn create(&self, new: &NewLogin) -> Commit {
        self.accounts.create_login(&self.user, new, &self.creation().await).await.unwrap()
    }

    async fn login(&self) -> IssuedLogin {
        let issued = self.issue();
        assert_eq!(self.create(&issued.new).await, Commit::Done);
        issued
    }

    /// The update of a client that knows nothing of versions.
    async fn set_user(&self, name: &str, value: &str) {
        let update = self.database.client.update_item().table_name(self.database.table("UsersTable"));
        update
            .key("username", AttributeValue::S(self.user.username.as_str().into()))
            .update_expression("SET #name = :value")
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":value", AttributeValue::S(value.into()))
            .send()
            .await
            .unwrap();
    }

    async fn state(&self, issued: &IssuedLogin) -> LoginState {
        self.store().read_login(&issued.new.login.key).await.unwrap()
    }

    fn successor(&self, state: &LoginState, presented: &RefreshToken) -> IssuedSession {
        let login = state.login.as_ref().unwrap();
        let token = presented.clone().into();
        let request = RotationRequest {
            token: &token,
            hash: presented.hash(),
            replay_key: None,
            lifetimes: LIFETIMES,
            replay: WINDOW,
            now: self.now,
        };
        issue_successor(login, request, &Random::system()).unwrap()
    }
}

#[tokio::test]
async fn a_login_reads_back_as_it_was_written() {
    let contract = Contract::new().await;
    let issued = contract.login().await;
    let state = contract.state(&issued).await;
    assert_eq!(state.login.as_ref(), Some(&issued.new.login));
    assert_eq!(state.sessions, slice::from_ref(&issued.new.session));
    let seen = contract.store().read_user_logins(&issued.new.login.key.user_key).await.unwrap();
    let login_id = issued.new.login.key.login_id.clone();
    assert_eq!(
        seen.register,
        Some(Register {
            version: 1,
            last_login_id: login_id.clone(),
            logins_at_most: 1,
            blocked_at: None,
            attributes: Attributes::default(),
            attributes_pending: None
        })
    );
    assert!(seen.sessions.contains(&(login_id, Generation::FIRST)));
}

#[tokio::test]
async fn a_login_is_created_once() {
    let contract = Contract::new().await;
    let issued = contract.login().await;
    contract.login().await;
    assert_eq!(contract.create(&issued.new).await, Commit::ReadAgain);
}

#[tokio::test]
async fn a_login_is_created_only_on_what_was_read() {
    let contract = Contract::new().await;
    let before_the_first = contract.creation().await;
    let first = contract.login().await;
    let second = contract.issue();
    let create = async |user: &User, creation: &LoginCreation| contract.accounts.create_login(user, &second.new, creation).await;

    assert_eq!(create(&contract.user, &before_the_first).await, Ok(Commit::ReadAgain), "the register exists now");
    let current = contract.creation().await;
    let older = LoginCreation { register: Some(Register { version: 0, ..current.register.clone().unwrap() }), ..current.clone() };
    assert_eq!(create(&contract.user, &older).await, Ok(Commit::ReadAgain), "the register has moved");
    let unseen = LoginCreation { predecessor_seen: Some(false), ..current.clone() };
    assert_eq!(create(&contract.user, &unseen).await, Ok(Commit::ReadAgain), "the predecessor exists");
    let changed = User { version: 2, ..contract.user.clone() };
    assert_eq!(create(&changed, &current).await, Ok(Commit::ReadAgain), "the user has changed");
    contract.set_user("status", "disabled").await;
    assert_eq!(create(&contract.user, &current).await, Ok(Commit::ReadAgain), "the user is disabled");
    contract.set_user("status", "active").await;

    let key = first.new.login.key.clone();
    assert_eq!(
        end_login(contract.store(), &key, &EndProof::of_refresh(&first.pair.refresh.claim()), &Random::system()).await.unwrap(),
        Ended::Now { left: LeftBehind { generation: Generation::FIRST, has_attributes: false } }
    );
    assert_eq!(create(&contract.user, &current).await, Ok(Commit::ReadAgain), "the predecessor is gone");
    assert_eq!(create(&contract.user, &contract.creation().await).await, Ok(Commit::Done));
}

/// Where the predecessor wasn't looked for, its check holds whether it is there or not.
#[tokio::test]
async fn a_login_need_not_know_its_predecessor() {
    let contract = Contract::new().await;
    let unread = async || LoginCreation { predecessor_seen: None, ..contract.creation().await };
    let first = contract.login().await;
    let second = contract.issue();
    assert_eq!(contract.accounts.create_login(&contract.user, &second.new, &unread().await).await, Ok(Commit::Done));
    for login in [&first, &second] {
        end_login(contract.store(), &login.new.login.key, &EndProof::Owner, &Random::system()).await.unwrap();
    }
    let third = contract.issue();
    assert_eq!(contract.accounts.create_login(&contract.user, &third.new, &unread().await).await, Ok(Commit::Done));
}

/// The device's item is as it was read, or the login is decided anew.
#[tokio::test]
async fn a_login_names_itself_on_its_device() {
    let contract = Contract::new().await;
    let user_key = UserKey::of(&contract.user.user_id);
    let read = async || contract.store().read_register_and_device(&user_key, Some("phone")).await.unwrap();
    let on_phone = || {
        let device = Device { id: Some("phone".into()), ..Device::default() };
        issue_login(&contract.user.user_id, device, LIFETIMES, None, contract.now, &Random::system()).unwrap()
    };
    let create = async |issued: &IssuedLogin, device: DeviceItem| {
        let creation = LoginCreation { register: read().await.register, device, ..LoginCreation::default() };
        contract.accounts.create_login(&contract.user, &issued.new, &creation).await.unwrap()
    };
    let (first, second) = (on_phone(), on_phone());
    assert_eq!(read().await.device, DeviceItem::Absent);
    assert_eq!(create(&first, DeviceItem::Names(second.new.login.key.login_id.clone())).await, Commit::ReadAgain, "there is none");
    assert_eq!(create(&first, DeviceItem::Absent).await, Commit::Done);
    let named = read().await.device;
    assert_eq!(named, DeviceItem::Names(first.new.login.key.login_id.clone()));
    assert_eq!(create(&second, DeviceItem::Absent).await, Commit::ReadAgain, "there is one");
    assert_eq!(create(&second, DeviceItem::Names(second.new.login.key.login_id.clone())).await, Commit::ReadAgain, "it names another");
    assert_eq!(create(&second, named).await, Commit::Done);
    assert_eq!(read().await.device, DeviceItem::Names(second.new.login.key.login_id.clone()));
}

#[tokio::test]
async fn a_login_replaces_others_in_the_same_transaction() {
    let contract = Contract::new().await;
    let (first, second, third) = (contract.login().await, contract.login().await, contract.issue());
    let replaced = [&first, &second]
        .map(|issued| (issued.new.login.key.clone(), Some(LeftBehind { generation: Generation::FIRST, has_attributes: false })))
        .to_vec();
    let creation = LoginCreation { replaced, ..contract.creation().await };
    assert_eq!(contract.accounts.create_login(&contract.user, &third.new, &creation).await, Ok(Commit::Done));
    assert_eq!(contract.state(&first).await.login, None);
    assert_eq!(contract.state(&second).await.login, None);
    assert!(contract.state(&third).await.login.is_some());
}

/// The register names this login, so an end since the read must cause a conflict.
#[tokio::test]
async fn a_login_that_replaces_its_predecessor_needs_it_there() {
    let contract = Contract::new().await;
    let (first, second) = (contract.login().await, contract.issue());
    let key = first.new.login.key.clone();
    let creation = LoginCreation {
        replaced: vec![(key.clone(), Some(LeftBehind { generation: Generation::FIRST, has_attributes: false }))],
        ..contract.creation().await
    };
    end_login(contract.store(), &key, &EndProof::Owner, &Random::system()).await.unwrap();
    assert_eq!(contract.accounts.create_login(&contract.user, &second.new, &creation).await, Ok(Commit::ReadAgain));
    assert_eq!(contract.state(&second).await, LoginState::default());
}

#[tokio::test]
async fn a_rotation_replaces_the_session_all_or_nothing() {
    let contract = Contract::new().await;
    let issued = contract.login().await;
    let state = contract.state(&issued).await;
    let next = contract.successor(&state, &issued.pair.refresh);
    let presented = issued.pair.refresh.hash();
    let replay_untils = [contract.now + TimeDelta::seconds(30)];
    let rotation = Rotation {
        attributes_kept_until: None,
        login: state.login.as_ref().unwrap(),
        presented: &presented,
        answered: &NONE,
        successor: &next.session,
        replay_untils: &replay_untils,
        first_proofs: None,
    };
    assert_eq!(contract.store().rotate(rotation).await, Ok(Commit::Done));

    let after = contract.state(&issued).await;
    let login = after.login.as_ref().unwrap();
    assert_eq!(login.generation.number(), 1);
    assert_eq!(after.sessions, slice::from_ref(&next.session));
    assert_eq!(login.recent_replay_untils, replay_untils);
    assert_eq!(login.refresh_token_expires_at, next.session.refresh_token_expires_at);

    assert_eq!(contract.store().rotate(rotation).await, Ok(Commit::ReadAgain), "once");
    assert_eq!(contract.state(&issued).await, after);
}

#[tokio::test]
async fn a_rotation_is_refused_where_anything_is_not_as_read() {
    let contract = Contract::new().await;
    let issued = contract.login().await;
    let state = contract.state(&issued).await;
    let login = state.login.as_ref().unwrap();
    let next = contract.successor(&state, &issued.pair.refresh);
    let other = contract.issue();
    let rotate = async |rotation| contract.store().rotate(rotation).await;

    let (right, wrong) = (issued.pair.refresh.hash(), other.pair.refresh.hash());
    assert_eq!(
        rotate(Rotation {
            login,
            presented: &wrong,
            answered: &NONE,
            successor: &next.session,
            replay_untils: &[],
            attributes_kept_until: None,
            first_proofs: None
        })
        .await,
        Ok(Commit::ReadAgain),
        "another token"
    );
    let mut late = next.session.clone();
    late.created_at = issued.new.session.refresh_token_expires_at;
    assert_eq!(
        rotate(Rotation {
            login,
            presented: &right,
            answered: &NONE,
            successor: &late,
            replay_untils: &[],
            attributes_kept_until: None,
            first_proofs: None
        })
        .await,
        Ok(Commit::ReadAgain),
        "expired at this instant"
    );
    let mut ahead = login.clone();
    ahead.generation = Generation::new(1).unwrap();
    let next_but_one = contract.successor(&LoginState { login: Some(ahead.clone()), ..LoginState::default() }, &issued.pair.refresh);
    assert_eq!(
        rotate(Rotation {
            login: &ahead,
            presented: &right,
            answered: &NONE,
            successor: &next_but_one.session,
            replay_untils: &[],
            attributes_kept_until: None,
            first_proofs: None
        })
        .await,
        Ok(Commit::ReadAgain),
        "another generation"
    );
    assert_eq!(
        rotate(Rotation {
            login: &other.new.login,
            presented: &right,
            answered: &NONE,
            successor: &next.session,
            replay_untils: &[],
            attributes_kept_until: None,
            first_proofs: None
        })
        .await,
        Ok(Commit::ReadAgain),
        "no such login"
    );
    assert_eq!(contract.state(&issued).await, state, "nothing was written");

    let put = contract.database.client.put_item().table_name(contract.database.table("SessionsTable"));
    put.set_item(Some(session_item(&next.session))).send().await.unwrap();
    assert_eq!(
        rotate(Rotation {
            login,
            presented: &right,
            answered: &NONE,
            successor: &next.session,
            replay_untils: &[],
            attributes_kept_until: None,
            first_proofs: None
        })
        .await,
        Ok(Commit::ReadAgain),
        "the successor is there"
    );
}

/// The old session alone doesn't allow a rotation: the login must still be in the state that was read.
#[tokio::test]
async fn a_rotation_is_refused_where_the_login_stands_elsewhere() {
    let contract = Contract::new().await;
    let issued = contract.login().await;
    let state = contract.state(&issued).await;
    let login = state.login.as_ref().unwrap();
    let next = contract.successor(&state, &issued.pair.refresh);
    let elsewhere = Login { generation: Generation::new(7).unwrap(), ..login.clone() };
    let put = contract.database.client.put_item().table_name(contract.database.table("SessionsTable"));
    put.set_item(Some(login_item(&elsewhere))).send().await.unwrap();
    let rotation = Rotation {
        login,
        presented: &issued.pair.refresh.hash(),
        answered: &NONE,
        successor: &next.session,
        replay_untils: &[],
        attributes_kept_until: None,
        first_proofs: None,
    };
    assert_eq!(contract.store().rotate(rotation).await, Ok(Commit::ReadAgain));
}

/// An end that comes before the commit wins: the update doesn't restore the login.
#[tokio::test]
async fn a_rotation_does_not_revive_an_ended_login() {
    let contract = Contract::new().await;
    let issued = contract.login().await;
    let state = contract.state(&issued).await;
    let next = contract.successor(&state, &issued.pair.refresh);
    let (key, presented) = (issued.new.login.key.clone(), issued.pair.refresh.hash());
    end_login(contract.store(), &key, &EndProof::of_refresh(&issued.pair.refresh.claim()), &Random::system()).await.unwrap();
    let rotation = Rotation {
        attributes_kept_until: None,
        login: state.login.as_ref().unwrap(),
        presented: &presented,
        answered: &NONE,
        successor: &next.session,
        replay_untils: &[],
        first_proofs: None,
    };
    assert_eq!(contract.store().rotate(rotation).await, Ok(Commit::ReadAgain));
    assert_eq!(contract.store().read_login(&key).await.unwrap().login, None);
}

#[tokio::test]
async fn only_a_proof_of_the_login_ends_it() {
    let contract = Contract::new().await;
    let (issued, other) = (contract.login().await, contract.issue());
    let key = &issued.new.login.key;
    let end = async |proof: EndProof| end_login(contract.store(), key, &proof, &Random::system()).await.unwrap();
    assert_eq!(end(EndProof::of_access(&other.pair.access.claim())).await, Ended::NotThere);
    assert_eq!(end(EndProof::of_refresh(&other.pair.refresh.claim())).await, Ended::NotThere);
    assert!(contract.store().read_login(key).await.unwrap().login.is_some());
    assert_eq!(
        end(EndProof::of_access(&issued.pair.access.claim())).await,
        Ended::Now { left: LeftBehind { generation: Generation::FIRST, has_attributes: false } }
    );
    assert_eq!(end(EndProof::of_refresh(&issued.pair.refresh.claim())).await, Ended::NotThere);

    contract.store().sweep_session(key, Generation::FIRST).await.unwrap();
    assert_eq!(contract.store().read_login(key).await.unwrap(), LoginState::default());
}

#[tokio::test]
async fn a_user_is_created_once_and_read_back() {
    let contract = Contract::new().await;
    let read = contract.accounts.users().read_user(&contract.user.username).await.unwrap().unwrap();
    assert_eq!((read.user_id.as_str(), read.version, read.created_at), ("user-1", 1, contract.now));
    let other = User { user_id: "user-2".into(), ..contract.user.clone() };
    assert_eq!(create_user(&contract.accounts, &other, &Random::system()).await, Ok(UserCreated::NameTaken));
    assert_eq!(contract.accounts.users().read_user(&contract.user.username).await.unwrap().unwrap().user_id, "user-1");
    assert!(contract.accounts.users().read_user(&"nobody".parse_username()).await.unwrap().is_none());
}

/// A second user with the id of the first would log in as the first.
#[tokio::test]
async fn a_user_id_is_taken_once() {
    let contract = Contract::new().await;
    let create = async |username: &str, user_id: &str| {
        let user = User { username: username.parse_username(), user_id: user_id.into(), ..contract.user.clone() };
        create_user(&contract.accounts, &user, &Random::system()).await.unwrap()
    };
    // The user's first login by password names the register, which was lost with the sessions table.
    contract.login().await;
    assert_eq!(create("mallory", "user-1").await, UserCreated::IdTaken);
    assert_eq!(create("grace", "user-2").await, UserCreated::Done);
    assert_eq!(create("mallory", "user-2").await, UserCreated::IdTaken);
    let owner = contract.store().read_owner(&UserKey::of("user-2")).await.unwrap().unwrap();
    assert_eq!((owner.username.as_deref(), owner.is_blocked), (Some("grace"), false));

    let (now, random, grace) = (contract.now, Random::system(), "grace".parse_username());
    assert!(remove_user(&contract.accounts, &grace, now, &random).await.unwrap().is_some());
    assert_eq!(create("grace", "user-2").await, UserCreated::IdTaken, "an id of a removed user stays blocked");
    assert_eq!(create("grace", "user-3").await, UserCreated::Done);
    assert!(contract.accounts.users().read_user(&"mallory".parse_username()).await.unwrap().is_none());
}

/// Of names that look alike in two scripts only one exists, the one that was there first.
#[tokio::test]
async fn names_that_look_alike_are_taken_once() {
    let contract = Contract::new().await;
    let random = Random::system();
    let create = async |username: &str, user_id: &str| {
        let user = User { username: username.parse_username(), user_id: user_id.into(), ..contract.user.clone() };
        create_user(&contract.accounts, &user, &random).await.unwrap()
    };
    assert_eq!(create("саша", "user-2").await, UserCreated::Done);
    assert_eq!(create("cawa", "user-3").await, UserCreated::LooksLikeAnother);
    assert_eq!(create("coco", "user-4").await, UserCreated::Done);
    assert_eq!(create("\u{441}\u{43e}\u{441}\u{43e}", "user-5").await, UserCreated::LooksLikeAnother, "Cyrillic and Latin");
    assert_eq!(create("\u{43e}\u{43e}", "user-5").await, UserCreated::Done);
    assert_eq!(create("\u{3bf}\u{3bf}", "user-6").await, UserCreated::LooksLikeAnother, "Greek and Cyrillic");
    let listed = contract.accounts.users().page_of_users(None, None).await.unwrap();
    assert_eq!((listed.users.len(), listed.unreadable.len()), (4, 0));

    assert!(remove_user(&contract.accounts, &"саша".parse_username(), contract.now, &random).await.unwrap().is_some());
    assert_eq!(create("cawa", "user-3").await, UserCreated::Done);
    assert_eq!(create("саша", "user-7").await, UserCreated::LooksLikeAnother);
}

/// An imported session has made the register. Its user is given the id, and none of their logins ends.
#[tokio::test]
async fn an_id_with_logins_is_taken_by_its_user() {
    let contract = Contract::new().await;
    let issued = issue_login("user-2", Device::default(), LIFETIMES, None, contract.now, &Random::system()).unwrap();
    assert_eq!(contract.store().create_login(&issued.new, &LoginCreation::default()).await, Ok(Commit::Done));
    let before = contract.store().read_register(&UserKey::of("user-2")).await.unwrap();
    let user = User { username: "grace".parse_username(), user_id: "user-2".into(), ..contract.user.clone() };
    assert_eq!(create_user(&contract.accounts, &user, &Random::system()).await, Ok(UserCreated::Done));
    assert_eq!(contract.store().read_register(&UserKey::of("user-2")).await.unwrap(), before);
}

/// The hash is updated while the password changes: the new password stays.
#[tokio::test]
async fn a_rehash_leaves_a_changed_user_alone() {
    let contract = Contract::new().await;
    let stored = async || contract.accounts.users().read_user(&contract.user.username).await.unwrap().unwrap().password_hash;
    let hashes: [PasswordHash; 2] = [0, 1].map(|salt| {
        let text = contract.user.password_hash.as_str().replace("$s4w/", &format!("$s4w{salt}"));
        PasswordHash::parse(text).unwrap()
    });
    assert!(!hashes.contains(&contract.user.password_hash), "a new salt");
    let older = User { version: 0, ..contract.user.clone() };
    assert_eq!(contract.accounts.users().replace_password_hash(&older, &hashes[0]).await, Ok(false));
    let other = User { password_hash: hashes[1].clone(), ..contract.user.clone() };
    assert_eq!(contract.accounts.users().replace_password_hash(&other, &hashes[0]).await, Ok(false));
    let disabled = User { status: UserStatus::Disabled, ..contract.user.clone() };
    assert_eq!(contract.accounts.users().replace_password_hash(&disabled, &hashes[0]).await, Ok(false));
    assert_eq!(stored().await, contract.user.password_hash, "a new version, a new hash, another status");
    assert_eq!(contract.accounts.users().replace_password_hash(&contract.user, &hashes[0]).await, Ok(true));
    assert_eq!(stored().await, hashes[0]);
}

/// A partition of more than one page (1 MiB each) is read completely.
#[tokio::test]
async fn a_long_collection_is_read_to_its_end() {
    let contract = Contract::new().await;
    let mut ids: Vec<LoginId> = Vec::new();
    for _ in 0..4 {
        let key = contract.login().await.new.login.key;
        let swell = contract.database.client.update_item().table_name(contract.database.table("SessionsTable"));
        swell
            .key("user_key", AttributeValue::S(key.user_key.as_str().into()))
            .key("sk", AttributeValue::S(key.login_id.as_str().into()))
            .update_expression("SET ballast = :ballast")
            .expression_attribute_values(":ballast", AttributeValue::S("x".repeat(390_000)))
            .send()
            .await
            .unwrap();
        ids.push(key.login_id);
    }
    ids.sort_unstable();
    let seen = contract.store().read_user_logins(&UserKey::of("user-1")).await.unwrap();
    assert_eq!(seen.logins.into_keys().collect::<Vec<_>>(), ids);
}
