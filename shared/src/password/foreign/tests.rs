//! Every row of `tests/fixtures/hashes/hashes.jsonl` was made by the software that it names. `expected` is what that software said of
//! the password; `here` is what Latchkey says.

use serde_json::Value;

use super::*;
use crate::{
    entropy::Random,
    password::{Costs, ForeignHashes, Hasher, Password, PasswordHash},
};

const ROWS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/hashes/hashes.jsonl"));

fn rows() -> Vec<Value> {
    ROWS.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The hash of a row, with the hints that its note asks for.
fn read(row: &Value) -> Result<ForeignHash, UnreadableHash> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    if let Some(fields) = row.get("fields") {
        if fields.get("secretData").is_some() {
            return ForeignHash::of_keycloak(&text(&fields["secretData"]), &text(&fields["credentialData"]));
        }
        let number = |name: &str| u32::try_from(fields[name].as_u64().unwrap()).unwrap();
        let [key, separator] = ["base64_signer_key", "base64_salt_separator"].map(|name| text(&fields[name]));
        let settings = FirebaseSettings::new(&key, &separator, number("rounds"), number("mem_cost")).unwrap();
        return ForeignHash::of_firebase(&text(&fields["passwordHash"]), &text(&fields["salt"]), &settings);
    }
    let spring =
        row.get("parameters").map(|parameters| if parameters["digest"] == "sha1" { SpringPbkdf2::V5_5 } else { SpringPbkdf2::V5_8 });
    let pepper = row.get("pepper").map(|pepper| text(pepper).into_bytes().into());
    ForeignHash::read(&text(&row["hash"]), &Hints { spring_pbkdf2: spring, pepper, bcrypt_hex_sha256: false })
}

fn stored(hash: ForeignHash, hasher: &mut Hasher) -> PasswordHash {
    let foreign = match hash {
        ForeignHash::Slow(foreign) => foreign,
        ForeignHash::Fast(fast) => fast.wrap(&Random::system(), hasher).unwrap(),
        ForeignHash::NoPassword => return PasswordHash::none(),
    };
    // As a login reads it.
    PasswordHash::stored(PasswordHash::from(foreign).as_str().to_owned())
}

fn password(text: &str) -> Password {
    Password::parse(text.to_owned()).unwrap()
}

fn judge(rows: &[Value]) {
    let hasher = &mut Hasher::default();
    for row in rows {
        let name = format!("{} {} ({})", row["source"], row["username"], row["note"]);
        let hash = match read(row) {
            Ok(hash) => stored(hash, hasher),
            Err(_) => {
                assert_eq!(row["here"], "bad", "{name}");
                continue;
            }
        };
        assert!(!hash.is_unreadable(), "{name}");
        let sent = password(row["password"].as_str().unwrap());
        let right = sent.verify(&hash, hasher).unwrap();
        match row["here"].as_str().unwrap() {
            "accept" => assert!(right, "{name}"),
            "reject" => assert!(!right, "{name}"),
            "none" => assert!(hash.is_none() && !right, "{name}"),
            other => panic!("{name}: {other}"),
        }
    }
}

/// PBKDF2 is generic code, which a test build doesn't optimise: a million rounds take ten seconds.
fn takes_long(row: &Value) -> bool {
    matches!(read(row), Ok(ForeignHash::Slow(Foreign { scheme: Scheme::Pbkdf2 { rounds, .. }, .. })) if rounds > 40_000)
}

fn judge_on_two_threads(rows: Vec<Value>) {
    let (first, second): (Vec<_>, Vec<_>) = rows.into_iter().enumerate().partition(|(at, _)| at % 2 == 0);
    let judge = |rows: Vec<(usize, Value)>| judge(&rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        scope.spawn(|| judge(first));
        scope.spawn(|| judge(second));
    });
}

/// All forms, and all rows but those with many rounds of PBKDF2.
#[test]
fn every_form_has_its_verdict() {
    let rows = rows();
    assert_eq!(rows.len(), 103);
    let quick: Vec<_> = rows.into_iter().filter(|row| !takes_long(row)).collect();
    assert_eq!(quick.len(), 87);
    judge_on_two_threads(quick);
}

#[test]
#[ignore = "takes minutes without optimisation: cargo test --profile assurance -p latchkey --features foreign-hashes -- --ignored"]
fn every_row_has_its_verdict() {
    judge_on_two_threads(rows());
}

