//! What has to be remembered of a run to judge it: no item of any table, and no handler sees it.

use crate::{
    config::Config,
    table::{REMEMBERED, TOLERANCE, Tick, Token},
};

/// A rotation whose transaction is settled, even if not all of it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Rotation {
    pub(crate) successor: u8,
    pub(crate) until: Tick,
    pub(crate) key: Option<u8>,
    /// Whether the successor awaits its first use, and when that was acknowledged: a mark written, or the successor rotated.
    pub(crate) awaits_use: bool,
    pub(crate) used_at: Option<Tick>,
}

impl Rotation {
    /// Of the login that was rotated and used before sessions were marked.
    pub(crate) const LONG_AGO: Self = Self { successor: FIRST, until: 0, key: None, awaits_use: false, used_at: None };
}

/// Who minted the first tokens: before any request, by a number that no request has.
pub(crate) const FIRST: u8 = u8::MAX;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Promised {
    /// Of each login, in order: the rotation of generation 0, of 1, …
    pub(crate) rotations: Vec<Vec<Rotation>>,
    /// Bits of the logins whose end is under way, acknowledged or not.
    pub(crate) ending: u8,
    /// Bits of the logins whose own end was acknowledged.
    pub(crate) ended: u8,
    /// Bits of the logins that an acknowledged "everywhere" or password change had to end.
    pub(crate) all_ended: u8,
    /// Bits of the logins whose creation is settled, and of each the password, by its version.
    pub(crate) made: u8,
    pub(crate) passwords: Vec<u8>,
    /// Bits of the logins that somebody was answered with.
    pub(crate) answered: u8,
    /// Whether a block was acknowledged, and bits of the logins that it had to end.
    pub(crate) blocked: bool,
    pub(crate) ended_by_block: u8,
    /// Passwords up to this version were replaced, and the change acknowledged.
    pub(crate) void_passwords: u8,
}

impl Promised {
    pub(crate) fn at_the_start(logins: u8, config: &Config) -> Self {
        let logins = usize::from(logins);
        Self {
            rotations: (0..logins).map(|_| if config.used_unmarked { vec![Rotation::LONG_AGO] } else { Vec::new() }).collect(),
            ending: 0,
            ended: 0,
            all_ended: 0,
            made: (1 << logins) - 1,
            passwords: vec![1; logins],
            answered: (1 << logins) - 1,
            blocked: false,
            ended_by_block: 0,
            void_passwords: 0,
        }
    }

    pub(crate) fn begin_login(&mut self) {
        self.rotations.push(Vec::new());
        self.passwords.push(0);
    }

    /// Bits of the logins that a password up to version `old` made.
    pub(crate) fn made_with(&self, old: u8) -> u8 {
        let bits = (0..8).zip(&self.passwords).filter(|(_, password)| **password <= old).map(|(login, _)| 1 << login);
        bits.fold(0, |bits, bit: u8| bits | bit) & self.made
    }

    pub(crate) fn rotation(&self, token: Token) -> Option<&Rotation> {
        self.rotations.get(usize::from(token.login))?.get(usize::from(token.generation))
    }

    /// The successor of the token `presented`, whatever request minted it, has been used.
    pub(crate) fn used(&mut self, login: u8, generation: u8, now: Tick) {
        let replaced =
            generation.checked_sub(1).and_then(|replaced| self.rotations.get_mut(usize::from(login))?.get_mut(usize::from(replaced)));
        if let Some(rotation) = replaced {
            rotation.used_at.get_or_insert(now);
        }
    }

    /// Whether a request with `token` that arrives at `now` has to end the login: the window of its rotation is over, and where
    /// the successor awaits its first use, one window since that use. A token that fell off the list that a login at
    /// `generation` remembers is judged with the oldest that is on it.
    pub(crate) fn overdue(&self, token: Token, now: Tick, generation: u8, config: &Config) -> bool {
        let over = |token: Token| {
            self.rotation(token).is_some_and(|rotation| {
                let until = if rotation.awaits_use { rotation.used_at.map(|used| used + config.window) } else { Some(rotation.until) };
                until.is_some_and(|until| now >= until + TOLERANCE + 2 * config.skew)
            })
        };
        let oldest = generation.checked_sub(REMEMBERED as u8).filter(|oldest| token.generation < *oldest);
        over(token) && oldest.is_none_or(|generation| over(Token { generation, ..token }))
    }

    /// Whether a replay of `token` at `now` is nobody's fault: not rotated at all, or in its own window. A token that fell
    /// off the list that a login at `generation` remembers counts as inside while the oldest remembered window is open.
    pub(crate) fn inside(&self, token: Token, now: Tick, generation: u8) -> bool {
        let Some(own) = self.rotation(token) else { return true };
        if now < own.until {
            return true;
        }
        let oldest = generation.checked_sub(REMEMBERED as u8).filter(|oldest| token.generation < *oldest);
        oldest.and_then(|generation| self.rotation(Token { generation, ..token })).is_some_and(|oldest| now < oldest.until)
    }
}
