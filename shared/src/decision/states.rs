//! A login that was refreshed some times, as the table would hold it. For tests.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    dpop::AnsweredProofs,
    entropy::Random,
    ids::Generation,
    model::{Device, Expiries, FirstUse, Lifetimes, Login, LoginState, Predecessor, ProofHashes, REMEMBERED_ROTATIONS, Session},
    token::{SealedSeed, Seed, TokenPair, test_values},
};

pub(crate) const WINDOW_MS: i64 = 30_000;
/// Milliseconds between two rotations of a chain.
pub(crate) const STEP_MS: i64 = 10_000;

pub(crate) fn at(milliseconds: i64) -> TimeDelta {
    TimeDelta::milliseconds(milliseconds)
}

pub(crate) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_800_000_000_000).unwrap()
}

/// A login at generation G, rotated every [`STEP_MS`], the last time at `start() + G * STEP_MS`.
pub(crate) struct Chain {
    pub(crate) generation: u32,
}

impl Chain {
    pub(crate) fn of(generation: u32) -> Self {
        Self { generation }
    }

    pub(crate) fn rotated_at(&self, generation: u32) -> DateTime<Utc> {
        start() + at(STEP_MS * i64::from(generation))
    }

    pub(crate) fn replay_until(&self, presented: u32) -> DateTime<Utc> {
        self.rotated_at(presented + 1) + at(WINDOW_MS)
    }

    /// Just after the last rotation.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.rotated_at(self.generation) + at(1)
    }

    pub(crate) fn seed(generation: u32) -> Seed {
        Seed::from_byte(u8::try_from(generation).unwrap())
    }

    pub(crate) fn pair(&self, generation: u32) -> TokenPair {
        TokenPair::mint(&test_values::key(), Generation::new(generation).unwrap(), &test_values::proof(), &Self::seed(generation)).unwrap()
    }

    /// The right place and the right proof, but never issued.
    pub(crate) fn forged(&self, generation: u32) -> TokenPair {
        TokenPair::mint(&test_values::key(), Generation::new(generation).unwrap(), &test_values::proof(), &Seed::from_byte(0xee)).unwrap()
    }

    fn expiries(&self, generation: u32) -> Expiries {
        let minutes = |minutes: u64| std::time::Duration::from_secs(minutes * 60);
        Lifetimes { access: minutes(5), refresh: minutes(60) }.from(self.rotated_at(generation), None)
    }

    pub(crate) fn session(&self, generation: u32) -> Session {
        let pair = self.pair(generation);
        let expiries = self.expiries(generation);
        Session {
            key: test_values::key(),
            user_id: "user-1".into(),
            generation: Generation::new(generation).unwrap(),
            access_token_hash: pair.access.hash(),
            access_token_expires_at: expiries.access_token_expires_at,
            refresh_token_hash: pair.refresh.hash(),
            refresh_token_expires_at: expiries.refresh_token_expires_at,
            created_at: expiries.created_at,
            imported: false,
            answered_proofs: AnsweredProofs::default(),
            predecessor: generation.checked_sub(1).map(|old| Predecessor {
                refresh_token_hash: self.pair(old).refresh.hash(),
                replay_until: self.replay_until(old),
                first_use: FirstUse::NotAwaited,
                replay_key: None,
                sealed: SealedSeed::seal(
                    &self.pair(old).refresh.into(),
                    &test_values::key(),
                    Generation::new(generation).unwrap(),
                    &Self::seed(generation),
                    &Random::system(),
                )
                .unwrap(),
            }),
        }
    }

    pub(crate) fn login(&self) -> Login {
        let windows: Vec<_> = (0..self.generation).map(|presented| self.replay_until(presented)).collect();
        Login {
            key: test_values::key(),
            user_id: "user-1".into(),
            generation: Generation::new(self.generation).unwrap(),
            proofs: Some(ProofHashes::of(&test_values::proof()).unwrap()),
            imported: None,
            logged_in_at: start(),
            last_refreshed_at: self.rotated_at(self.generation),
            recent_replay_untils: windows[windows.len().saturating_sub(REMEMBERED_ROTATIONS)..].to_vec(),
            refresh_token_expires_at: self.expiries(self.generation).refresh_token_expires_at,
            ends_at: None,
            bound_to: None,
            device: Device::default(),
            has_attributes: false,
            is_impersonation: false,
        }
    }

    pub(crate) fn state(&self) -> LoginState {
        LoginState { login: Some(self.login()), sessions: vec![self.session(self.generation)], attributes: None }
    }

    pub(crate) fn without_login(&self) -> LoginState {
        LoginState { login: None, ..self.state() }
    }

    pub(crate) fn without_session(&self) -> LoginState {
        LoginState { sessions: Vec::new(), ..self.state() }
    }
}
