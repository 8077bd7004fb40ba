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
    assert_eq!(refusal("ada@\u{435}xample.com"), MixedScripts);
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

/// Vowel signs, which Thaana always has, and Arabic and Hebrew may have.
#[test]
fn words_with_vowel_signs() {
    for own in ["ސާރާ", "އަލީ", "مُحَمَّد", "שָׁלוֹם", "נֹעַ", "राम"] {
        assert_eq!(name(own), own);
    }
    assert_eq!(refusal("\u{5b0}שלום"), Character, "a mark without a letter");
    assert_eq!(refusal("aשָׁb"), Character, "two directions");
}

/// Each side of an address has a script and a writing direction of its own.
#[test]
fn addresses_of_the_world() {
    let one_script = ["ada@example.com", "иван@пример.рф", "@ada", "ada@", "a@b@example.com"];
    for own in one_script.into_iter().chain([
        "иван@example.com",
        "用户@example.com",
        "홍길동@example.com",
        "محمد@example.com",
        "γιώργοσ@example.com",
    ]) {
        assert_eq!(name(own), own);
    }
    assert_eq!(name("ИВАН＠Example.com"), "иван@example.com");
}

/// Everyday words whose every letter has a Latin double are taken as names. They say which name they are drawn like.
#[test]
fn names_that_look_like_latin_ones() {
    let double = |sent| Username::parse(sent).unwrap().latin_double();
    for (sent, drawn) in [
        ("Саша", "cawa"),
        ("Сара", "capa"),
        ("Άννα", "ávva"),
        ("סוס", "olo"),
        ("ههه", "ooo"),
        ("\u{451}", "ë"),
        ("сосо-1", "coco-1"),
        ("сосо@example.com", "coco@example.com"),
        ("ada@соса", "ada@coca"),
    ] {
        assert_eq!(double(sent).as_deref(), Some(drawn), "{sent}");
    }
    for sent in ["иван", "ada", "kjær", "þór", "山田太郎", "иван@example.com", "саша@пример.рф", "bi11"] {
        assert_eq!(double(sent), None, "{sent}");
    }
}

#[test]
fn characters_that_are_no_name() {
    let invisible = ["a b", "a\u{a0}b", "a\0", "a\nb", "a\u{1b}[31m", "a\u{202e}b", "\u{301}\u{200f}"];
    for sent in invisible.into_iter().chain(["😀", "a🤖", "ﬁ", "½", "abcשלום", "1שלום"]) {
        assert_eq!(refusal(sent), Character, "{sent:?}");
    }
}

#[test]
fn lengths_at_the_edges() {
    assert_eq!(name(&"x".repeat(254)).len(), 254);
    assert_eq!(name(&"Ｘ".repeat(254)).len(), 254, "762 bytes as sent");
    for sent in [String::new(), "x".repeat(255), "ö".repeat(128), "Ｘ".repeat(342)] {
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

/// What keyboards and password managers add, and people don't see.
#[test]
fn white_space_at_the_ends_is_left_out() {
    for sent in ["ada ", " ada", "\u{a0}ada\u{200b}", "ada\n", "\u{3000}ada\t"] {
        assert_eq!(Username::parse(sent).unwrap().as_str(), "ada", "{sent:?}");
    }
    for nothing in ["", " ", "\u{200b}\n"] {
        assert_eq!(Username::parse(nothing), Err(Length), "{nothing:?}");
    }
}
