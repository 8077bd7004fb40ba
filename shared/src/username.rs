//! Usernames: many spellings, one name.

use std::fmt;

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use thiserror::Error;
use unicode_script::{Script, UnicodeScript};
use unicode_security::MixedScript;
use unicode_security::confusable_detection::skeleton;

/// The longest spelling that is accepted for mapping, in bytes.
const MAX_SENT_BYTES: usize = 1024;

/// A username in its one stored form. Another spelling of the name (case, width, composed or decomposed accents) gives this value or a
/// [`UsernameError`], never another user. Spotify's accounts were hijacked in 2013 because its mapping turned ᴮᴵᴳᴮᴵᴿᴰ first into BIGBIRD
/// and then into bigbird.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

/// Why a string isn't a username. It doesn't contain the string, because people type passwords into the wrong field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UsernameError {
    /// 0 bytes, or more than 128 when mapped, or more than 1024 as sent.
    #[error("a username is 1 to {} bytes long", Username::MAX_BYTES)]
    Length,
    /// Refused by PRECIS: a space, a control character, an emoji, a formatted letter, a confusing writing direction.
    #[error("a username takes letters, digits and ASCII punctuation, no spaces")]
    Character,
    /// Mapped again, or in capitals, it would be another name: a Cherokee letter, a dotless ı (its capital is I).
    #[error("a username takes no letter whose upper and lower case are ambiguous")]
    Unstable,
    /// Letters of several scripts, as in `pаypal` with a Cyrillic а.
    #[error("a username is written in one script")]
    MixedScripts,
    /// Every letter that isn't ASCII is drawn as one that is, as in an all-Cyrillic `сосо`.
    #[error("a username does not look like another one in plain ASCII letters: use those")]
    Lookalike,
}

impl Username {
    /// The longest username, in bytes of UTF-8 after mapping.
    pub const MAX_BYTES: usize = 128;

    /// Maps a spelling to its username with the PRECIS profile UsernameCaseMapped (RFC 8265, section 3.3): width, case,
    /// NFC, and the bidi rule. On top of the profile, a final ς is a σ (ΟΔΟΣ and οδος are one name); a name is in one
    /// script (UTS 39, section 5.1); and a name that looks like one in ASCII is refused (after UTS 39, section 4).
    /// `parse` of a username's own text is that username. White space at the ends of what was sent is left out.
    ///
    /// As RFC 8265 has it, straße and strasse stay two names. So do ASCII names that look alike (`bill`, `bi11`), and
    /// rare pairs of two other scripts: to distinguish these, the service would have to look at the existing names.
    ///
    /// # Errors
    /// [`UsernameError`], with the reason but without the string.
    pub fn parse(sent: &str) -> Result<Self, UsernameError> {
        // Phone keyboards and password managers add white space that people don't see. No name has any.
        let sent = sent.trim_matches(|character: char| character.is_whitespace() || character == '\u{200b}');
        if sent.is_empty() || sent.len() > MAX_SENT_BYTES {
            return Err(UsernameError::Length);
        }
        let name = map(sent).ok_or(UsernameError::Character)?;
        if map(&name).as_ref() != Some(&name) || !survives_capitals(&name) {
            return Err(UsernameError::Unstable);
        }
        if name.len() > Self::MAX_BYTES {
            return Err(UsernameError::Length);
        }
        if !name.is_single_script() {
            return Err(UsernameError::MixedScripts);
        }
        if is_lookalike(&name) {
            return Err(UsernameError::Lookalike);
        }
        Ok(Self(name))
    }

    /// The name, for storing and comparing.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn map(name: &str) -> Option<String> {
    // The profile lower-cases character by character, which leaves ς and σ, one letter in capitals, apart.
    UsernameCaseMapped::enforce(name).ok().map(|name| name.replace('ς', "σ"))
}

/// Whether the name, typed in capitals, is the same name (or none: the profile predates the capitals of Georgian).
fn survives_capitals(name: &str) -> bool {
    // The one exception is the profile's own: ß has had a capital of its own since 2017, and SS is the older way.
    let capitals = name.replace('ß', "ẞ").to_uppercase();
    map(&capitals).is_none_or(|mapped| mapped == name)
}

/// Whether a name in one script passes for a name in ASCII. Between Latin letters one is enough (`ɑlice`), because the
/// rest are what they seem; in another script a word reads as that script unless every letter of it is a double.
fn is_lookalike(name: &str) -> bool {
    // İ maps to i and a combining dot, which an i has already.
    if name.contains("i\u{307}") || name.contains("j\u{307}") {
        return true;
    }
    let mut letters = name.chars().filter(|c| !c.is_ascii() && c.script() != Script::Inherited).peekable();
    let latin = name.chars().any(|c| c.script() == Script::Latin);
    letters.peek().is_some() && if latin { letters.any(is_double) } else { letters.all(is_double) }
}

/// Whether a character that isn't ASCII is drawn as one that is. An accent makes a Latin letter another letter (é is
/// no e), but not a foreign one (Cyrillic ё is drawn as ë). Unicode's table has þ for a p; Icelanders differ.
fn is_double(c: char) -> bool {
    let mut buffer = [0; 4];
    let mut drawn = skeleton(c.encode_utf8(&mut buffer));
    c != 'þ'
        && drawn.next().is_some_and(|first| first.is_ascii())
        && drawn.all(|mark| mark.script() == Script::Inherited && c.script() != Script::Latin)
}

#[cfg(test)]
mod tests;
