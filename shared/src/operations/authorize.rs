//! May a request with this access token pass? The authorizer function and the middleware both ask here.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{
    credentials::{Denied, Presented, locate, token_of},
    known::known_of_access,
    read_time::time_of_read,
};
use crate::{
    backoff::Backoff,
    clock::{Clock, later},
    decision::{self, owes_mark},
    entropy::Random,
    limits::Limits,
    model::{Attributes, CurrentSession, Session},
    store::{Attempt, Store, StoreError},
    telling::log::{Event, Fields, log},
    token::{Access, ImportedTokens, PresentedToken},
};

/// What a service does at the first use of a session that awaits it.
#[derive(Debug, Clone)]
pub enum OnFirstUse {
    /// Writes until when the refresh token before is still answered, and then lets the request pass. Needs
    /// `dynamodb:UpdateItem` on the sessions table.
    Mark {
        /// `REPLAY_WINDOW`: how long from now.
        window: Duration,
        /// How long the request waits for that.
        within: Duration,
        /// For the pause before a second attempt.
        random: Random,
    },
    /// Nothing: the service can only read. Use it only where refresh runs with `LOST_ANSWER=window`. Otherwise a copied refresh
    /// token shares its login until it expires, and reuse is never noticed.
    LeaveUnmarked,
}

impl OnFirstUse {
    /// Marks with the window that refresh has, and waits for one attempt.
    #[must_use]
    pub fn mark(window: Duration, limits: Limits, random: Random) -> Self {
        Self::Mark { window, within: limits.attempt, random }
    }
}

/// What an introspection says of a session beside what a handler needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introspected {
    /// Whose it is, and until when.
    pub session: CurrentSession,
    /// When its tokens were issued.
    pub issued_at: DateTime<Utc>,
}

/// Parses the token, reads its login, decides, and marks the session's first use.
///
/// # Errors
/// [`Denied`]. A refusal has been logged; a failure of the store is for the caller to log.
pub fn authorize(
    store: &Store,
    presented: Presented<'_>,
    imported: ImportedTokens,
    first_use: &OnFirstUse,
    clock: &Clock,
    fields: Fields<'_>,
) -> impl Future<Output = Result<CurrentSession, Denied>> {
    // No future around the other one: it would be moved once more on every request.
    authorized(store, presented, imported, first_use, clock, fields, CurrentSession::of)
}

/// The same, for a service that asks about a token instead of being asked with it.
///
/// # Errors
/// As [`authorize`].
pub async fn introspect(
    store: &Store,
    presented: Presented<'_>,
    imported: ImportedTokens,
    first_use: &OnFirstUse,
    clock: &Clock,
    fields: Fields<'_>,
) -> Result<Introspected, Denied> {
    let introspected =
        |session: &Session, attributes| Introspected { session: CurrentSession::of(session, attributes), issued_at: session.created_at };
    authorized(store, presented, imported, first_use, clock, fields, introspected).await
}

async fn authorized<T>(
    store: &Store,
    presented: Presented<'_>,
    imported: ImportedTokens,
    first_use: &OnFirstUse,
    clock: &Clock,
    fields: Fields<'_>,
    answer: impl FnOnce(&Session, Attributes) -> T,
) -> Result<T, Denied> {
    let token = token_of(presented, Event::AccessDenied, fields, |text| PresentedToken::<Access>::parse(text, imported))?;
    let claim = token.claim();
    let key = locate(store, &token, &claim, Event::AccessDenied, fields).await?;
    let mut state = store.read_login(&key).await?;
    let now = time_of_read(clock, fields);
    if state.lacks_attributes() && decision::authorize(&state, &claim, now).is_ok() {
        // The login is in mid-commit. On the heap: one request in very many gets here.
        state = Box::pin(store.read_login(&key)).await?;
    }
    let attributes = state.attributes.take();
    let hash = claim.hash.log_prefix();
    let fields = Fields { token_hash: Some(&hash), login_id: Some(key.login_id.as_str()), ..fields };
    match decision::authorize(&state, &claim, now) {
        // Without them the backend would take a restricted caller for an unrestricted one.
        Ok(_) if attributes.is_none() && state.lacks_attributes() => {
            Err(StoreError::Unavailable { operation: "Query", code: "attributes not seen".to_owned() }.into())
        }
        Ok(session) => {
            if owes_mark(session) {
                // On the heap: one request in many gets here, and all of them would carry its state.
                Box::pin(mark(store, session, first_use, now, fields)).await;
            }
            log(Event::AccessAllowed, fields, None);
            Ok(answer(session, attributes.map(|attributes| attributes.merged()).unwrap_or_default()))
        }
        Err(refusal) => {
            log(
                Event::AccessDenied(refusal.into()),
                Fields { reason: Some(&refusal.to_string()), known: known_of_access(&state, &claim), ..fields },
                None,
            );
            Err(Denied::Invalid)
        }
    }
}

