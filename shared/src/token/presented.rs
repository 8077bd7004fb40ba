//! A token as a request presents it: Latchkey's own, or one that was imported.

use std::fmt;

use super::{AccessToken, ImportedToken, Kind, MalformedToken, Proof, Refresh, RefreshToken, Token, TokenHash, imported::looks_like_ours};
use crate::ids::Generation;

/// Whether imported tokens are accepted: `ACCEPT_IMPORTED_TOKENS`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ImportedTokens {
    /// Only Latchkey's own.
    #[default]
    Refused,
    /// Both. An imported token costs one more call, a lookup in an index.
    Accepted,
}

/// A token of kind `K`, issued by Latchkey or imported.
#[derive(Clone)]
pub enum PresentedToken<K> {
    /// It names its login.
    Own(Token<K>),
    /// An index finds its login.
    Imported(ImportedToken),
}

impl<K: Kind> PresentedToken<K> {
    /// Parses a token. A malformed one is recognised by its form, without a lookup.
    ///
    /// # Errors
    /// [`MalformedToken`] says what is wrong with it.
    pub fn parse(text: &str, imported: ImportedTokens) -> Result<Self, MalformedToken> {
        match imported {
            ImportedTokens::Accepted if !looks_like_ours(text) => ImportedToken::parse(text).map(Self::Imported),
            _ => Token::parse(text).map(Self::Own),
        }
    }

    /// What it claims.
    #[must_use]
    pub fn claim(&self) -> Claim<K> {
        match self {
            Self::Own(token) => token.claim(),
            Self::Imported(token) => Claim { generation: Generation::FIRST, hash: token.hash(), proof: None },
        }
    }

    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> TokenHash<K> {
        match self {
            Self::Own(token) => token.hash(),
            Self::Imported(token) => token.hash(),
        }
    }

    pub(super) fn expose(&self) -> &str {
        match self {
            Self::Own(token) => token.expose(),
            Self::Imported(token) => token.expose(),
        }
    }
}

impl<K> From<Token<K>> for PresentedToken<K> {
    fn from(token: Token<K>) -> Self {
        Self::Own(token)
    }
}

impl<K> fmt::Debug for PresentedToken<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// What a decision needs to know of a presented token. It doesn't contain the token.
#[derive(Debug, Clone)]
pub struct Claim<K> {
    /// The generation that it names. Imported tokens belong to a login's first session.
    pub generation: Generation,
    /// Its hash.
    pub hash: TokenHash<K>,
    /// The proof that all tokens of its kind and login share. An imported token has none, and is compared by its hash.
    pub proof: Option<Proof<K>>,
}

impl<K: Kind> Token<K> {
    /// What the token claims.
    #[must_use]
    pub fn claim(&self) -> Claim<K> {
        Claim { generation: self.generation(), hash: self.hash(), proof: Some(self.proof().clone()) }
    }
}

/// A token of either kind, for `/logout`.
#[derive(Debug)]
pub enum AnyToken {
    /// An access token.
    Access(AccessToken),
    /// A refresh token.
    Refresh(RefreshToken),
    /// An imported token, of either kind.
    Imported(ImportedToken),
}

impl AnyToken {
    /// Reads a token of either kind.
    ///
    /// # Errors
    /// [`MalformedToken`] as for [`PresentedToken::parse`].
    pub fn parse(text: &str, imported: ImportedTokens) -> Result<Self, MalformedToken> {
        if imported == ImportedTokens::Accepted && !looks_like_ours(text) {
            ImportedToken::parse(text).map(Self::Imported)
        } else if text.starts_with(Refresh::PREFIX) {
            RefreshToken::parse(text).map(Self::Refresh)
        } else {
            AccessToken::parse(text).map(Self::Access)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{Access, test_values::pair};

    /// B6: also when imports are accepted, a text that begins like a Latchkey token is judged as one, without a lookup.
    #[test]
    fn a_damaged_token_of_ours_is_never_taken_for_an_imported_one() {
        let whole = pair().access.expose().to_owned();
        for length in 0..whole.len() {
            assert!(PresentedToken::<Access>::parse(&whole[..length], ImportedTokens::Accepted).is_err(), "{length}");
        }
        let refresh = pair().refresh.expose().to_owned();
        let as_access = PresentedToken::<Access>::parse(&refresh, ImportedTokens::Accepted);
        assert!(matches!(as_access, Err(MalformedToken::Prefix)), "{as_access:?}");
    }

    #[test]
    fn imported_tokens_are_read_only_where_they_are_accepted() {
        let text = "0123456789abcdef";
        assert!(matches!(PresentedToken::<Access>::parse(text, ImportedTokens::Accepted), Ok(PresentedToken::Imported(_))));
        assert!(matches!(PresentedToken::<Access>::parse(text, ImportedTokens::Refused), Err(MalformedToken::Length)));
        assert!(matches!(AnyToken::parse(text, ImportedTokens::Accepted), Ok(AnyToken::Imported(_))));
        assert!(AnyToken::parse(text, ImportedTokens::Refused).is_err());
    }

    #[test]
    fn a_claim_holds_what_the_token_says() {
        let pair = pair();
        let claim = pair.refresh.claim();
        assert_eq!((claim.generation, claim.hash), (pair.refresh.generation(), pair.refresh.hash()));
        let imported = PresentedToken::<Refresh>::parse("0123456789abcdef", ImportedTokens::Accepted).unwrap().claim();
        assert_eq!(imported.generation, Generation::FIRST);
        assert!(imported.proof.is_none());
    }
}
