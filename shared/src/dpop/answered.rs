//! The proofs that a login has answered, so that each is answered once.

use chrono::{DateTime, Utc};

use super::Possession;
use crate::crypto::sha256;

/// How many proofs a login answers in the time that one is good for.
pub const MOST: usize = 8;

const ID: usize = 16;
const ENTRY: usize = ID + 4;

/// Hash of a proof's `jti`. Never of its signature: of one ECDSA signature, a thief makes a second form that is valid as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProofId([u8; ID]);

impl ProofId {
    /// `None` for an empty `jti`.
    #[must_use]
    pub fn of(jti: &str) -> Option<Self> {
        let hash = sha256(&[b"latchkey:dpop-jti:", jti.as_bytes()]);
        (!jti.is_empty()).then(|| hash.first_chunk().copied().map(Self)).flatten()
    }
}

/// The proofs that were answered, each until no clock accepts it any more. A rotation hands them to the successor: forgotten there,
/// a proof of an earlier rotation would fit the newer token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct AnsweredProofs(Vec<(ProofId, u32)>);

/// Why a proof isn't answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// It was answered before.
    Repeated,
    /// As many as the login remembers were answered. One of them is forgotten at this instant.
    Full {
        /// When.
        until: DateTime<Utc>,
    },
}

impl AnsweredProofs {
    /// None at all.
    pub const NONE: Self = Self(Vec::new());

    /// With one more, and without those that no clock accepts any more.
    ///
    /// # Errors
    /// [`NotTaken`]: the proof must not be answered.
    pub fn with(&self, proof: &Possession, now: DateTime<Utc>) -> Result<Self, NotTaken> {
        if self.contains(&proof.id) {
            return Err(NotTaken::Repeated);
        }
        let alive = |(_, until): &&(ProofId, u32)| now.timestamp() < i64::from(*until);
        let mut kept: Vec<_> = self.0.iter().filter(alive).copied().collect();
        if kept.len() >= MOST {
            let first = kept.iter().map(|(_, until)| *until).min().unwrap_or(0);
            return Err(NotTaken::Full { until: DateTime::from_timestamp(i64::from(first), 0).unwrap_or(now) });
        }
        kept.push((proof.id, u32::try_from(proof.good_until.timestamp()).unwrap_or(u32::MAX)));
        Ok(Self(kept))
    }

    /// Whether this one was answered.
    #[must_use]
    pub fn contains(&self, proof: &ProofId) -> bool {
        self.0.iter().any(|(id, _)| id == proof)
    }

    /// None was answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they are stored: 20 bytes each.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(id, until)| id.0.into_iter().chain(until.to_be_bytes())).collect()
    }

    /// Reads what [`Self::to_bytes`] wrote. `None` for anything else.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (entries, rest) = bytes.as_chunks::<ENTRY>();
        let read = |entry: &[u8; ENTRY]| Some((ProofId(*entry.first_chunk()?), u32::from_be_bytes(*entry.last_chunk()?)));
        (rest.is_empty() && !entries.is_empty() && entries.len() <= MOST)
            .then(|| entries.iter().map(read).collect::<Option<_>>().map(Self))?
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::dpop::Thumbprint;

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn proof(jti: &str, good_for: i64) -> Possession {
        let key = Thumbprint::parse("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I").unwrap();
        Possession { key, id: ProofId::of(jti).unwrap(), good_until: start() + TimeDelta::seconds(good_for) }
    }

    #[test]
    fn a_proof_is_taken_once_while_any_clock_accepts_it() {
        let first = AnsweredProofs::default().with(&proof("a", 360), start()).unwrap();
        assert_eq!(first.with(&proof("a", 360), start()), Err(NotTaken::Repeated));
        let second = first.with(&proof("b", 700), start() + TimeDelta::seconds(359)).unwrap();
        assert_eq!(second.to_bytes().len(), 40);
        let third = second.with(&proof("c", 900), start() + TimeDelta::seconds(360)).unwrap();
        assert_eq!(third.to_bytes().len(), 40, "the first is forgotten");
        assert_eq!(third.with(&proof("b", 700), start() + TimeDelta::seconds(699)), Err(NotTaken::Repeated));
    }

    #[test]
    fn the_ninth_waits_for_the_first_to_be_forgotten() {
        let mut answered = AnsweredProofs::default();
        for number in 0..8_i32 {
            answered = answered.with(&proof(&number.to_string(), 360 - i64::from(number)), start()).unwrap();
        }
        let until = start() + TimeDelta::seconds(353);
        assert_eq!(answered.with(&proof("ninth", 360), start()), Err(NotTaken::Full { until }));
        assert_eq!(answered.with(&proof("0", 360), start()), Err(NotTaken::Repeated), "it says more than that there are too many");
        assert!(answered.with(&proof("ninth", 700), until).is_ok());
        assert_eq!(AnsweredProofs::parse(&answered.to_bytes()), Some(answered));
    }

    #[test]
    fn what_was_not_written_so_is_not_read() {
        let one = AnsweredProofs::default().with(&proof("a", 360), start()).unwrap().to_bytes();
        for wrong in [vec![], vec![0; 19], one[1..].to_vec(), one.repeat(9)] {
            assert_eq!(AnsweredProofs::parse(&wrong), None, "{} bytes", wrong.len());
        }
        assert_eq!(ProofId::of(""), None);
        assert_ne!(ProofId::of("a"), ProofId::of("b"));
    }
}
