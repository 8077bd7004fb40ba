//! Each write as text, beside the condition that guards it; and what each answer means. An expression that changes here
//! changes what two requests at once do to each other.

mod accounts;
mod attempts;
mod attributes;
mod ends;
mod reads;
mod unheard;
mod writes;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    decision::states::start,
    model::{User, UserStatus},
    password::{Costs, PasswordHash},
    username::Username,
};

const CONDITION: &str = "ConditionalCheckFailedException";
const CONFLICT: &str = "TransactionConflictException";
const THROTTLED: &str = "ThrottlingException";

const USER_KEY: &str = "h2uzXkR-4Tn0EKGWcJpQdr";
const LOGIN_ID: &str = "0123456789-_abcdefghiw";
const OTHER_ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";

fn user() -> User {
    User {
        username: Username::parse("ada").unwrap(),
        user_id: "user-1".into(),
        password_hash: PasswordHash::dummy(&Costs::CURRENT),
        status: UserStatus::Active,
        version: 4,
        created_at: now(),
    }
}

fn now() -> DateTime<Utc> {
    start()
}

fn s(text: &str) -> Value {
    json!({"S": text})
}

fn n(number: i64) -> Value {
    json!({"N": number.to_string()})
}

fn key(sk: &str) -> Value {
    json!({"user_key": s(USER_KEY), "sk": s(sk)})
}

fn register_item() -> Value {
    json!({"user_key": s(USER_KEY), "sk": s("!user"), "schema": n(1), "version": n(7), "last_login_id": s(OTHER_ID), "user_id": s("user-1")})
}
