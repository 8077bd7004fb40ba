use std::error::Error;

use super::*;
use crate::entropy::Random;

fn password(text: &str) -> Password {
    Password::parse(text.to_owned()).unwrap()
}

fn bytes(text: &str) -> String {
    password(text).mapped.to_string()
}

fn phc(middle: &str) -> Result<PasswordHash, PasswordHashError> {
    PasswordHash::parse(format!("$argon2id$v=19${middle}$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"))
}

#[test]
fn l4_lengths_at_the_edges() {
    for length in [1, 1024] {
        assert_eq!(bytes(&"x".repeat(length)).len(), length);
    }
    for length in [0, 1025] {
        assert_eq!(Password::parse("x".repeat(length)).err(), Some(PasswordLengthError));
    }
    // The bytes sent are what counts. NFC makes them three times as many at the worst, and here twice.
    assert!(Password::parse("\u{1d15e}".repeat(257)).is_err());
    assert_eq!(bytes(&"\u{1d15e}".repeat(256)).len(), 2048);
}

#[test]
fn one_password_from_every_keyboard() {
    assert_eq!(bytes("cafe\u{301}"), "café");
    assert_eq!(bytes("a\u{a0}b\u{3000}c"), "a b c");
    assert_eq!(bytes("cafe\u{301} \u{1f916}\u{200d}\t"), "café \u{1f916}\u{200d}\t", "what the profile refuses is mapped too");
    assert_eq!(bytes(" Ａﬁß "), " Ａﬁß ", "width, compatibility and case are kept");
    assert_eq!(bytes("a\0b"), "a\0b");
}

#[test]
fn hash_and_verify() -> Result<(), Box<dyn Error>> {
    let hasher = &mut Hasher::default();
    let longest = "x".repeat(1023);
    let sent = password(&format!("{longest}y"));
    let hash = sent.hash(&Random::system(), hasher)?;
    assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(!hash.needs_rehash(&Costs::CURRENT));
    let stored = PasswordHash::parse(hash.as_str().to_owned())?;
    assert!(sent.verify(&stored, hasher)?);
    assert!(!password(&format!("{longest}z")).verify(&stored, hasher)?, "no truncation (Okta 2024)");
    assert_ne!(sent.hash(&Random::system(), hasher)?, hash, "a salt of its own");

    let hash = password("a\0b").hash(&Random::system(), hasher)?;
    assert!(password("a\0b").verify(&hash, hasher)?);
    assert!(!password("a\0c").verify(&hash, hasher)?);
    assert!(!password("a").verify(&hash, hasher)?);
    Ok(())
}

#[test]
fn verifies_hashes_of_the_reference_implementation_in_one_memory() -> Result<(), Box<dyn Error>> {
    let of_reference = [
        // From P-H-C/phc-winner-argon2, src/test.c: Argon2id, m = 65536, t = 2, p = 1, "password", "somesalt".
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        // The same password and salt by its command: `-id -k 8192 -t 3 -p 4 -l 24`.
        "$argon2id$v=19$m=8192,t=3,p=4$c29tZXNhbHQ$1t61bl9zlnYypk7U3DrpZFsW7eaDptDu",
    ];
    let hasher = &mut Hasher::default();
    for hash in [of_reference, of_reference].concat() {
        let hash = PasswordHash::parse(hash.to_owned())?;
        assert!(password("password").verify(&hash, hasher)?);
        assert!(!password("Password").verify(&hash, hasher)?);
        assert!(hash.needs_rehash(&Costs::CURRENT));
        assert!(hasher.memory.iter().flat_map(AsRef::as_ref).all(|word| *word == 0), "it is wiped");
    }
    assert_eq!(hasher.memory.capacity(), 65536, "no more than the largest took");
    Ok(())
}

