//! Issuing sessions: the first of a login, its successors, and the same pair again for a replay.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    CryptoError,
    clock::later,
    dpop::AnsweredProofs,
    entropy::Random,
    ids::{Generation, LoginId, LoginKey, UserKey},
    model::{
        Attributes, Device, Expiries, FirstUse, Lifetimes, Login, NewLogin, Predecessor, ProofHashes, ReplayKeyHash, ReplayRule, Session,
    },
    token::{MintError, PresentedToken, Proof, Refresh, SealedSeed, Seed, TokenHash, TokenPair},
};

/// A login and the pair that its owner gets.
#[derive(Debug)]
pub struct IssuedLogin {
    /// What is written.
    pub new: NewLogin,
    /// What is answered.
    pub pair: TokenPair,
}

/// Makes a login of `user_id` with its first session.
///
/// # Errors
/// [`MintError`]; nothing was issued.
pub fn issue_login(
    user_id: &str,
    device: Device,
    lifetimes: Lifetimes,
    max_lifetime: Option<Duration>,
    now: DateTime<Utc>,
    random: &Random,
) -> Result<IssuedLogin, MintError> {
    let key = LoginKey { user_key: UserKey::of(user_id), login_id: LoginId::generate(random)? };
    let proof = Proof::generate(random)?;
    let pair = TokenPair::mint(&key, Generation::FIRST, &proof, &Seed::generate(random)?)?;
    let ends_at = max_lifetime.map(|lifetime| later(now, lifetime));
    let expiries = lifetimes.from(now, ends_at);
    let session = session_of(&pair, user_id, expiries, None);
    let login = Login {
        key,
        user_id: user_id.to_owned(),
        generation: Generation::FIRST,
        proofs: Some(ProofHashes::of(&proof)?),
        imported: None,
        logged_in_at: now,
        last_refreshed_at: now,
        recent_replay_untils: Vec::new(),
        refresh_token_expires_at: expiries.refresh_token_expires_at,
        ends_at,
        bound_to: None,
        device,
        has_attributes: false,
        is_impersonation: false,
    };
    Ok(IssuedLogin { new: NewLogin { login, session, own: Attributes::default() }, pair })
}

/// A successor and the pair that its owner gets.
#[derive(Debug)]
pub struct IssuedSession {
    /// What is written.
    pub session: Session,
    /// What is answered.
    pub pair: TokenPair,
    /// The proofs of an imported login's tokens from now on, which the login doesn't know yet.
    pub first_proofs: Option<ProofHashes>,
}

/// What a rotation is asked for with.
#[derive(Debug, Clone)]
pub struct RotationRequest<'a> {
    /// The presented token.
    pub token: &'a PresentedToken<Refresh>,
    /// Its hash.
    pub hash: TokenHash<Refresh>,
    /// Hash of its `Idempotency-Key`.
    pub replay_key: Option<&'a ReplayKeyHash>,
    /// Lifetimes of the new pair.
    pub lifetimes: Lifetimes,
    /// How a replay gets the same pair.
    pub replay: ReplayRule,
    /// When the request arrived.
    pub now: DateTime<Utc>,
}

/// Makes the successor of `login`'s session for the client that presented its refresh token. A request does this once,
/// however often it retries.
///
/// # Errors
/// [`MintError`]; nothing was issued.
pub fn issue_successor(login: &Login, request: RotationRequest<'_>, random: &Random) -> Result<IssuedSession, MintError> {
    let RotationRequest { token, hash, replay_key, lifetimes, replay, now } = request;
    let generation = login.generation.next().ok_or(MintError::GenerationsUsedUp)?;
    let seed = Seed::generate(random)?;
    let proof = proof_after(token, &seed)?;
    let pair = TokenPair::mint(&login.key, generation, &proof, &seed)?;
    let predecessor = Predecessor {
        refresh_token_hash: hash,
        replay_until: later(now, replay.window),
        // A bound login needs neither: its key says that a replay is the client's.
        first_use: if replay.until_first_use && login.bound_to.is_none() { FirstUse::Awaited } else { FirstUse::NotAwaited },
        replay_key: replay_key.filter(|_| login.bound_to.is_none()).cloned(),
        sealed: SealedSeed::seal(token, &login.key, generation, &seed, random)?,
    };
    let session = session_of(&pair, &login.user_id, lifetimes.from(now, login.ends_at), Some(predecessor));
    let first_proofs = if login.proofs.is_none() { Some(ProofHashes::of(&proof)?) } else { None };
    Ok(IssuedSession { session, pair, first_proofs })
}

