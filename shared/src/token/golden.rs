//! Golden vectors: what two versions must agree on while both serve. Computed apart from this code, from the design's
//! text, with another language's HMAC, SHA-256, CRC-32 and AES-GCM. A change here logs every user out.

use super::{SealedSeed, Seed, test_values};
use crate::{
    entropy::Random,
    ids::{Generation, UserKey},
    model::ReplayKeyHash,
};

const ACCESS: &str = "lka_h2uzXkR-4Tn0EKGWcJpQdr0123456789-_abcdefghiwAAAAHhMxe9Lcxgf1fh-CM2lu--EqvQ_BP8xbPNoYhF07B4cgs7iuFh5LpvaCN7RYzWZnxSCToqNW9SDZw5Wm-Rq98pqoOogQ8D0wkYqaxY9-qPuGMKxFkRrlRSmAbhirJesg8VDaJV9iTSdEnIpQ85ZSxf6ObIfXQK6jVR-sKfRGk-ER7SrJ4NP2n1Zp3zw98js4dSRppMAY8dqi";
const REFRESH: &str = "lkr_h2uzXkR-4Tn0EKGWcJpQdr0123456789-_abcdefghiwAAAAHERERERERERERERERERERERERERERERERERERERERERE4nC5pa7BZTrMcuaAPsOq85M0YnVL5-61L9N-VJ2zYPR38dZcjkgLhq5_C5ygFmnLPh-XNY4p-TzEPyIMgClo2ezP-jBpyaqW_zE4chdflKBkmR4Jxcdds95eTOvYItHbsq9pu0fUSgYRjOzvry5Ejl055PCZj3k-";

/// A generator that gives one byte over and over.
fn always(byte: u8) -> Random {
    Random::from_fn(move |bytes| {
        bytes.fill(byte);
        Ok(())
    })
}

#[test]
fn tokens() {
    let pair = test_values::pair();
    assert_eq!(pair.access.expose(), ACCESS);
    assert_eq!(pair.refresh.expose(), REFRESH);
}

#[test]
fn hashes() {
    let pair = test_values::pair();
    assert_eq!(pair.access.hash().to_text(), "tBHClmdOpk1ZbOb3Unuv47cy6W6Dx79qYryZT5IJOOY");
    assert_eq!(pair.refresh.hash().to_text(), "KFS2fVTwADgULthrR1BtRkkQm9jKCX2xnLfqWtoAPs4");
    assert_eq!(pair.access.proof().hash().to_text(), "PW03U2FBxh2N-U2PUn5ZN79fLM1g5uTtzNHs5FpYg9g");
    assert_eq!(pair.refresh.proof().hash().to_text(), "xhmUFsAI5OH8CGVF8dsyPo-iWq19uzvnKj5h3U5iwLY");
    assert_eq!(UserKey::of("user-1").as_str(), "h2uzXkR-4Tn0EKGWcJpQdr");
    assert_eq!(ReplayKeyHash::of("key-1").0, "rIX-IHuKn9ywJHJRNZAPfFTKZpgdM81kfqGO05Fj-kU");
}

#[test]
fn seals() {
    let successor = Generation::new(8).unwrap();
    let sealed =
        SealedSeed::seal(&test_values::pair().refresh.into(), &test_values::key(), successor, &Seed::from_byte(0x44), &always(0x33))
            .unwrap();
    let expected = "MzMzMzMzMzMzMzMzJhvAMuX5iCfDIUIqC0NzbZSYNAW_pSfAXwyUjwfamPadA-zZBZfBluE4aDy8q9FN";
    assert_eq!(crate::crypto::base64url(sealed.as_bytes()), expected);
    assert_eq!(sealed.open(&test_values::pair().refresh.into(), &test_values::key(), successor), Ok(Seed::from_byte(0x44)));
}

/// The generator is asked in this order for these many bytes: a login id, a proof, a seed.
#[test]
fn drawn_values() {
    let random = always(0x55);
    assert_eq!(crate::ids::LoginId::generate(&random).unwrap().as_str(), "VVVVVVVVVVVVVVVVVVVVVQ");
    assert_eq!(Seed::generate(&random).unwrap(), Seed::from_byte(0x55));
}