/// A wrong password is wrong in every function. One row of each, the cheapest.
#[test]
fn a_wrong_password_is_wrong() {
    let hasher = &mut Hasher::default();
    let mut cheapest: std::collections::BTreeMap<&str, Foreign> = std::collections::BTreeMap::new();
    for row in rows() {
        let Some(foreign) = read(&row).ok().and_then(|hash| stored(hash, hasher).foreign().cloned()) else { continue };
        let known = cheapest.entry(foreign.name()).or_insert_with(|| foreign.clone());
        if foreign.work() < known.work() {
            *known = foreign;
        }
    }
    assert_eq!(cheapest.keys().copied().collect::<Vec<_>>(), ["argon2id", "bcrypt", "firebase", "pbkdf2", "scrypt", "wrapped"]);
    for (name, foreign) in cheapest {
        for wrong in ["Rain-on-tin-roof-42", "Rain-on-tin-roof-4", "rain-on-tin-roof-41", "Rain-on-tin-roof-411"] {
            assert!(!foreign.verify(wrong.as_bytes(), hasher).unwrap(), "{name} {wrong}");
        }
        assert!(!foreign.verify(b"", hasher).unwrap(), "{name}: the empty password");
    }
}

/// From P-H-C/phc-winner-argon2, src/test.c: version 16, which old strings don't name, and Argon2i.
#[test]
fn an_argon2_string_without_a_version_is_of_version_16() {
    let hasher = &mut Hasher::default();
    for (text, right) in [
        ("$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ", true),
        ("$argon2i$v=16$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ", true),
        ("$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", true),
        ("$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ", false),
        ("$argon2id$v=19$t=2,p=1,m=65536$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", true),
    ] {
        let hash = stored(ForeignHash::read(text, &Hints::default()).unwrap(), hasher);
        assert_eq!(password("password").verify(&hash, hasher).unwrap(), right, "{text}");
    }
}

fn of_row(username: &str, hasher: &mut Hasher) -> PasswordHash {
    let row = rows().into_iter().find(|row| row["username"] == username).unwrap();
    stored(read(&row).unwrap(), hasher)
}

/// The other system hashed what the keyboard sent. Both keyboards get in, and a hash that is too costly is tried once.
#[test]
fn composed_and_decomposed_letters_are_tried() {
    let hasher = &mut Hasher::default();
    let hash = of_row("user38", hasher);
    assert!(password("Grüße-aus-Köln-é").verify(&hash, hasher).unwrap());
    assert!(password("Gru\u{308}ße-aus-Ko\u{308}ln-e\u{301}").verify(&hash, hasher).unwrap());
    let foreign = hash.foreign().unwrap();
    assert!(foreign.work().tries() >= 3);
    assert_eq!(Work::MOST.tries(), 1);
}

/// bcrypt sees 72 bytes. A longer password keeps its hash, because its end was never checked. A hash of the whole doesn't.
#[test]
fn a_password_of_which_bcrypt_saw_a_part_keeps_its_hash() {
    let hasher = &mut Hasher::default();
    let [of_72, whole] = ["user37", "user09"].map(|username| of_row(username, hasher));
    let base = "handed-0123456789-handed-0123456789-handed-0123456789-handed-0123456789-";
    for (password, hash, right, replaced) in [
        (password(base), &of_72, true, true),
        (password(&format!("{base}h")), &of_72, true, false),
        (password(&format!("{base}other")), &of_72, true, false),
        (password(&format!("{base}h")), &whole, true, true),
        (password(&format!("{base}i")), &whole, false, true),
    ] {
        assert_eq!((password.verify(hash, hasher).unwrap(), hash.is_to_be_replaced(&password, &Costs::CURRENT)), (right, replaced));
    }
}

/// A NUL ends a password in C. With bcrypt it is wrong, wherever it stands.
#[test]
fn a_nul_is_wrong_with_bcrypt() {
    let hasher = &mut Hasher::default();
    for username in ["user35", "user59", "user67"] {
        let hash = of_row(username, hasher);
        assert!(!password("Rain-on-tin-roof-41\0").verify(&hash, hasher).unwrap(), "{username}");
        assert!(!password("Rain-on-tin-roof-41\0x").verify(&hash, hasher).unwrap(), "{username}");
    }
}

