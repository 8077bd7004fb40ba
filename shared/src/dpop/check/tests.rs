use serde_json::{Value, json};

use super::*;
use crate::dpop::signer::Signer;

const URL: &str = "https://api.example.com/v1/refresh";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn checked(proof: &str) -> Result<Possession, BadProof> {
    let urls = [NormalUrl::parse("https://other.example/refresh").unwrap(), NormalUrl::parse(URL).unwrap()];
    check(proof, ProvedRequest { method: "POST", urls: &urls, token: Some("lkr_token"), now: now() })
}

fn claims() -> Value {
    json!({"jti": "id-1", "htm": "POST", "htu": URL, "iat": now().timestamp()})
}

/// A proof with these members in place of the right ones; `null` takes a member out.
fn altered(header: &Value, payload: &Value) -> String {
    let signer = Signer::of(1);
    let with = |mut whole: Value, changes: &Value| {
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                whole.as_object_mut().unwrap().remove(name);
            } else {
                whole[name] = value.clone();
            }
        }
        whole.to_string()
    };
    signer.sign(&with(signer.header(), header), &with(claims(), payload))
}

fn with_header(header: &Value) -> Result<Possession, BadProof> {
    checked(&altered(header, &json!({})))
}

fn with_claims(payload: &Value) -> Result<Possession, BadProof> {
    checked(&altered(&json!({}), payload))
}

fn with_jwk(changes: &Value) -> Result<Possession, BadProof> {
    let mut jwk = Signer::of(1).jwk();
    for (name, value) in changes.as_object().unwrap() {
        jwk[name] = value.clone();
    }
    with_header(&json!({"jwk": jwk}))
}

#[test]
fn a_right_proof_says_whose_key_it_is() {
    let proof = with_claims(&json!({})).unwrap();
    assert_eq!(proof.id, ProofId::of("id-1").unwrap());
    assert_eq!(proof.good_until, now() + TOLERANCE + CLOCKS);
    assert_eq!(with_header(&json!({"alg": "Ed25519"})).unwrap().key, proof.key);
    let other = Signer::of(2);
    assert_ne!(checked(&other.sign(&other.header().to_string(), &claims().to_string())).unwrap().key, proof.key);
}

