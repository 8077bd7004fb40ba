//! Real tokens, logins and sessions for the model's small numbers. Minting is dear, so each pair is minted once.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use latchkey::{
    dpop::AnsweredProofs,
    entropy::Random,
    ids::{Generation, LoginId, LoginKey, UserKey},
    model::{Device, FirstUse, Lifetimes, Login, LoginState, Predecessor, ProofHashes, ReplayKeyHash, Session},
    token::{Proof, Refresh, SealedSeed, Seed, TokenPair},
};

use crate::table::{LoginItem, Seen, SessionItem, Tick, Token};

const USER_ID: &str = "user-1";
const TICK_MS: i64 = 2_500;
/// Longer than any run: expiry is not what is modelled.
const LIFETIMES: Lifetimes = Lifetimes { access: Duration::from_secs(3_600), refresh: Duration::from_secs(604_800) };

struct Minted {
    pair: TokenPair,
    seed: Seed,
}

#[derive(Default)]
pub(crate) struct Pool {
    proofs: HashMap<u8, Proof<Refresh>>,
    minted: HashMap<Token, Arc<Minted>>,
    sessions: HashMap<(Token, Option<crate::table::Predecessor>), Session>,
}

pub(crate) fn time(tick: Tick) -> DateTime<Utc> {
    start() + TimeDelta::milliseconds(TICK_MS * i64::from(tick))
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_800_000_000_000).unwrap()
}

/// The tick of a time that [`time`] made.
pub(crate) fn tick(time: DateTime<Utc>) -> Tick {
    Tick::try_from((time - start()).num_milliseconds() / TICK_MS).unwrap()
}

pub(crate) fn replay_key(key: u8) -> ReplayKeyHash {
    ReplayKeyHash::of(&format!("key-{key}"))
}

pub(crate) fn login_id(login: u8) -> LoginId {
    LoginId::parse(&format!("{login:022}")).unwrap()
}

fn login_key(login: u8) -> LoginKey {
    LoginKey { user_key: UserKey::of(USER_ID), login_id: login_id(login) }
}

fn generation(number: u8) -> Generation {
    Generation::new(u32::from(number)).unwrap()
}

impl Pool {
    fn proof(&mut self, login: u8) -> &Proof<Refresh> {
        self.proofs.entry(login).or_insert_with(|| Proof::generate(&Random::system()).unwrap())
    }

    fn minted(&mut self, token: Token) -> Arc<Minted> {
        if let Some(minted) = self.minted.get(&token) {
            return Arc::clone(minted);
        }
        let seed = Seed::generate(&Random::system()).unwrap();
        let pair = TokenPair::mint(&login_key(token.login), generation(token.generation), self.proof(token.login), &seed).unwrap();
        let minted = Arc::new(Minted { pair, seed });
        self.minted.insert(token, Arc::clone(&minted));
        minted
    }

    /// Hands `use_it` the pair.
    pub(crate) fn with_pair<T>(&mut self, token: Token, use_it: impl FnOnce(&mut Self, &TokenPair) -> T) -> T {
        let minted = self.minted(token);
        use_it(self, &minted.pair)
    }

    pub(crate) fn session(&mut self, login: u8, number: u8, item: SessionItem) -> Session {
        let token = Token { login, generation: number, minter: item.minter };
        if let Some(session) = self.sessions.get(&(token, item.predecessor)) {
            return session.clone();
        }
        let minted = self.minted(token);
        let expiries = LIFETIMES.from(time(0), None);
        let predecessor = item.predecessor.map(|predecessor| {
            let presented = self.minted(Token { login, generation: number - 1, minter: predecessor.minter });
            Predecessor {
                refresh_token_hash: presented.pair.refresh.hash(),
                replay_until: time(predecessor.until),
                first_use: match (predecessor.awaits_use, predecessor.used_until) {
                    (false, _) => FirstUse::NotAwaited,
                    (true, None) => FirstUse::Awaited,
                    (true, Some(until)) => FirstUse::ReplayUntil(time(until)),
                },
                replay_key: predecessor.key.map(replay_key),
                sealed: SealedSeed::seal(
                    &presented.pair.refresh.clone().into(),
                    &login_key(login),
                    generation(number),
                    &minted.seed,
                    &Random::system(),
                )
                .unwrap(),
            }
        });
        let session = Session {
            key: login_key(login),
            user_id: USER_ID.into(),
            generation: generation(number),
            access_token_hash: minted.pair.access.hash(),
            access_token_expires_at: expiries.access_token_expires_at,
            refresh_token_hash: minted.pair.refresh.hash(),
            refresh_token_expires_at: expiries.refresh_token_expires_at,
            created_at: expiries.created_at,
            imported: false,
            answered_proofs: AnsweredProofs::default(),
            predecessor,
        };
        self.sessions.insert((token, item.predecessor), session.clone());
        session
    }

    pub(crate) fn login(&mut self, login: u8, item: &LoginItem) -> Login {
        let proof = self.proof(login);
        Login {
            key: login_key(login),
            user_id: USER_ID.into(),
            generation: generation(item.generation),
            proofs: Some(ProofHashes::of(proof).unwrap()),
            imported: None,
            // Later numbers were made later: the order that a limit ends them in.
            logged_in_at: time(login),
            last_refreshed_at: time(login),
            recent_replay_untils: item.windows.iter().take(item.remembered()).copied().map(time).collect(),
            refresh_token_expires_at: LIFETIMES.from(time(0), None).refresh_token_expires_at,
            ends_at: None,
            bound_to: None,
            device: Device::default(),
            has_attributes: false,
            is_impersonation: false,
        }
    }

    pub(crate) fn state(&mut self, login: u8, seen: &Seen) -> LoginState {
        let sessions = seen.sessions.iter().map(|(number, item)| self.session(login, *number, *item));
        LoginState { sessions: sessions.collect(), login: seen.login.map(|item| self.login(login, &item)), attributes: None }
    }
}
