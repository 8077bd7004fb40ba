//! Remembering a proof that is about to be answered.

use super::{
    Commit, Store, StoreError,
    error::{condition_failed, failure, in_conflict},
    items::{ANSWERED_PROOFS, answered, session_key},
};
use crate::{dpop::AnsweredProofs, dynamodb::Ask as _, model::Session};

impl Store {
    /// Writes which proofs the login has answered, before one more is: one write unit. Only where they are still as they were read, so
    /// that of two requests with one proof the second reads again.
    ///
    /// # Errors
    /// [`StoreError`] where the proof must not be answered. It may have been written.
    pub async fn answer_proof(&self, session: &Session, proofs: &AnsweredProofs) -> Result<Commit, StoreError> {
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.sessions)
            .set_key(Some(session_key(&session.key, session.generation)))
            .update_expression(format!("SET {ANSWERED_PROOFS} = :proofs"))
            .set_expression_attribute_values(answered(proofs).map(|bytes| [(":proofs".to_owned(), bytes)].into()));
        // An update creates an absent item, so a session that is gone must be asked for.
        let update = match answered(&session.answered_proofs) {
            None => update.condition_expression(format!("attribute_exists(sk) AND attribute_not_exists({ANSWERED_PROOFS})")),
            Some(bytes) => update
                .condition_expression(format!("attribute_exists(sk) AND {ANSWERED_PROOFS} = :as_read"))
                .expression_attribute_values(":as_read", bytes),
        };
        match update.ask(&self.dynamodb).await {
            Ok(_) => Ok(Commit::Done),
            Err(error) if condition_failed(&error) => Ok(Commit::ReadAgain),
            Err(error) if in_conflict(&error) => Ok(Commit::ReadAgain),
            Err(error) => Err(failure("UpdateItem", &error)),
        }
    }
}
