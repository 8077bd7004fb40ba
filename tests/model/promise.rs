//! What is promised (G1, G2, G3, G7, G9, G11): flaws that a step notices, and what is judged in every state.

use crate::{
    config::{Config, Weakness},
    oracle::{self, RefreshQuestion, RefreshVerdict},
    promised::Rotation,
    refresh::verdict,
    table::{Seen, Tick, Token},
    transaction::{CreateLogin, Kind, Transaction},
    world::{Party, Request, World},
};

/// Later than any window of a run, and before any expiry.
const FAR: Tick = 200;

/// A promise that a step broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Flaw {
    /// G1: an access token passed that was replaced or ended before the request came.
    StaleAllow,
    /// G2: one token was rotated twice.
    RotatedTwice,
    /// G2: a refresh was answered with another pair than the one that replaced its token.
    OtherPair,
    /// G2: a pair that was just handed out doesn't work.
    DeadPair,
    /// G2, G7: a replay with another idempotency key got the pair.
    SharedUnnoticed,
    /// G3: a refresh that came after the end was answered with tokens.
    RefreshedAfterEnd,
    /// G7: an old token past its window got tokens or was let be.
    ReuseMissed,
    /// G7: a token in its window, or one not replaced at all, was taken for reuse; or what an honest client sent in time.
    FalseReuse,
    /// G7: a genuine token of a living login was refused.
    GenuineRefused,
    /// G9: a hash of an earlier password was written over that of a later one.
    PasswordSetBack,
    /// G11: a login was created after a block was acknowledged.
    IssuedAfterBlock,
}

impl World {
    pub(crate) fn is_flawed(&self, flaws: &[Flaw]) -> bool {
        self.flaw.is_some_and(|flaw| flaws.contains(&flaw))
    }

    /// A transaction is settled: from here on it will be committed, whatever crashes.
    pub(crate) fn settled(&mut self, transaction: &Transaction) {
        match &transaction.kind {
            Kind::Rotate { presented, successor, .. } => {
                let Some(predecessor) = successor.predecessor else { return };
                let rotation = Rotation {
                    successor: successor.minter,
                    until: predecessor.until,
                    key: predecessor.key,
                    awaits_use: predecessor.awaits_use,
                    used_at: None,
                };
                self.promised.used(presented.login, presented.generation, self.now);
                let rotations = &mut self.promised.rotations[usize::from(presented.login)];
                if rotations.len() == usize::from(presented.generation) {
                    rotations.push(rotation);
                } else {
                    self.flawed(Flaw::RotatedTwice);
                }
            }
            Kind::CreateLogin(CreateLogin { login, user, replaced, changes, .. }) => {
                let bit = 1 << login;
                let before = self.promised.made & !bit;
                if let (Some(_), Request::Login(change)) = (changes, &mut self.requests[usize::from(transaction.request)]) {
                    change.before = before;
                }
                self.promised.made |= bit;
                // One that the back office issued is by no password, so no change of the password voids it.
                let user = user.map_or(u8::MAX, |user| user + u8::from(changes.is_some()));
                self.promised.passwords[usize::from(*login)] = user;
                if user <= self.promised.void_passwords {
                    self.promised.all_ended |= bit;
                }
                if self.promised.blocked {
                    self.flawed(Flaw::IssuedAfterBlock);
                }
                for login in replaced {
                    self.promised.ending |= 1 << login;
                }
            }
            Kind::ChangePassword { .. } => {
                let made = self.promised.made;
                if let Request::EndAll(end) = &mut self.requests[usize::from(transaction.request)] {
                    end.before = made;
                }
            }
        }
    }

    /// Whether anything of the login passes: an access token authorizes, or a refresh token is rotated.
    pub(crate) fn accepts(&self, login: u8, config: &Config) -> bool {
        let seen = self.table.seen(login);
        seen.sessions.iter().any(|(generation, session)| {
            let token = Token { login, generation: *generation, minter: session.minter };
            allows(&seen, token, self.now, config).is_some() || {
                let question = RefreshQuestion { seen: seen.clone(), token, key: None, minted: None, now: self.now };
                oracle::refresh(question) == RefreshVerdict::Rotate
            }
        })
    }