/// Check 2: one well-formed JWT.
#[test]
fn a_proof_is_one_jwt() {
    let right = altered(&json!({}), &json!({}));
    let [header, payload, signature] = right.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    for wrong in [
        "",
        "?",
        "..",
        header,
        &format!("{header}.{payload}"),
        &format!("{right}.{signature}"),
        &format!("{right},{right}"),
        &format!("{right} "),
        &format!(" {right}"),
        &format!("{header}=.{payload}.{signature}"),
        &format!("{header}.{payload}.{signature}="),
        &format!("{header}.{payload}.{}", signature.replace('_', "/") + "+"),
    ] {
        assert_eq!(checked(wrong), Err(BadProof::Malformed), "{wrong}");
    }
    let signer = Signer::of(1);
    let (right_header, right_payload) = (signer.header().to_string(), claims().to_string());
    for (header, payload) in [
        ("[]", right_payload.as_str()),
        (r#"["dpop+jwt","EdDSA",{},false]"#, &right_payload),
        (r#""text""#, &right_payload),
        ("", &right_payload),
        (&right_header, "not JSON"),
        (&right_header, "[]"),
        (&right_header, &format!("{right_payload}{right_payload}")),
    ] {
        assert_eq!(checked(&signer.sign(header, payload)), Err(BadProof::Malformed), "{header} {payload}");
    }
    assert_eq!(checked(&"a".repeat(MAX_BYTES + 1)), Err(BadProof::TooLong));
    assert_eq!(checked(&"a".repeat(MAX_BYTES)), Err(BadProof::Malformed));
    assert_eq!(with_claims(&json!({"more": "a".repeat(4096)})), Err(BadProof::TooLong));
}

/// RFC 7515 section 4, RFC 7519 section 4: which of two members counts, two readers may see differently.
#[test]
fn no_member_that_counts_is_there_twice() {
    let signer = Signer::of(1);
    let (header, payload) = (signer.header().to_string(), claims().to_string());
    let twice = |object: &str, member: &str| format!("{{{member},{}", &object[1..]);
    for member in [r#""typ":"JWT""#, r#""alg":"none""#, r#""jwk":{"kty":"oct"}"#] {
        assert_eq!(checked(&signer.sign(&twice(&header, member), &payload)), Err(BadProof::Malformed), "{member}");
    }
    for member in [r#""jti":"other""#, r#""htm":"GET""#, r#""htu":"https://a.example/""#, r#""iat":1"#] {
        assert_eq!(checked(&signer.sign(&header, &twice(&payload, member))), Err(BadProof::Malformed), "{member}");
    }
}

/// Check 3: every claim that section 4.2 requires, of its type.
#[test]
fn a_proof_has_all_its_members() {
    for member in ["typ", "alg", "jwk"] {
        assert_eq!(with_header(&json!({member: null})), Err(BadProof::Malformed), "{member}");
        assert_eq!(with_header(&json!({member: 1})), Err(BadProof::Malformed), "{member}");
    }
    for member in ["jti", "htm", "htu", "iat"] {
        assert_eq!(with_claims(&json!({member: null})), Err(BadProof::Malformed), "{member}");
        assert_eq!(with_claims(&json!({member: ["x"]})), Err(BadProof::Malformed), "{member}");
    }
    assert_eq!(with_claims(&json!({"jti": ""})), Err(BadProof::Malformed));
    assert_eq!(with_claims(&json!({"iat": now().timestamp().to_string()})), Err(BadProof::Malformed));
    assert!(with_claims(&json!({"jti": "x"})).is_ok());
    assert!(with_claims(&json!({"jti": "x".repeat(200), "nonce": "of another service", "sub": "user"})).is_ok());
    assert!(with_header(&json!({"kid": "1", "x5c": [], "jku": "https://a.example/keys"})).is_ok());
}

/// Check 4.
#[test]
fn the_type_is_exact() {
    for typ in ["JWT", "application/dpop+jwt", "DPoP+JWT", ""] {
        assert_eq!(with_header(&json!({"typ": typ})), Err(BadProof::Type), "{typ}");
    }
}

/// Check 5: asymmetric, offered, and fit for the key.
#[test]
fn an_algorithm_fits_the_key() {
    for alg in ["none", "None", "HS256", "RS256", "PS256", "ES384", "ES256K", "Ed448", "ES256", "eddsa", ""] {
        assert_eq!(with_header(&json!({"alg": alg})), Err(BadProof::Algorithm), "{alg}");
    }
    for jwk in [json!({"crv": "P-256"}), json!({"crv": "X25519"}), json!({"crv": null}), json!({"kty": "EC"}), json!({"kty": "oct"})] {
        assert_eq!(with_jwk(&jwk), Err(BadProof::Algorithm), "{jwk}");
    }
    assert_eq!(with_jwk(&json!({"alg": "ES256"})), Err(BadProof::Algorithm));
    assert!(with_jwk(&json!({"alg": "EdDSA", "use": "sig", "key_ops": ["verify"], "ext": true, "kid": "1"})).is_ok());
    for crit in [json!([]), json!(["b64"]), json!("x")] {
        assert_eq!(with_header(&json!({"crit": crit})), Err(BadProof::Critical));
    }
}

/// Check 6: by the key in the header, over what was sent.
#[test]
fn the_signature_is_the_keys() {
    let (signer, other) = (Signer::of(1), Signer::of(2));
    let by_another = other.sign(&signer.header().to_string(), &claims().to_string());
    assert_eq!(checked(&by_another), Err(BadProof::Signature));
    let right = altered(&json!({}), &json!({}));
    let (signed, signature) = right.rsplit_once('.').unwrap();
    for wrong in ["", &signature[..84], &"A".repeat(86)] {
        assert_eq!(checked(&format!("{signed}.{wrong}")), Err(BadProof::Signature), "{wrong}");
    }
    let elsewhere = altered(&json!({}), &json!({"jti": "id-2"}));
    let (changed, _) = elsewhere.rsplit_once('.').unwrap();
    assert_eq!(checked(&format!("{changed}.{signature}")), Err(BadProof::Signature));
}

/// Check 7, and RFC 7518 section 6: a public key, whole.
#[test]
fn the_key_is_public_and_whole() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for value in [json!("AA"), json!(null), json!([])] {
            assert_eq!(with_jwk(&json!({member: value})), Err(BadProof::PrivateKey), "{member}");
        }
    }
    for x in [json!(null), json!(""), json!("AA"), json!("A".repeat(42)), json!("A".repeat(44)), json!(format!("{}=", "A".repeat(43)))] {
        assert_eq!(with_jwk(&json!({"x": x})), Err(BadProof::Key), "{x}");
    }
    assert_eq!(with_jwk(&json!({"use": "enc"})), Err(BadProof::Key));
}