/// Before the answer: once the client acts on it, it is known to have the tokens, and the token before must stop being
/// answered. Where the mark can't be written the request passes all the same, and the next one tries again.
async fn mark(store: &Store, session: &Session, first_use: &OnFirstUse, now: DateTime<Utc>, fields: Fields<'_>) {
    let OnFirstUse::Mark { window, within, random } = first_use else { return };
    let until = later(now, *window);
    let written = tokio::time::timeout(*within, async {
        let write = || store.mark_used(&session.key, session.generation, until);
        let first = write().await?;
        // A rotation is on its way. If it is cancelled, this session stays the current one.
        if first == Attempt::Conflict {
            Backoff::new(random).wait().await;
            return write().await;
        }
        Ok::<_, StoreError>(first)
    });
    match written.await {
        Ok(Ok(Attempt::Done(()))) => {}
        Ok(Ok(Attempt::Conflict)) => log(Event::MarkLost, Fields { reason: Some("a rotation is under way"), ..fields }, None),
        Ok(Err(error)) => log(Event::MarkLost, fields, Some(&error)),
        Err(elapsed) => log(Event::MarkLost, fields, Some(&elapsed)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        clock::rfc3339,
        decision::states::Chain,
        model,
        store::{
            login_item,
            script::{Answer, Script, error, output, wire},
            session_item,
        },
    };

    /// What a request with the newest token of a login at generation 3 was answered, and what was written for it, where its
    /// session says `first_use` of its tokens and the writes are answered so.
    async fn authorized(first_use: model::FirstUse, setting: &OnFirstUse, writes: impl IntoIterator<Item = Answer>) -> (bool, Vec<Value>) {
        let chain = Chain::of(3);
        let mut session = chain.session(3);
        if let Some(predecessor) = &mut session.predecessor {
            predecessor.first_use = first_use;
        }
        let read = output(json!({"Items": [wire(&login_item(&chain.login())), wire(&session_item(&session))]}));
        let script = Script::new(std::iter::once(read).chain(writes));
        let now = chain.now();
        let clock = Clock::from_fn(move || now);
        let token = chain.pair(3).access;
        let presented = Presented::Token(token.expose());
        let answer = authorize(&script.store(), presented, ImportedTokens::Refused, setting, &clock, Fields::default()).await;
        let asked = script.asked().split_off(1);
        assert!(asked.iter().all(|(operation, _)| operation == "UpdateItem"), "{asked:?}");
        (answer.is_ok(), asked.into_iter().map(|(_, request)| request).collect())
    }

    fn marks() -> OnFirstUse {
        OnFirstUse::mark(Duration::from_secs(30), Limits::PRODUCTION, Random::system())
    }

    #[tokio::test]
    async fn a_first_use_is_marked_before_it_passes() {
        let chain = Chain::of(3);
        let (passed, written) = authorized(model::FirstUse::Awaited, &marks(), [output(json!({}))]).await;
        assert!(passed);
        assert_eq!(
            written,
            [json!({
                "TableName": "sessions",
                "Key": {"user_key": {"S": chain.session(3).key.user_key.as_str()}, "sk": wire(&session_item(&chain.session(3)))["sk"]},
                "UpdateExpression": "SET used_replay_until = :until",
                "ConditionExpression": "attribute_exists(sk) AND attribute_not_exists(used_replay_until)",
                "ExpressionAttributeValues": {":until": {"S": rfc3339(later(chain.now(), Duration::from_secs(30)))}},
            })]
        );
    }

    #[tokio::test]
    async fn nothing_is_written_where_no_mark_is_owed() {
        for first_use in [model::FirstUse::NotAwaited, model::FirstUse::ReplayUntil(Chain::of(3).now())] {
            assert_eq!(authorized(first_use, &marks(), []).await, (true, Vec::new()), "{first_use:?}");
        }
        assert_eq!(authorized(model::FirstUse::Awaited, &OnFirstUse::LeaveUnmarked, []).await, (true, Vec::new()));
    }

    /// Marked by another request, or gone since the read; in the hands of a rotation, once or for longer; refused; not answered.
    #[tokio::test(start_paused = true)]
    async fn a_request_passes_whatever_becomes_of_its_mark() {
        const CONFLICT: &str = "TransactionConflictException";
        let done = || output(json!({}));
        for (writes, tries) in [
            (vec![error("ConditionalCheckFailedException")], 1),
            (vec![error(CONFLICT), done()], 2),
            (vec![error(CONFLICT), error(CONFLICT)], 2),
            (vec![error("AccessDeniedException")], 1),
            (vec![Answer::Lost], 1),
        ] {
            let (passed, written) = authorized(model::FirstUse::Awaited, &marks(), writes).await;
            assert_eq!((passed, written.len()), (true, tries));
        }
    }
}
