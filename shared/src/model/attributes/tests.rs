use super::*;

fn own(pairs: &[(&str, &str)]) -> Result<Attributes, AttributesError> {
    Attributes::default().with_own(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn auth(time: i64, amr: &[&str], acr: Option<&str>) -> Result<Attributes, AttributesError> {
    let amr = amr.iter().map(|method| (*method).to_owned()).collect();
    Attributes::default().with_auth(&Authentication { time, amr, acr: acr.map(str::to_owned) }, now())
}

/// The descriptions of both APIs promise it.
#[test]
fn a_detail_has_200_characters_at_most() {
    use AttributesError::*;
    for error in [TooMany, Name, Reserved, Value, Scope, AuthTime, Amr, Acr, Act, TooLarge, TooLargeTogether] {
        assert!(error.detail().len() <= 200, "{error}");
    }
}

#[test]
fn names_and_values_have_a_form() {
    let long = "n".repeat(32);
    let value = "é".repeat(128);
    for (name, value) in [("role", "admin"), ("a", "b"), ("a_1", " "), (&long, "x"), ("tenant", &value)] {
        assert_eq!(own(&[(name, value)]).unwrap().get(name), Some(value));
    }
    for name in ["", "Role", "1st", "_x", "a-b", "a.b", "é", "role ", &"n".repeat(33)] {
        assert_eq!(own(&[(name, "x")]), Err(AttributesError::Name), "{name}");
    }
    for name in RESERVED {
        assert_eq!(own(&[(name, "x")]), Err(AttributesError::Reserved), "{name}");
    }
    for value in ["", "a\nb", "\u{7f}", "\u{85}", &"x".repeat(257)] {
        assert_eq!(own(&[("role", value)]), Err(AttributesError::Value), "{value:?}");
    }
}

#[test]
fn there_are_sixteen_at_most_and_700_bytes() {
    let names: Vec<String> = (0..17).map(|number| format!("name_{number}")).collect();
    let pairs = |count: usize| names.iter().take(count).map(|name| (name.as_str(), "x")).collect::<Vec<_>>();
    assert_eq!(own(&pairs(16)).unwrap().own().count(), 16);
    assert_eq!(own(&pairs(17)), Err(AttributesError::TooMany));

    // Two pairs of 1 + 1 + 256 bytes, and one of 184.
    let (value, rest) = ("x".repeat(256), "x".repeat(182));
    assert_eq!(own(&[("a", &value), ("b", &value), ("c", &rest)]).unwrap().bytes(), MAX_BYTES);
    assert_eq!(own(&[("a", &value), ("b", &value), ("c", &format!("{rest}x"))]), Err(AttributesError::TooLarge));
    let scope = "s".repeat(MAX_BYTES - 6);
    assert_eq!(Attributes::default().with_scope(Some(&scope)).unwrap().bytes(), MAX_BYTES);
    assert_eq!(Attributes::default().with_scope(Some(&format!("{scope}s"))), Err(AttributesError::TooLarge));
}

#[test]
fn a_scope_is_tokens_with_a_space_between_two() {
    let scoped = |scope: &str| Attributes::default().with_scope(Some(scope));
    let found = scoped("orders:read orders:write").unwrap();
    assert!(found.has_scope("orders:read") && found.has_scope("orders:write"));
    assert!(!found.has_scope("orders") && !found.has_scope("") && !Attributes::default().has_scope(""));
    for wrong in ["", " ", "a  b", " a", "a ", "a\"b", "a\\b", "é", "a\tb"] {
        assert_eq!(scoped(wrong), Err(AttributesError::Scope), "{wrong:?}");
    }
    assert!(found.with_scope(None).unwrap().is_empty());
}

#[test]
fn an_authentication_lies_in_the_past() {
    let seconds = now().timestamp();
    let found = auth(seconds, &["pwd", "otp"], Some("urn:example:silver")).unwrap();
    assert_eq!((found.auth_time(), found.acr()), (Some(seconds), Some("urn:example:silver")));
    assert_eq!(found.amr().collect::<Vec<_>>(), ["pwd", "otp"]);
    assert_eq!(auth(seconds + 60, &[], None).unwrap().auth_time(), Some(seconds + 60));
    assert_eq!(auth(seconds + 61, &[], None), Err(AttributesError::AuthTime));
    assert_eq!(auth(-1, &[], None), Err(AttributesError::AuthTime));
    assert_eq!(auth(i64::MAX, &[], None), Err(AttributesError::AuthTime));
    for amr in ["", "a b", "é"] {
        assert_eq!(auth(seconds, &[amr], None), Err(AttributesError::Amr), "{amr:?}");
        assert_eq!(auth(seconds, &[], Some(amr)), Err(AttributesError::Acr), "{amr:?}");
    }
    // A step-up replaces the authentication before it, whole.
    let again = found.with_auth(&Authentication { time: seconds, ..Authentication::default() }, now()).unwrap();
    assert_eq!((again.amr().count(), again.acr()), (0, None));
}

#[test]
fn an_actor_has_an_id() {
    assert_eq!(Attributes::default().with_act("support@example.com").unwrap().act(), Some("support@example.com"));
    for wrong in ["", "a\u{0}", &"a".repeat(129)] {
        assert_eq!(Attributes::default().with_act(wrong), Err(AttributesError::Act));
    }
}

#[test]
fn a_name_in_both_maps_is_the_users() {
    let user = own(&[("role", "reader")]).unwrap().with_scope(Some("a")).unwrap();
    let login = own(&[("role", "admin"), ("tenant", "t1")]).unwrap().with_scope(Some("b")).unwrap();
    let both = LoginAttributes { user, version: 1, own: login, kept_until: now() };
    let merged = both.merged();
    assert_eq!((merged.get("role"), merged.get("tenant"), merged.scope()), (Some("reader"), Some("t1"), Some("a")));
}

#[test]
fn a_context_has_all_of_them_under_names_of_its_own() {
    let attributes = own(&[("role", "admin")]).unwrap().with_scope(Some("a b")).unwrap();
    let attributes = attributes.with_auth(&Authentication { time: 1, amr: vec!["pwd".into()], acr: Some("x".into()) }, now()).unwrap();
    let attributes = attributes.with_act("support").unwrap();
    let context: BTreeMap<String, &str> = attributes.in_context().map(|(name, value)| (name.into_owned(), value)).collect();
    let expected = [("acr", "x"), ("act", "support"), ("amr", "pwd"), ("attr_role", "admin"), ("auth_time", "1"), ("scope", "a b")];
    assert_eq!(context.iter().map(|(name, value)| (name.as_str(), *value)).collect::<Vec<_>>(), expected);
    let others = [("user_id", "u"), ("generation", "1")];
    let read = Attributes::of_context(context.iter().map(|(name, value)| (name.as_str(), *value)).chain(others));
    assert_eq!(read, attributes);
}

#[test]
fn a_rotation_extends_what_would_be_collected_before_its_login() {
    let days = TimeDelta::days;
    let attributes = LoginAttributes {
        user: Attributes::default(),
        version: 0,
        own: Attributes::default(),
        kept_until: LoginAttributes::kept_for(now()),
    };
    assert_eq!(attributes.extended(now()), None);
    assert_eq!(attributes.extended(now() + days(30)), None);
    let later = now() + days(30) + TimeDelta::seconds(1);
    assert_eq!(attributes.extended(later), Some(later + days(31)));
}