/// Checks 8 and 9.
#[test]
fn a_proof_is_for_one_method_and_one_url() {
    for htm in ["GET", "post", "Post", "POST ", ""] {
        assert_eq!(with_claims(&json!({"htm": htm})), Err(BadProof::Method), "{htm}");
    }
    for htu in [
        "https://api.example.com/v1/login",
        "https://api.example.com/v1/refresh/",
        "https://api.example.com/refresh",
        "http://api.example.com/v1/refresh",
        "https://api.example.com:8443/v1/refresh",
        "https://evil.example/v1/refresh",
        "https://user@api.example.com/v1/refresh",
        "https://other.example/v1/refresh",
        "/v1/refresh",
        "",
    ] {
        assert_eq!(with_claims(&json!({"htu": htu})), Err(BadProof::Url), "{htu}");
    }
    for htu in ["HTTPS://API.example.com:443/v1/refresh?x=1#y", "https://other.example/refresh"] {
        assert!(with_claims(&json!({"htu": htu})).is_ok(), "{htu}");
    }
}

/// Check 11, and `exp` and `nbf` of RFC 7519 by the same tolerance.
#[test]
fn a_proof_is_of_these_minutes() {
    let at = now().timestamp();
    for iat in [at - 300, at - 299, at, at + 299, at + 300] {
        assert_eq!(with_claims(&json!({"iat": iat})).unwrap().good_until.timestamp(), iat + 360);
    }
    assert_eq!(with_claims(&json!({"iat": 1_799_999_999.25})).unwrap().good_until.timestamp(), at + 360);
    for iat in
        [json!(at - 301), json!(at + 301), json!(at * 1000), json!(0), json!(-1), json!(-1e300), json!(1e300), json!(4_294_967_295_u32)]
    {
        assert_eq!(with_claims(&json!({"iat": iat})), Err(BadProof::Time), "{iat}");
    }
    for right in [json!({"exp": at + 30}), json!({"exp": at - 299}), json!({"nbf": at + 300}), json!({"nbf": at - 1})] {
        assert!(with_claims(&right).is_ok(), "{right}");
    }
    for wrong in [json!({"exp": at - 300}), json!({"nbf": at + 301}), json!({"exp": 1e300}), json!({"nbf": -1})] {
        assert_eq!(with_claims(&wrong), Err(BadProof::Time), "{wrong}");
    }
    assert_eq!(with_claims(&json!({"exp": "soon"})), Err(BadProof::Malformed));
}

/// Check 12 is for resources. Where a client sends `ath` to `/refresh`, it is the hash of the refresh token.
#[test]
fn a_token_hash_is_checked_where_it_is_there() {
    let hash = |token: &str| base64url(&sha256(&[token.as_bytes()]));
    assert!(with_claims(&json!({"ath": hash("lkr_token")})).is_ok());
    assert_eq!(with_claims(&json!({"ath": hash("lkr_other")})), Err(BadProof::TokenHash));
    assert_eq!(with_claims(&json!({"ath": ""})), Err(BadProof::TokenHash));
}

/// Proofs made by eighteen libraries of five languages, the RFC's own, and altered ones. `tests/fixtures/dpop/README.md` says which.
#[test]
fn vectors_of_other_libraries() {
    let vectors = include_str!("../../../../tests/fixtures/dpop/vectors.jsonl");
    let (mut accepted, mut refused, mut by_another_key) = (0, 0, 0);
    for line in vectors.lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| vector[name].as_str().unwrap().to_owned();
        let now = DateTime::from_timestamp_millis((vector["iat"].as_f64().unwrap() * 1000.0) as i64).unwrap();
        let urls = [NormalUrl::parse(&text("url")).unwrap()];
        let result = check(&text("proof"), ProvedRequest { method: &text("method"), urls: &urls, token: None, now });
        let (why, jkt) = (format!("{} ({})", text("why"), text("source")), Thumbprint::parse(&text("jkt")));
        match (text("expect").as_str(), result) {
            ("accept", result) => {
                assert_eq!(result.map(|proof| Some(proof.key)), Ok(jkt), "{why}");
                accepted += 1;
            }
            (_, Ok(proof)) => {
                assert_ne!(Some(proof.key), jkt, "{why}");
                by_another_key += 1;
            }
            (_, Err(_)) => refused += 1,
        }
    }
    assert_eq!((accepted, refused, by_another_key), (54, 60, 1));
}
