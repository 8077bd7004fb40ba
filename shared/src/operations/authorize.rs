//! May a request with this access token pass? The authorizer function and the middleware both ask here.

use chrono::{DateTime, Utc};

use super::{
    credentials::{Denied, Presented, locate, token_of},
    known::known_of_access,
};
use crate::{
    decision,
    model::CurrentSession,
    store::Store,
    telling::log::{Event, Fields, log},
    token::{Access, ImportedTokens, PresentedToken},
};

/// Parses the token, reads its login and decides.
///
/// # Errors
/// [`Denied`]. A refusal has been logged; a failure of the store is for the caller to log.
pub async fn authorize(
    store: &Store,
    presented: Presented<'_>,
    imported: ImportedTokens,
    now: DateTime<Utc>,
    fields: Fields<'_>,
) -> Result<CurrentSession, Denied> {
    let token = token_of(presented, Event::AccessDenied, fields, |text| PresentedToken::<Access>::parse(text, imported))?;
    let claim = token.claim();
    let key = locate(store, &token, &claim, Event::AccessDenied, fields).await?;
    let state = store.read_login(&key).await?;
    let hash = claim.hash.log_prefix();
    let fields = Fields { token_hash: Some(&hash), login_id: Some(key.login_id.as_str()), ..fields };
    match decision::authorize(&state, &claim, now) {
        Ok(session) => {
            log(Event::AccessAllowed, fields, None);
            Ok(session.into())
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
