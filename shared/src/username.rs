//! Usernames: many spellings, one name.

use std::fmt;

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use thiserror::Error;
use unicode_script::{Script, UnicodeScript};
use unicode_security::MixedScript;
use unicode_security::confusable_detection::skeleton;

/// The longest spelling that is looked at, in bytes.
const MAX_SENT_BYTES: usize = 1024;

/// A username in its one stored form. Whoever spells it otherwise (case, width, composed or decomposed accents) gets
/// this value or a [`UsernameError`], never another user: Spotify's hijacked accounts of 2013 came from a mapping that
/// gave ᴮᴵᴳᴮᴵᴿᴰ first as BIGBIRD and then as bigbird.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

/// Why a string is no username. It never carries the string: people type passwords into the wrong field.
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
    /// `parse` of a username's own text is that username.
    ///
    /// As RFC 8265 has it, straße and strasse stay two names. So do ASCII names that look alike (`bill`, `bi11`), and
    /// rare pairs of two other scripts: telling those takes a look at the names that exist.
    ///
    /// # Errors
    /// [`UsernameError`], with the reason but without the string.
    pub fn parse(sent: &str) -> Result<Self, UsernameError> {
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
mod tests {
    use super::UsernameError::{Character, Length, Lookalike, MixedScripts, Unstable};
    use super::*;

    fn name(sent: &str) -> String {
        Username::parse(sent).unwrap().to_string()
    }

    fn refusal(sent: &str) -> UsernameError {
        Username::parse(sent).unwrap_err()
    }

    #[test]
    fn l3_spotify_2013() {
        assert_eq!(name("BIGBIRD"), "bigbird");
        assert_eq!(name("ＢｉｇＢｉｒｄ"), "bigbird", "fullwidth");
        assert_eq!(refusal("ᴮᴵᴳᴮᴵᴿᴰ"), Character);
        assert_eq!(refusal("𝐛𝐢𝐠𝐛𝐢𝐫𝐝"), Character);
        assert_eq!(refusal("ⓑⓘⓖⓑⓘⓡⓓ"), Character);
    }

    #[test]
    fn l3_spellings_are_one_name() {
        assert_eq!(name("E\u{301}COLE"), "école");
        assert_eq!(name("Ångström"), name("A\u{30a}NGSTRÖM"));
        assert_eq!(name("ΔΡΟΜΟΣ"), name("δρομος"));
        assert_eq!(name("STRAẞE"), "straße");
        assert_eq!(name("ｶﾞﾗｽ"), "ガラス");
    }

    #[test]
    fn l3_ambiguous_case_is_refused() {
        assert_eq!(refusal("ışık"), Unstable, "IŞIK");
        assert_eq!(refusal("İstanbul"), Lookalike);
        assert_eq!(refusal("i\u{307}stanbul"), Lookalike);
        assert_eq!(refusal("Ꭰ"), Unstable, "its small letter is newer than the profile");
        assert_eq!(refusal("ᾠδη"), Unstable, "ὨΙΔΗ");
    }

    #[test]
    fn l3_confusables_are_refused() {
        assert_eq!(refusal("p\u{430}ypal"), MixedScripts);
        assert_eq!(refusal("\u{441}\u{43e}\u{441}\u{43e}"), Lookalike);
        assert_eq!(refusal("\u{451}\u{441}\u{43e}"), Lookalike);
        assert_eq!(refusal("ɑlice"), Lookalike);
        assert_eq!(refusal("a\u{200d}b"), Character, "zero-width joiner");
        assert_eq!(refusal("a\u{ad}b"), Character, "soft hyphen");
    }

    #[test]
    fn names_of_the_world() {
        let latin = "demo a 9 a.b+c@example.com o'neil straße kjær þór łukasz đorđe nguyễn";
        let others = "иван елена γιώργοσ שלום שלום1 محمد राम 山田太郎 やまだ太郎 김철수 გიორგი";
        for own in latin.split(' ').chain(others.split(' ')) {
            assert_eq!(name(own), own);
        }
    }

    #[test]
    fn characters_that_are_no_name() {
        let invisible = [" ", "a b", " a", "a\u{a0}b", "a\0", "a\nb", "a\u{1b}[31m", "a\u{202e}b", "\u{301}\u{200f}"];
        for sent in invisible.into_iter().chain(["😀", "a🤖", "ﬁ", "½", "abcשלום", "1שלום"]) {
            assert_eq!(refusal(sent), Character, "{sent:?}");
        }
    }

    #[test]
    fn lengths_at_the_edges() {
        assert_eq!(name(&"x".repeat(128)).len(), 128);
        assert_eq!(name(&"Ｘ".repeat(128)).len(), 128, "384 bytes as sent");
        for sent in [String::new(), "x".repeat(129), "ö".repeat(65), "Ｘ".repeat(342)] {
            assert_eq!(refusal(&sent), Length);
        }
    }

    #[test]
    fn l3_norm_of_norm_is_norm() {
        let around = |c: char| [c.to_string(), format!("a{c}"), format!("{c}\u{301}"), format!("α{c}σ"), format!("ש{c}")];
        let mut names = 0;
        // Without the ideographs, Hangul and hieroglyphs, which have no case and take long.
        let scripts = (0..0x3400).chain(0xa4d0..0xac00).chain(0xf900..0x1_2000).chain(0x1_e000..0x1_f000);
        for sent in scripts.filter_map(char::from_u32).flat_map(around) {
            let Ok(username) = Username::parse(&sent) else { continue };
            names += 1;
            assert_eq!(Username::parse(username.as_str()).as_ref(), Ok(&username), "{sent:?}");
            let others = [sent.to_uppercase(), sent.to_lowercase(), username.as_str().to_uppercase()];
            for other in others.iter().filter(|other| !username.as_str().contains('ß') || !other.contains("SS")) {
                assert!(Username::parse(other).map_or(true, |other| other == username), "{sent:?} {other:?}");
            }
        }
        assert!(names > 10_000, "{names}");
    }

    #[test]
    fn errors_keep_the_string_to_themselves() {
        let error = refusal("canary canary");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}