#[test]
fn a_figure_out_of_bounds_is_named_with_its_bound() {
    let salt_and_hash = "$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA";
    let bcrypt = "abcdefghijklmnopqrstuuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (text, problem) in [
        (format!("$2b$14${bcrypt}"), "has a bcrypt cost of 14; 4 to 13 are allowed"),
        (format!("$2b$03${bcrypt}"), "has a bcrypt cost of 3; 4 to 13 are allowed"),
        (format!("$argon2id$v=19$m=131073,t=1,p=1{salt_and_hash}"), "has an Argon2 memory in KiB of 131073; 8 to 131072 are allowed"),
        (format!("$argon2id$v=19$m=65536,t=5,p=1{salt_and_hash}"), "has an Argon2 memory times passes of 327680; 8 to 307200 are allowed"),
        (format!("$argon2id$v=19$m=65536,t=1,p=17{salt_and_hash}"), "has Argon2 lanes of 17; 1 to 16 are allowed"),
        (format!("$scrypt$ln=17,r=8,p=2{salt_and_hash}"), "has scrypt's N times r times p of 2097152; 2 to 1048576 are allowed"),
        (format!("$scrypt$ln=30,r=1,p=1{salt_and_hash}"), "has a binary logarithm of scrypt's N of 30; 1 to 20 are allowed"),
        (format!("$scrypt$ln=4,r=8,p=1000000{salt_and_hash}"), "has scrypt's p of 1000000; 1 to 65536 are allowed"),
        (format!("$pbkdf2-sha256$i=4000001,l=16{salt_and_hash}"), "has PBKDF2 rounds of 4000001; 1 to 4000000 are allowed"),
        (format!("$pbkdf2-sha1$i=3000001{salt_and_hash}"), "has PBKDF2 rounds of 3000001; 1 to 3000000 are allowed"),
        (format!("$pbkdf2-sha512$i=700001{salt_and_hash}"), "has PBKDF2 rounds of 700001; 1 to 700000 are allowed"),
        (format!("$pbkdf2-sha512$i=0{salt_and_hash}"), "has PBKDF2 rounds of 0; 1 to 700000 are allowed"),
        ("$pbkdf2-sha512$i=1000$c29tZXNhbHQ$aGFzaA".into(), "has an output length of 4; 16 to 64 are allowed"),
        ("$P$U12345678AAAAAAAAAAAAAAAAAAAAAA".into(), "has a binary logarithm of phpass rounds of 32; 7 to 18 are allowed"),
    ] {
        let refused = ForeignHash::read(&text, &Hints::default()).unwrap_err();
        assert_eq!(refused.to_string(), problem, "{text}");
    }
    // At the bounds all are allowed, and none costs more than the whole is allowed to.
    for text in [
        format!("$2b$13${bcrypt}"),
        format!("$argon2id$v=19$m=131072,t=2,p=16{salt_and_hash}"),
        format!("$argon2d$m=65536,t=4,p=1{salt_and_hash}"),
        format!("$scrypt$ln=17,r=8,p=1{salt_and_hash}"),
        format!("$pbkdf2-sha256$i=4000000,l=16{salt_and_hash}"),
        format!("$pbkdf2$i=3000000{salt_and_hash}"),
        format!("$pbkdf2-sha512$i=700000{salt_and_hash}"),
    ] {
        let Ok(ForeignHash::Slow(foreign)) = ForeignHash::read(&text, &Hints::default()) else { panic!("{text}") };
        assert!(foreign.work() <= Work::MOST && foreign.memory_kib() <= Work::MOST_MEMORY_KIB, "{text}");
    }
}

