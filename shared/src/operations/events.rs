//! The log line and the metric's reason of each refusal.

use crate::{
    decision::{AccessRefusal, RefreshRefusal},
    store::NotLocated,
    telling::{Refused, log::Event},
    token::MalformedToken,
};

impl NotLocated {
    /// The event to log: an alarm where two logins share a token, `otherwise` where no login has it.
    #[must_use]
    pub const fn event(self, otherwise: Event) -> Event {
        match self {
            Self::Unknown => otherwise,
            Self::Ambiguous => Event::TokenAmbiguous,
        }
    }
}

impl From<MalformedToken> for Refused {
    fn from(_: MalformedToken) -> Self {
        Self::Malformed
    }
}

impl From<AccessRefusal> for Refused {
    fn from(refusal: AccessRefusal) -> Self {
        match refusal {
            AccessRefusal::Ended => Self::Ended,
            AccessRefusal::Rotated => Self::Rotated,
            AccessRefusal::NoSession => Self::NoSession,
            AccessRefusal::Forged => Self::Forged,
            AccessRefusal::Expired => Self::Expired,
        }
    }
}

impl From<RefreshRefusal> for Refused {
    fn from(refusal: RefreshRefusal) -> Self {
        match refusal {
            RefreshRefusal::Ended => Self::Ended,
            RefreshRefusal::Forged => Self::Forged,
            RefreshRefusal::Expired => Self::Expired,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CASES F7.
    #[test]
    fn two_logins_under_one_hash_raise_an_alarm() {
        let denied = Event::AccessDenied(Refused::Unknown);
        assert_eq!(NotLocated::Ambiguous.event(denied), Event::TokenAmbiguous);
        assert_eq!(NotLocated::Unknown.event(denied), denied);
    }
}
