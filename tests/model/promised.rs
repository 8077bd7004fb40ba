//! What has to be remembered of a run to judge it: no item of any table, and no handler sees it.

use crate::table::{REMEMBERED, Tick, Token};

/// A rotation whose transaction is settled, even if not all of it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Rotation {
    pub(crate) successor: u8,
    pub(crate) until: Tick,
    pub(crate) key: Option<u8>,
}

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
    /// Passwords up to this version were replaced, and the change acknowledged.
    pub(crate) void_passwords: u8,
}

impl Promised {
    pub(crate) fn at_the_start(logins: u8) -> Self {
        let logins = usize::from(logins);
        Self {
            rotations: vec![Vec::new(); logins],
            ending: 0,
            ended: 0,
            all_ended: 0,
            made: (1 << logins) - 1,
            passwords: vec![1; logins],
            answered: (1 << logins) - 1,
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
