//! What the answers to the single writes of attributes mean.

use serde_json::json;

use super::{CONDITION, CONFLICT, THROTTLED, register_item};
use crate::{
    ids::{LoginId, UserKey},
    model::{Attributes, Register},
    store::{
        Attempt, Copied, StoreError,
        script::{Answer, Script, error, output},
    },
    token::test_values,
};

fn register() -> Register {
    let user_key = UserKey::of("user-1");
    Register {
        version: 7,
        last_login_id: LoginId::of_no_login(&user_key),
        logins_at_most: 1,
        blocked_at: None,
        attributes: Attributes::default(),
        attributes_pending: None,
    }
}

/// Each write, with what it makes of an answer.
async fn settled(answer: Answer) -> [Result<Attempt<Option<Copied>>, StoreError>; 5] {
    let none = Attributes::default();
    let key = test_values::key();
    let store = || Script::new([answer.clone()]).store();
    let done = |attempt| match attempt {
        Attempt::Done(()) => Attempt::Done(None),
        Attempt::Conflict => Attempt::Conflict,
    };
    let copied = store().copy_attributes(&key, &register()).await.map(|attempt| match attempt {
        Attempt::Done(copied) => Attempt::Done(Some(copied)),
        Attempt::Conflict => Attempt::Conflict,
    });
    let set = store().set_attributes(&key.user_key, &none).await.map(|attempt| match attempt {
        Attempt::Done(_) => Attempt::Done(None),
        Attempt::Conflict => Attempt::Conflict,
    });
    [
        set,
        store().attributes_finished(&key.user_key, 7).await.map(done),
        copied,
        store().announce_attributes(&key).await.map(done),
        store().set_own_attributes(&key, &none, &none).await.map(done),
    ]
}

#[tokio::test]
async fn a_write_that_a_transaction_holds_up_is_sent_again() {
    assert_eq!(settled(error(CONFLICT)).await, [const { Ok(Attempt::Conflict) }; 5]);
}

#[tokio::test]
async fn an_outage_is_an_error() {
    for answer in [error(THROTTLED), Answer::Lost] {
        for settled in settled(answer).await {
            assert!(matches!(settled, Err(StoreError::Unavailable { operation: "UpdateItem", .. })), "{settled:?}");
        }
    }
}

#[tokio::test]
async fn a_condition_that_fails_is_an_answer() {
    let [_, finished, copied, announced, own] = settled(error(CONDITION)).await;
    assert_eq!(finished, Ok(Attempt::Done(None)), "a newer change is pending");
    assert_eq!(copied, Ok(Attempt::Done(Some(Copied::Absent))));
    assert_eq!(announced, Ok(Attempt::Done(None)), "there is no such login");
    assert_eq!(own, Ok(Attempt::Conflict), "they aren't as they were read");
    let newer = Answer::Error(CONDITION, json!({"Item": register_item()}));
    assert_eq!(settled(newer).await[2], Ok(Attempt::Done(Some(Copied::Current))));
}

#[tokio::test]
async fn what_was_written_is_done() {
    let [set, finished, copied, announced, own] = settled(output(json!({"Attributes": register_item()}))).await;
    assert_eq!([set, finished, announced, own], [const { Ok(Attempt::Done(None)) }; 4]);
    assert_eq!(copied, Ok(Attempt::Done(Some(Copied::Current))));
}