/// The refresh proof of what follows a presented token: the same; after an imported one, that of the successor's seed.
fn proof_after(presented: &PresentedToken<Refresh>, successor: &Seed) -> Result<Proof<Refresh>, CryptoError> {
    match presented {
        PresentedToken::Own(token) => Ok(token.proof().clone()),
        PresentedToken::Imported(_) => Proof::of_imported(successor),
    }
}

/// The pair of `session` once more, for a client that presents the refresh token that it replaced.
///
/// # Errors
/// [`CryptoError`] where the item doesn't open or isn't what it seals.
pub fn reissue(session: &Session, predecessor: &Predecessor, presented: &PresentedToken<Refresh>) -> Result<TokenPair, CryptoError> {
    let seed = predecessor.sealed.open(presented, &session.key, session.generation)?;
    let pair = TokenPair::mint(&session.key, session.generation, &proof_after(presented, &seed)?, &seed)?;
    let same = pair.access.hash() == session.access_token_hash && pair.refresh.hash() == session.refresh_token_hash;
    same.then_some(pair).ok_or(CryptoError)
}

fn session_of(pair: &TokenPair, user_id: &str, expiries: Expiries, predecessor: Option<Predecessor>) -> Session {
    Session {
        key: pair.access.key().clone(),
        user_id: user_id.to_owned(),
        generation: pair.access.generation(),
        access_token_hash: pair.access.hash(),
        access_token_expires_at: expiries.access_token_expires_at,
        refresh_token_hash: pair.refresh.hash(),
        refresh_token_expires_at: expiries.refresh_token_expires_at,
        created_at: expiries.created_at,
        imported: false,
        answered_proofs: AnsweredProofs::default(),
        predecessor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::rfc3339,
        decision::states::{Chain, at, start},
        entropy::Random,
        token::{AccessToken, RefreshToken},
    };

    fn lifetimes() -> Lifetimes {
        Lifetimes { access: Duration::from_secs(300), refresh: Duration::from_secs(604_800) }
    }

    fn request(token: &PresentedToken<Refresh>, now: DateTime<Utc>) -> RotationRequest<'_> {
        RotationRequest {
            token,
            hash: token.hash(),
            replay_key: None,
            lifetimes: lifetimes(),
            replay: ReplayRule { window: Duration::from_secs(30), until_first_use: false },
            now,
        }
    }

    #[test]
    fn a_login_fits_its_tokens() {
        let issued = issue_login("user-1", Device::default(), lifetimes(), None, start(), &Random::system()).unwrap();
        let access = AccessToken::parse(issued.pair.access.expose()).unwrap();
        let refresh = RefreshToken::parse(issued.pair.refresh.expose()).unwrap();
        assert_eq!(issued.new.login.proofs, Some(ProofHashes { access: access.proof().hash(), refresh: refresh.proof().hash() }));
        assert_eq!(access.hash(), issued.new.session.access_token_hash);
        assert_eq!(issued.new.session.access_token_expires_at - start(), at(300_000));
        assert_eq!(issued.new.session.refresh_token_expires_at - start(), at(604_800_000));
    }

    #[test]
    fn no_refresh_extends_the_maximum_lifetime() {
        let max = Some(Duration::from_secs(604_800));
        let issued = issue_login("user-1", Device::default(), lifetimes(), max, start(), &Random::system()).unwrap();
        let end = start() + at(604_800_000);
        let now = end - at(1_000);
        let token = issued.pair.refresh.into();
        let next = issue_successor(&issued.new.login, request(&token, now), &Random::system()).unwrap();
        assert_eq!(rfc3339(next.session.access_token_expires_at), rfc3339(end));
        assert_eq!(rfc3339(next.session.refresh_token_expires_at), rfc3339(end));
    }

    #[test]
    fn a_replay_gives_the_very_same_pair_and_only_to_its_holder() {
        let chain = Chain::of(3);
        let token = chain.pair(3).refresh.into();
        let issued = issue_successor(&chain.login(), request(&token, start()), &Random::system()).unwrap();
        let predecessor = issued.session.predecessor.clone().unwrap();
        let again = reissue(&issued.session, &predecessor, &chain.pair(3).refresh.into()).unwrap();
        assert_eq!(again.access.expose(), issued.pair.access.expose());
        assert_eq!(again.refresh.expose(), issued.pair.refresh.expose());
        assert_eq!(reissue(&issued.session, &predecessor, &chain.pair(2).refresh.into()).unwrap_err(), CryptoError);

        // If one hash of the item isn't this pair's, the pair isn't given out.
        for session in [
            Session { access_token_hash: chain.pair(3).access.hash(), ..issued.session.clone() },
            Session { refresh_token_hash: chain.pair(3).refresh.hash(), ..issued.session.clone() },
        ] {
            assert_eq!(reissue(&session, &predecessor, &chain.pair(3).refresh.into()).unwrap_err(), CryptoError);
        }
    }
}
