//! Replacing a session by its successor.

use aws_sdk_dynamodb::{
    error::BuildError,
    types::{Delete, Put, TransactWriteItem, Update},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Commit, Store, StoreError,
    items::{ANSWERED_PROOFS, IMPORTED_REFRESH, REFRESH, answered, login_key, number, session_item, session_key, text, time, times, ttl},
    transaction::transact,
};
use crate::{
    dpop::AnsweredProofs,
    model::{Login, ProofHashes, Session},
    token::{Refresh, TokenHash},
};

/// How long a login keeps the address that it came from: long enough to recognize a stranger's login in the device list.
const ADDRESS_KEPT: TimeDelta = TimeDelta::days(30);

/// A rotation, decided and minted: from the login as it was read to the session that follows.
#[derive(Debug, Clone, Copy)]
pub struct Rotation<'a> {
    /// The login as read, at the presented generation.
    pub login: &'a Login,
    /// Hash of the presented refresh token.
    pub presented: &'a TokenHash<Refresh>,
    /// The proofs that the login had answered, as read.
    pub answered: &'a AnsweredProofs,
    /// The ends of the replay windows that the login remembers from now on.
    pub replay_untils: &'a [DateTime<Utc>],
    /// The session to put in its place.
    pub successor: &'a Session,
    /// Until when the login's attributes are kept from now on, where they would be collected before it.
    pub attributes_kept_until: Option<DateTime<Utc>>,
    /// The proofs that an imported login has from now on.
    pub first_proofs: Option<&'a ProofHashes>,
}

impl Store {
    /// Deletes the session and creates its successor, all or nothing: six write units, and four in the indexes. About once a month
    /// two more, for a login with attributes.
    ///
    /// # Errors
    /// [`StoreError`] where nothing was written. What may have been written is [`Commit::ReadAgain`].
    pub async fn rotate(&self, rotation: Rotation<'_>) -> Result<Commit, StoreError> {
        transact(&self.dynamodb, self.rotation_items(rotation)?).await
    }

    fn rotation_items(&self, rotation: Rotation<'_>) -> Result<Vec<TransactWriteItem>, BuildError> {
        let Rotation { login, presented, answered: as_read, replay_untils, successor, attributes_kept_until, first_proofs } = rotation;

        // An end deletes the login item; without `attribute_exists` this update would bring it back.
        let mut set = "SET generation = :next, last_refreshed_at = :now, recent_replay_untils = :windows, \
                       refresh_token_expires_at = :expires_at, #ttl = :ttl"
            .to_owned();
        let mut advance = Update::builder().table_name(&self.sessions).set_key(Some(login_key(&login.key)));
        if let Some(proofs) = first_proofs {
            set.push_str(", access_proof_hash = :access_proof, refresh_proof_hash = :refresh_proof");
            advance = advance
                .expression_attribute_values(":access_proof", text(proofs.access.to_text()))
                .expression_attribute_values(":refresh_proof", text(proofs.refresh.to_text()));
        }
        if login.device.ip.is_some() && successor.created_at - login.logged_in_at >= ADDRESS_KEPT {
            set.push_str(" REMOVE ip");
        }
        let advance = advance
            .update_expression(set)
            .condition_expression("attribute_exists(sk) AND generation = :current")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":current", number(login.generation.number()))
            .expression_attribute_values(":next", number(successor.generation.number()))
            .expression_attribute_values(":now", time(successor.created_at))
            .expression_attribute_values(":windows", times(replay_untils))
            .expression_attribute_values(":expires_at", time(successor.refresh_token_expires_at))
            .expression_attribute_values(":ttl", ttl(successor.refresh_token_expires_at))
            .build()?;
        let hash = if login.proofs.is_none() { IMPORTED_REFRESH } else { REFRESH };
        // Without the last part, a proof that is answered between the read and this write would be forgotten:
        //
        // 1. The client's answer to token 0 is lost. It sends token 0 again, with proof b, and a copy of proof b gets to a thief.
        // 2. Another tab has the pair and refreshes it: its request reads the session, which doesn't know b yet.
        // 3. The first request writes b to the session and is answered. The second replaces the session by one without b.
        // 4. The thief presents the newer token, copied as well, with b.
        let unchanged = match login.bound_to {
            None => String::new(),
            Some(_) if as_read.is_empty() => format!(" AND attribute_not_exists({ANSWERED_PROOFS})"),
            Some(_) => format!(" AND {ANSWERED_PROOFS} = :answered"),
        };
        let delete = Delete::builder()
            .table_name(&self.sessions)
            .set_key(Some(session_key(&login.key, login.generation)))
            .condition_expression(format!("{hash} = :presented AND refresh_token_expires_at > :now{unchanged}"))
            .expression_attribute_values(":presented", text(presented.to_text()))
            .expression_attribute_values(":now", time(successor.created_at));
        let delete = match answered(as_read).filter(|_| login.bound_to.is_some()) {
            Some(bytes) => delete.expression_attribute_values(":answered", bytes),
            None => delete,
        };
        let delete = delete.build()?;
        let create = Put::builder()
            .table_name(&self.sessions)
            .set_item(Some(session_item(successor)))
            .condition_expression("attribute_not_exists(sk)")
            .build()?;
        let mut items = vec![
            TransactWriteItem::builder().update(advance).build(),
            TransactWriteItem::builder().delete(delete).build(),
            TransactWriteItem::builder().put(create).build(),
        ];
        if let Some(until) = attributes_kept_until {
            items.push(self.keep_attributes(&login.key, until)?);
        }
        Ok(items)
    }
}