#[test]
fn l1_the_dummy_costs_what_a_new_hash_costs() -> Result<(), Box<dyn Error>> {
    for costs in [Costs::CURRENT, Costs::LEAST] {
        let dummy = PasswordHash::dummy(&costs);
        assert_eq!(read(dummy.as_str())?.costs, costs);
        assert_eq!(PasswordHash::parse(dummy.as_str().to_owned())?, dummy);
        assert!(!dummy.needs_rehash(&costs));
        let sent = password("correct-horse-battery-staple");
        assert!(!sent.hash(&Random::system(), &mut Hasher::new(costs))?.needs_rehash(&costs));
        // An unknown user's login is verified against none, and an unreadable hash may be in the table.
        for hash in [dummy, PasswordHash::none(), PasswordHash::stored("$2b$".to_owned())] {
            let hasher = &mut Hasher::new(costs);
            assert!(!sent.verify(&hash, hasher)?);
            assert_eq!(hasher.memory.len(), costs.params()?.block_count(), "a whole hash was made");
        }
    }
    Ok(())
}

#[test]
fn l5_absurd_parameters_are_refused_before_they_cost_anything() {
    assert!(phc("m=8192,t=1,p=1").is_ok_and(|hash| hash.needs_rehash(&Costs::CURRENT)));
    assert!(phc("m=65536,t=10,p=4").is_ok());
    for (name, value, params) in [
        ("m", 8191, "m=8191,t=2,p=1"),
        ("m", 65537, "m=65537,t=2,p=1"),
        ("m", 4_294_967_295, "m=4294967295,t=2,p=1"),
        ("t", 0, "m=19456,t=0,p=1"),
        ("t", 11, "m=19456,t=11,p=1"),
        ("p", 0, "m=19456,t=2,p=0"),
        ("p", 5, "m=19456,t=2,p=5"),
    ] {
        assert_eq!(phc(params), Err(PasswordHashError::OutOfBounds { name, value }));
    }
    for params in ["m=19456", "m=19456,t=2", "t=2,p=1", "m=19456,t=2,p=1,keyid=AAAA", "m=19456,t=2,p=1,data=AAAA", "m=19456,t=2,x=1"] {
        assert_eq!(phc(params), Err(PasswordHashError::Parameters), "{params}");
    }
    for params in ["m=4294967296,t=2,p=1", "m=-1,t=2,p=1", "m=019456,t=2,p=1", "m=19456,m=19456,t=2,p=1"] {
        assert!(phc(params).is_err(), "{params}");
    }
}

#[test]
fn l5_other_functions_and_rubbish_are_refused() {
    let parse = PasswordHash::parse;
    let whole = PasswordHash::dummy(&Costs::CURRENT);
    let whole = whole.as_str();
    assert!(parse(whole.to_owned()).is_ok());
    for (from, to) in [("argon2id", "argon2i"), ("argon2id", "argon2d"), ("argon2id", "scrypt"), ("v=19", "v=16"), ("$v=19", "")] {
        assert_eq!(parse(whole.replace(from, to)), Err(PasswordHashError::Algorithm), "{from} {to}");
    }
    let cut_short = "$argon2id$v=19$m=19456,t=2,p=1";
    let (open, many) = (format!("{whole}$"), "$".repeat(9999));
    for bad in ["", "$", "argon2id", "$2b$12$C6UzMDM.H6dfI/f/IKcEe.", cut_short, &open, &many] {
        assert!(parse(bad.to_owned()).is_err(), "{bad}");
    }
    let [short, long] = [10, 60].map(|bytes| "A".repeat(bytes * 4 / 3));
    for (salt, hash) in [("c29tZQ", "aGFzaGhhc2hoYXNoaGFzaA"), (&long, "aGFzaGhhc2hoYXNoaGFzaA"), ("c29tZXNhbHQ", &short)] {
        assert!(parse(format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${hash}")).is_err(), "{salt} {hash}");
    }
    for cut in 0..whole.len() {
        let _ = parse(whole.chars().take(cut).collect()); // no panic
        let _ = parse(whole.chars().enumerate().map(|(at, c)| if at == cut { 'é' } else { c }).collect());
    }
}

#[test]
fn nothing_prints_a_secret() {
    assert_eq!(format!("{:?}", password("canary")), "[redacted]");
    assert_eq!(format!("{:?}", PasswordHash::dummy(&Costs::CURRENT)), "[redacted]");
    let error = PasswordHash::parse("$argon2id$v=19$canary$canary$canary".to_owned()).unwrap_err();
    assert!(!format!("{error} {error:?} {:?}", error.source()).contains("canary"));
}
