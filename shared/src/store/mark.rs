//! Marking a session as used.

use chrono::{DateTime, Utc};

use super::{
    Attempt, Store, StoreError,
    error::{condition_failed, failure, in_conflict},
    items::{USED_REPLAY_UNTIL, session_key, time},
};
use crate::{
    dynamodb::Ask as _,
    ids::{Generation, LoginKey},
};

impl Store {
    /// Writes until when the token before `generation` is still answered, now that a token of `generation` is being used: one
    /// write unit. A session that is marked keeps its mark, and one that is gone stays gone.
    ///
    /// # Errors
    /// [`StoreError`] where the mark may be missing.
    pub async fn mark_used(&self, key: &LoginKey, generation: Generation, until: DateTime<Utc>) -> Result<Attempt<()>, StoreError> {
        let marked = self
            .dynamodb
            .update_item()
            .table_name(&self.sessions)
            .set_key(Some(session_key(key, generation)))
            .update_expression(format!("SET {USED_REPLAY_UNTIL} = :until"))
            // An update creates an absent item: one without a `ttl`, which every later read would find damaged.
            .condition_expression(format!("attribute_exists(sk) AND attribute_not_exists({USED_REPLAY_UNTIL})"))
            .expression_attribute_values(":until", time(until))
            .ask(&self.dynamodb)
            .await;
        match marked {
            Ok(_) => Ok(Attempt::Done(())),
            Err(error) if condition_failed(&error) => Ok(Attempt::Done(())),
            Err(error) if in_conflict(&error) => Ok(Attempt::Conflict),
            Err(error) => Err(failure("UpdateItem", &error)),
        }
    }
}
