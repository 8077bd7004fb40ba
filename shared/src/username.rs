//! Usernames: many spellings, one name.

use std::fmt;

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::{Profile, Rules};
use thiserror::Error;
use unicode_general_category::{GeneralCategory, get_general_category};
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
    /// 0 bytes, or more than 254 when mapped, or more than 1024 as sent.
    #[error("a username is 1 to {} bytes long", Username::MAX_BYTES)]
    Length,
    /// Refused by PRECIS: a space, a control character, an emoji, a formatted letter, a confusing writing direction.
    #[error("a username takes letters, digits and ASCII punctuation, no spaces")]
    Character,
    /// Mapped again, or in capitals, it would be another name: a Cherokee letter, a dotless ı (its capital is I).
    #[error("a username takes no letter whose upper and lower case are ambiguous")]
    Unstable,
    /// Letters of several scripts, as in `pаypal` with a Cyrillic а.
    #[error("a username is written in one script; of an e-mail address, each side of the @ is")]
    MixedScripts,
    /// Among Latin letters, one that is drawn like an ASCII letter and isn't, as in `ɑlice`.
    #[error("a username does not look like another one in plain ASCII letters: use those")]
    Lookalike,
}

impl Username {
    /// The longest username, in bytes of UTF-8 after mapping: the longest e-mail address (RFC 5321, section 4.5.3.1.3).
    pub const MAX_BYTES: usize = 254;

    /// Maps a spelling to its username with the PRECIS profile UsernameCaseMapped (RFC 8265, section 3.3): width, case,
    /// NFC, and the bidi rule. On top of the profile, a final ς is a σ (ΟΔΟΣ and οδος are one name); a name is in one
    /// script (UTS 39, section 5.1), an e-mail address in one on each side of its @; and a Latin letter that is drawn like
    /// an ASCII one is refused (after UTS 39, section 4). `parse` of a username's own text is that username. White space
    /// at the ends of what was sent is left out.
    ///
    /// A word of another script may look like ASCII as a whole, as саша does: see [`Username::latin_double`].
    /// As RFC 8265 has it, straße and strasse stay two names. So do ASCII names that look alike (`bill`, `bi11`), and names of two other
    /// scripts that look alike without looking Latin.
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
        if !sides(&name).all(MixedScript::is_single_script) {
            return Err(UsernameError::MixedScripts);
        }
        if sides(&name).any(has_latin_double) {
            return Err(UsernameError::Lookalike);
        }
        Ok(Self(name))
    }

    /// The name in Latin letters that this one is drawn like, if it is in another script and every letter of it has a double:
    /// `cawa` of саша. Only one of the two may exist, so they are compared when a user is created.
    #[must_use]
    pub fn latin_double(&self) -> Option<String> {
        let letters = || self.0.chars().filter(|c| !c.is_ascii() && c.script() != Script::Inherited);
        if letters().next().is_none() || letters().any(|c| c.script() == Script::Latin || !is_double(c)) {
            return None;
        }
        let mut buffer = [0; 4];
        let drawn: String =
            self.0.chars().map(|c| if c.is_ascii() { c.to_string() } else { skeleton(c.encode_utf8(&mut buffer)).collect() }).collect();
        map(&drawn)
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

/// Both sides of an address are mapped apart: the bidi rule refuses two writing directions in one word, not in an address.
fn map(name: &str) -> Option<String> {
    let mut mapped = sides(name).map(map_word);
    let local = mapped.next().flatten()?;
    match mapped.next() {
        Some(domain) => Some(format!("{local}@{}", domain?)),
        None => Some(local),
    }
}

fn map_word(word: &str) -> Option<String> {
    let profile = UsernameCaseMapped::new();
    let word =
        profile.prepare(word).and_then(|word| profile.case_mapping_rule(word)).and_then(|word| profile.normalization_rule(word)).ok()?;
    // The crate refuses vowel signs in the middle of a word written from right to left. RFC 5893 allows them, and Thaana has no
    // word without. Nonspacing marks have no direction of their own, so the rule judges the letters that carry them.
    let letters = word
        .chars()
        .enumerate()
        .filter(|(place, c)| *place == 0 || get_general_category(*c) != GeneralCategory::NonspacingMark)
        .map(|(_, c)| c);
    profile.directionality_rule(letters.collect::<String>()).ok()?;
    // The profile lower-cases character by character, which leaves ς and σ, one letter in capitals, apart.
    Some(word.replace('ς', "σ"))
}

/// Whether the name, typed in capitals, is the same name (or none: the profile predates the capitals of Georgian).
fn survives_capitals(name: &str) -> bool {
    // The one exception is the profile's own: ß has had a capital of its own since 2017, and SS is the older way.
    let capitals = name.replace('ß', "ẞ").to_uppercase();
    map(&capitals).is_none_or(|mapped| mapped == name)
}

/// What is judged apart: both sides of an e-mail address (иван@example.com), and a name that is none as a whole.
fn sides(name: &str) -> impl Iterator<Item = &str> {
    let address = name.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
    let (local, domain) = address.map_or((name, None), |(local, domain)| (local, Some(domain)));
    std::iter::once(local).chain(domain)
}

/// Whether a Latin word has a letter that passes for an ASCII one (`ɑlice`): the rest of it is what it seems.
fn has_latin_double(word: &str) -> bool {
    // İ maps to i and a combining dot, which an i has already.
    if word.contains("i\u{307}") || word.contains("j\u{307}") {
        return true;
    }
    word.chars().any(|c| c.script() == Script::Latin)
        && word.chars().any(|c| !c.is_ascii() && c.script() != Script::Inherited && is_double(c))
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
