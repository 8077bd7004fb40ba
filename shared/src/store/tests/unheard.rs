//! Single writes whose first answer is lost. The SDK sends the write again, and its condition fails because of the first.

use aws_sdk_dynamodb::config::retry::RetryConfig;
use serde_json::{Value, json};

use super::{CONDITION, CONFLICT, LOGIN_ID, THROTTLED, key, now, user};
use crate::{
    decision::states::Chain,
    entropy::Random,
    model::User,
    operations::end_login,
    store::{
        Commit, EndProof, Ended, StoreError, UserChange, login_item,
        script::{Answer, Script, error, output, wire},
        session_item,
        users::user_item,
    },
    token::test_values,
};

/// What may have been carried out without a word of it.
fn unheard() -> [Answer; 3] {
    [Answer::Lost, Answer::Page(500), Answer::Page(503)]
}

fn again() -> RetryConfig {
    RetryConfig::standard()
}

async fn end(answers: Vec<Answer>, again: RetryConfig) -> Result<Ended, StoreError> {
    let script = Script::new(answers);
    let ended = end_login(&script.store_trying(again), &test_values::key(), &EndProof::Owner, &Random::system()).await;
    let _all_fetched = script.asked();
    ended
}

#[tokio::test(start_paused = true)]
async fn an_end_is_this_calls_where_its_first_answer_was_lost() {
    for lost in unheard() {
        assert_eq!(end(vec![lost.clone(), error(CONDITION)], again()).await, Ok(Ended::Unheard), "{lost:?}");
    }
    // The loss is remembered over the call's own retries.
    let conflict_between = vec![Answer::Lost, error(CONFLICT), error(CONDITION)];
    assert_eq!(end(conflict_between, again()).await, Ok(Ended::Unheard));
    // A refusal is DynamoDB's word that nothing was written.
    assert_eq!(end(vec![error(THROTTLED), error(CONDITION)], again()).await, Ok(Ended::NotThere));
    assert_eq!(end(vec![error(CONFLICT), error(CONDITION)], again()).await, Ok(Ended::NotThere));
    // Nothing was lost after all: the second attempt found the login.
    let deleted = output(json!({"Attributes": wire(&login_item(&Chain::of(5).login()))}));
    assert!(matches!(end(vec![Answer::Lost, deleted], again()).await, Ok(Ended::Now { .. })));
    assert!(matches!(end(vec![Answer::Lost], RetryConfig::disabled()).await, Err(StoreError::Unavailable { .. })));
}

/// What a sweep asks for after an end whose answer was lost.
async fn swept(items: Vec<Value>) -> Vec<Value> {
    let deletions = items.len();
    let done = (0..deletions).map(|_| output(json!({})));
    let script = Script::new([output(json!({"Items": items}))].into_iter().chain(done).take(deletions + 1));
    assert_eq!(script.store().sweep(&test_values::key(), Ended::Unheard).await, Ok(()));
    let asked = script.asked();
    assert_eq!((asked[0].0.as_str(), &asked[0].1["ConsistentRead"]), ("Query", &json!(true)));
    asked.into_iter().skip(1).map(|(operation, request)| json!({"operation": operation, "key": request["Key"]})).collect()
}

#[tokio::test]
async fn a_sweep_finds_the_session_whose_generation_was_lost() {
    let session = wire(&session_item(&Chain::of(5).session(5)));
    assert_eq!(swept(vec![session]).await, [json!({"operation": "DeleteItem", "key": key(&format!("{LOGIN_ID}#0000000005"))})]);
    assert_eq!(swept(Vec::new()).await, [] as [Value; 0]);
}

/// The proof was another login's, and the login lives: its session stays.
#[tokio::test]
async fn a_sweep_leaves_a_living_login_alone() {
    let chain = Chain::of(5);
    let items = [wire(&login_item(&chain.login())), wire(&session_item(&chain.session(5)))];
    let script = Script::new([output(json!({"Items": items}))]);
    assert_eq!(script.store().sweep(&test_values::key(), Ended::Unheard).await, Ok(()));
    assert_eq!(script.asked().len(), 1);
    let script = Script::new([]);
    assert_eq!(script.store().sweep(&test_values::key(), Ended::NotThere).await, Ok(()));
}

fn stored(user: &User) -> Answer {
    output(json!({"Item": wire(&user_item(user))}))
}

#[tokio::test(start_paused = true)]
async fn a_user_is_deleted_where_the_first_answer_was_lost() {
    let delete = async |answers: Vec<Answer>| {
        let script = Script::new(answers);
        let deleted = script.users_trying(again()).delete_user(&user()).await;
        let _all_fetched = script.asked();
        deleted
    };
    for lost in unheard() {
        assert_eq!(delete(vec![lost, error(CONDITION), output(json!({}))]).await, Ok(()));
    }
    let changed = vec![Answer::Lost, error(CONDITION), stored(&user())];
    assert!(matches!(delete(changed).await, Err(StoreError::Unavailable { operation: "DeleteItem", .. })));
    assert!(delete(vec![error(THROTTLED), error(CONDITION)]).await.is_err());
}

/// A transaction that DynamoDB failed at may be committed: only a read can tell.
#[tokio::test(start_paused = true)]
async fn a_transaction_with_a_server_error_is_read_again() {
    for status in [500, 502, 503] {
        let script = Script::new([Answer::Page(status)]);
        let written = script.accounts().write_change(&user(), &UserChange::Disabled(now()), None).await;
        assert_eq!(written, Ok(Commit::ReadAgain), "{status}");
    }
    let script = Script::new([Answer::Page(404)]);
    let written = script.accounts().write_change(&user(), &UserChange::Disabled(now()), None).await;
    assert_eq!(written, Err(StoreError::Unavailable { operation: "TransactWriteItems", code: "HTTP 404".into() }));
}