    /// Whether more than one access token of the login passes at this instant.
    pub(crate) fn authorizes_two(&self, login: u8, config: &Config) -> bool {
        let seen = self.table.seen(login);
        let tokens = seen.sessions.iter().map(|(generation, session)| Token { login, generation: *generation, minter: session.minter });
        seen.sessions.len() > 1 && tokens.filter(|token| allows(&seen, *token, self.now, config).is_some()).count() > 1
    }

    pub(crate) fn is_in_mid_commit(&self) -> bool {
        self.transactions.iter().any(|transaction| transaction.committed != 0)
    }

    /// A login at generation G has exactly one session, the session G.
    pub(crate) fn is_whole(&self) -> bool {
        !self.table.has_bare_mark()
            && self.table.logins().all(|login| {
                let sessions = self.table.sessions(login);
                self.table.login(login).is_some_and(|item| sessions.len() == 1 && sessions[0].0 == item.generation)
            })
    }

    /// What a party is answered to the token that it holds, when the clocks show `now`.
    fn answers(&self, by: Party, token: Token, now: Tick, config: &Config) -> RefreshVerdict {
        let key = if by == Party::Client { config.client_key } else { config.thief_key };
        verdict(RefreshQuestion { seen: self.table.seen(token.login), token, key, minted: None, now }, config)
    }

    /// L1: once no transaction is in mid-commit, an honest client's stored token is answered with a pair, now and at any later
    /// time.
    pub(crate) fn serves_what_is_stored(&self, config: &Config) -> bool {
        let served = |verdict| matches!(verdict, RefreshVerdict::Rotate | RefreshVerdict::Replay { .. });
        let stored = self.client.iter().filter(|token| self.promised.ending & (1 << token.login) == 0);
        !config.stores()
            || config.thief
            || self.is_in_mid_commit()
            || stored
                .into_iter()
                .all(|token| config.shown_at(self.now).chain([FAR]).all(|now| served(self.answers(Party::Client, *token, now, config))))
    }

    /// L2: no 409 is for ever.
    pub(crate) fn leaves_none_waiting(&self, config: &Config) -> bool {
        let waits = |by, token: &Token| matches!(self.answers(by, *token, FAR, config), RefreshVerdict::Superseded | RefreshVerdict::Torn);
        self.is_in_mid_commit()
            || !self.client.iter().any(|token| waits(Party::Client, token)) && !self.thief.iter().any(|token| waits(Party::Thief, token))
    }

    /// A pair was handed out for `presented`.
    pub(crate) fn check_pair(&mut self, presented: Token, pair: Token, key: Option<u8>, config: &Config) {
        match self.promised.rotation(presented) {
            Some(rotation) if rotation.successor != pair.minter => self.flawed(Flaw::OtherPair),
            Some(rotation) if rotation.key != key => self.flawed(Flaw::SharedUnnoticed),
            _ => {}
        }
        self.check_works(pair, config);
    }

    /// A pair that isn't replaced or ended since works from the next request on.
    pub(crate) fn check_works(&mut self, pair: Token, config: &Config) {
        let since = self.promised.rotation(pair).is_some() || self.promised.ending & (1 << pair.login) != 0;
        if !since && allows(&self.table.seen(pair.login), pair, self.now, config).is_none() {
            self.flawed(Flaw::DeadPair);
        }
    }
}

/// The authorizer's verdict, weakened where a control asks for it.
pub(crate) fn allows(seen: &Seen, token: Token, now: Tick, config: &Config) -> Option<bool> {
    let mut seen = seen.clone();
    if config.is(Weakness::AuthorizerIgnoresGeneration)
        && let Some(login) = &mut seen.login
    {
        login.generation = token.generation;
    }
    oracle::allows(seen, token, now)
}