/// The smallest function has 128 MiB: a row of the users table must not end it.
#[test]
fn a_hash_beyond_the_functions_memory_is_not_admitted() {
    let salt_and_hash = "$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA";
    for (text, kib) in [
        (format!("$argon2id$v=19$m=102400,t=2,p=8{salt_and_hash}"), 102_400),
        (format!("$scrypt$ln=17,r=8,p=1{salt_and_hash}"), 131_072),
        (format!("$scrypt$ln=14,r=1,p=5{salt_and_hash}"), 2_048),
        ("$2b$10$abcdefghijklmnopqrstuuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into(), 4),
        (format!("$pbkdf2-sha256$i=1000,l=16{salt_and_hash}"), 0),
        ("{SSHA}lnx5oS8jiV4umNJQJYZHLbp+Emg9cuBr".into(), 19_456),
    ] {
        let hash = stored(ForeignHash::read(&text, &Hints::default()).unwrap(), &mut Hasher::default());
        assert_eq!(hash.foreign().unwrap().memory_kib(), kib, "{text}");
        let admitted = |most_memory_kib| ForeignHashes::Accepted { most_memory_kib }.admit(&hash);
        assert_eq!(admitted(kib), Ok(()), "{text}");
        if let Some(less) = kib.checked_sub(1) {
            assert_eq!(admitted(less), Err("foreign_hash_beyond_memory"), "{text}");
        }
        assert_eq!(ForeignHashes::Refused.admit(&hash), Err("foreign_hashes_not_accepted"), "{text}");
    }
}

/// Keycloak derives 64 bytes with SHA-1, four blocks. One says whether the password is right.
#[test]
fn one_block_of_pbkdf2_is_kept() {
    let row = rows().into_iter().find(|row| row["username"] == "user80").unwrap();
    let Ok(ForeignHash::Slow(foreign)) = read(&row) else { panic!() };
    assert_eq!(foreign.output.len(), 20);
    assert_eq!(foreign.work(), work::judge(&foreign.scheme, 16, 20).unwrap());
}

#[test]
fn what_is_no_hash_is_refused_without_its_value() {
    for bad in [
        "canary",
        "canarycanarycanarycanarycanarycanarycanary==",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "{noop}canary",
        "{canary}canary",
        "{bcrypt}canary",
        "$canary",
        "$canary$canary",
        "$2b$10$canary",
        "$2x$10$abcdefghijklmnopqrstuuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$2b$1e$abcdefghijklmnopqrstuuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$2b$010$abcdefghijklmnopqrstuuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$6$canary$canary",
        "$argon2id$v=18$m=65536,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$argon2id$v=19$m=65536,m=65536,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$argon2id$v=19$m=65536,t=2,p=1,data=Y2FuYXJ5$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$argon2id$v=19$m=+65536,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$pbkdf2-sha384$i=1000,l=16$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$pbkdf2-sha256$i=1000,l=32$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$scrypt$ln=16385,r=8,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "pbkdf2_sha256$canary$canary$canary",
        "pbkdf2:sha256$canary$canary",
        "bcrypt$canary",
        "md5$canary$canary",
        "sha1$$",
        "$P$Bcanary",
        "$foreign$none",
        "{SSHA}Y2FuYXJ5",
    ] {
        let refused = ForeignHash::read(bad, &Hints::default()).map(|_| ()).unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("canary"), "{bad}");
    }
    for none in ["", "!", "!MsMZ2cMjscdU4ZSvFUgclPzAjl7Hi64y8JKCoZTY", "*", "x"] {
        assert_eq!(ForeignHash::read(none, &Hints::default()), Ok(ForeignHash::NoPassword), "{none:?}");
    }
    let spring = Hints { spring_pbkdf2: Some(SpringPbkdf2::V5_8), ..Hints::default() };
    assert!(ForeignHash::read("5f4dcc3b5aa765d61d8327deb882cf99", &spring).is_err(), "the length is checked");
    assert!(FirebaseSettings::new("c2hvcnQ=", "Bw==", 8, 14).is_none(), "a signer key has 64 bytes");
}

/// One hash has one spelling, and what is spelled in another way is no hash.
#[test]
fn a_stored_hash_has_one_spelling() {
    let hasher = &mut Hasher::default();
    for row in rows() {
        let Ok(hash) = read(&row) else { continue };
        let hash = stored(hash, hasher);
        let text = hash.as_str().to_owned();
        assert!(text.starts_with("$foreign$") && text.len() <= 400, "{text}");
        assert!(PasswordHash::parse(text.clone()).is_err(), "an own hash is in another grammar");
        for (from, to) in [("=", "=0"), ("=", "=+"), ("$foreign$", "$foreign$x"), (",", ",,")] {
            let other = text.replacen(from, to, 1);
            assert!(other == text || PasswordHash::stored(other.clone()).is_unreadable(), "{other}");
        }
        for cut in 0..text.len() {
            let cut = PasswordHash::stored(text[..cut].to_owned());
            assert!(cut.foreign().is_none() || cut != hash, "no panic, and not the same hash");
        }
        assert!(PasswordHash::stored(format!("{text}$")).is_unreadable());
    }
}

#[test]
fn nothing_prints_a_hash() {
    let hasher = &mut Hasher::default();
    let row = rows().into_iter().find(|row| row["username"] == "user94").unwrap();
    let fast = read(&row).unwrap();
    let shown = format!("{fast:?} {:?} {:?}", stored(fast.clone(), hasher).foreign(), stored(fast.clone(), hasher));
    assert_eq!(shown, "Fast([redacted]) Some([redacted]) [redacted]");
    assert_eq!(format!("{:?}", FirebaseSettings::new(&"A".repeat(86), "Bw==", 8, 14)), "Some(FirebaseSettings)");
}
