use super::*;

fn environment<'a>(variables: &'a [(&'a str, &'a str)]) -> Environment<'a> {
    Environment::from_fn(|name| variables.iter().rev().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned()))
}

const TABLES: [(&str, &str); 3] = [("SESSIONS_TABLE", "s"), ("USERS_TABLE", "u"), ("LOGIN_ATTEMPTS_TABLE", "a")];

fn login_with(variable: &'static str, value: &'static str) -> Result<LoginConfig, ConfigError> {
    let mut variables = TABLES.to_vec();
    variables.push((variable, value));
    LoginConfig::read(&environment(&variables))
}

fn refresh_with(variables: &[(&'static str, &'static str)]) -> Result<RefreshConfig, ConfigError> {
    LoginConfig::read(&environment(&TABLES))?;
    RefreshConfig::read(&environment(&[&TABLES[..], variables].concat()))
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let config = LoginConfig::read(&environment(&TABLES)).unwrap();
    assert_eq!(config.lifetimes, Lifetimes { access: Duration::from_secs(300), refresh: Duration::from_secs(604_800) });
    assert_eq!((config.session_limit, config.session_max_lifetime), (None, None));
    assert_eq!(
        config.throttle,
        Throttle {
            free_failures: 5,
            max_delay: Duration::from_secs(900),
            network_failures: 300,
            network_window: Duration::from_secs(300),
            account_failures: 100
        }
    );
    assert_eq!(refresh_with(&[]).unwrap().replay.window, Duration::from_secs(30));
}

#[test]
fn a_missing_table_is_named() {
    for missing in 0..3 {
        let mut variables = TABLES.to_vec();
        let (name, _) = variables.remove(missing);
        assert_eq!(LoginConfig::read(&environment(&variables)).unwrap_err().variable, name);
        let empty = [(name, "")];
        assert_eq!(LoginConfig::read(&environment(&[&TABLES[..], &empty].concat())).unwrap_err().variable, name);
    }
}

#[test]
fn every_variable_has_its_bounds_and_says_them() {
    for (variable, wrong) in [
        ("ACCESS_TOKEN_TTL", "59s"),
        ("ACCESS_TOKEN_TTL", "61m"),
        ("ACCESS_TOKEN_TTL", "five minutes"),
        ("REFRESH_TOKEN_TTL", "59m"),
        ("REFRESH_TOKEN_TTL", "91d"),
        ("SESSION_MAX_LIFETIME", "6d"),
        ("SESSION_MAX_LIFETIME", "no"),
        ("MAX_SESSIONS_PER_USER", "0"),
        ("MAX_SESSIONS_PER_USER", "-1"),
        ("ON_SESSION_LIMIT", "evict"),
        ("LOGIN_FREE_FAILURES", "0"),
        ("LOGIN_MAX_DELAY", "0"),
        ("LOGIN_NETWORK_FAILURES", "many"),
        ("LOGIN_NETWORK_WINDOW", "1s"),
        // NIST SP 800-63B allows 100 consecutive failures at most.
        ("LOGIN_ACCOUNT_FAILURES", "101"),
    ] {
        let error = login_with(variable, wrong).unwrap_err();
        assert_eq!(error.variable, variable);
        assert!(error.to_string().contains(wrong), "{error}");
    }
    for (variable, right) in [
        ("ACCESS_TOKEN_TTL", "1m"),
        ("ACCESS_TOKEN_TTL", "60m"),
        ("REFRESH_TOKEN_TTL", "90d"),
        ("SESSION_MAX_LIFETIME", "30d"),
        ("MAX_SESSIONS_PER_USER", "1"),
    ] {
        login_with(variable, right).unwrap();
    }
}

#[test]
fn an_error_says_what_to_write() {
    assert_eq!(
        login_with("ACCESS_TOKEN_TTL", "2h").unwrap_err().to_string(),
        r#"ACCESS_TOKEN_TTL is "2h": it takes a duration from 1m to 1h, such as 5m"#
    );
    assert_eq!(
        LoginConfig::read(&environment(&[])).unwrap_err().to_string(),
        "SESSIONS_TABLE is not set: it takes the name of the sessions table"
    );
}

#[test]
fn a_lost_answer_is_recovered_until_first_use_unless_there_is_no_window() {
    let until_first_use = |set: &'static [(&'static str, &'static str)]| refresh_with(set).map(|config| config.replay.until_first_use);
    assert_eq!(until_first_use(&[]), Ok(true));
    assert_eq!(until_first_use(&[("LOST_ANSWER", "until_first_use")]), Ok(true));
    assert_eq!(until_first_use(&[("LOST_ANSWER", "window")]), Ok(false));
    assert_eq!(until_first_use(&[("REPLAY_WINDOW", "0")]), Ok(false), "without a window there is none to count from a first use");
    assert_eq!(until_first_use(&[("REPLAY_WINDOW", "0"), ("LOST_ANSWER", "window")]), Ok(false));
    for wrong in [&[("LOST_ANSWER", "always")][..], &[("REPLAY_WINDOW", "0"), ("LOST_ANSWER", "until_first_use")]] {
        assert_eq!(until_first_use(wrong).unwrap_err().variable, "LOST_ANSWER");
    }
}

#[test]
fn the_replay_window_is_off_or_between_ten_seconds_and_five_minutes_and_below_access() {
    for (window, seconds) in [("0", 0), ("0s", 0), ("10s", 10), ("4m", 240)] {
        assert_eq!(refresh_with(&[("REPLAY_WINDOW", window)]).unwrap().replay.window.as_secs(), seconds);
    }
    for window in ["9s", "5m", "6m", "off"] {
        assert_eq!(refresh_with(&[("REPLAY_WINDOW", window)]).unwrap_err().variable, "REPLAY_WINDOW", "{window}");
    }
    refresh_with(&[("REPLAY_WINDOW", "5m"), ("ACCESS_TOKEN_TTL", "6m")]).unwrap();
}

#[test]
fn refresh_outlives_access() {
    let error = refresh_with(&[("ACCESS_TOKEN_TTL", "60m"), ("REFRESH_TOKEN_TTL", "1h")]).unwrap_err();
    assert_eq!(error.variable, "REFRESH_TOKEN_TTL");
}

#[test]
fn imported_tokens_are_accepted_only_where_it_says_so() {
    let read = |value| ReaderConfig::read(&environment(&[("SESSIONS_TABLE", "s"), ("ACCEPT_IMPORTED_TOKENS", value)]));
    assert_eq!(read("").unwrap().imported_tokens, ImportedTokens::Refused);
    assert_eq!(read("false").unwrap().imported_tokens, ImportedTokens::Refused);
    assert_eq!(read("true").unwrap().imported_tokens, ImportedTokens::Accepted);
    assert_eq!(refresh_with(&[("ACCEPT_IMPORTED_TOKENS", "true")]).unwrap().imported_tokens, ImportedTokens::Accepted);
    let refusal = read("yes").unwrap_err();
    assert_eq!((refusal.variable, refusal.takes.as_str()), ("ACCEPT_IMPORTED_TOKENS", "`true` or `false`"));
}

/// cli/src/template/tests/deployment.rs compares it with the template's parameter.
#[test]
fn an_origin_is_what_a_browser_sends() {
    let read = |value: &str| environment(&[("CORS_ALLOW_ORIGIN", value)]).cors_allow_origin();
    assert_eq!(environment(&[]).cors_allow_origin(), Ok(None));
    assert_eq!((read(""), read("none")), (Ok(None), Ok(None)));
    for taken in ["*", "https://app.example.com", "capacitor://localhost", "http://[::1]:3000"] {
        assert_eq!(read(taken), Ok(Some(taken.to_owned())));
    }
    assert_eq!(
        read("https://app.example.com/").unwrap_err().to_string(),
        "CORS_ALLOW_ORIGIN is \"https://app.example.com/\": it takes `none`, `*`, or an origin in lower case such as \
         https://app.example.com or capacitor://localhost"
    );
}

/// Lambda sets it: "$LATEST", or the number of a published version.
#[test]
fn signals_know_their_version() {
    let read = |version| environment(&[("METRICS_NAMESPACE", "n"), ("AWS_LAMBDA_FUNCTION_VERSION", version)]).signals(Function::Refresh);
    assert!(format!("{:?}", read("8").unwrap()).contains("version: Some(\"8\")"));
    assert!(format!("{:?}", read("$LATEST").unwrap()).contains("version: None"));
}

/// A name that CloudWatch takes, and that needs no escaping in JSON.
#[test]
fn a_metrics_namespace_is_one_of_our_own() {
    let read = |value: &str| environment(&[("METRICS_NAMESPACE", value)]).metrics_namespace();
    assert_eq!(environment(&[]).metrics_namespace(), Ok(None));
    assert_eq!(read(""), Ok(None));
    assert_eq!(read("Latchkey/latchkey-prod"), Ok(Some("Latchkey/latchkey-prod".into())));
    assert!(read(&"n".repeat(255)).is_ok());
    for wrong in ["AWS/Lambda", "\"", "a\\n", "a b", "a\n", ":a", "é", &"n".repeat(256)] {
        let error = read(wrong).unwrap_err();
        assert_eq!((error.variable, error.takes.contains("1 to 255 of")), ("METRICS_NAMESPACE", true), "{wrong:?}");
    }
}

#[test]
fn a_login_is_bound_by_dpop() {
    let read = |set: &[(&str, &str)]| LoginConfig::read(&environment(&[&TABLES[..], set].concat())).map(|config| config.binding);
    assert_eq!(read(&[]), Ok(Binding::Off));
    assert_eq!(read(&[("DPOP", "optional")]), Ok(Binding::Optional));
    assert_eq!(read(&[("DPOP", "required")]), Ok(Binding::Required));
    assert_eq!(read(&[("DPOP", "on")]).unwrap_err().variable, "DPOP");
}

/// A quarter, and never more than any foreign hash takes.
#[test]
fn a_foreign_hash_may_take_a_quarter_of_the_functions_memory() {
    for (memory, kib) in [(None, 131_072), (Some("256"), 65_536), (Some("511"), 130_816), (Some("512"), 131_072), (Some("10240"), 131_072)]
    {
        let mut variables = [&TABLES[..], &[("ACCEPT_FOREIGN_HASHES", "true")]].concat();
        variables.extend(memory.map(|memory| ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)));
        let config = LoginConfig::read(&environment(&variables)).unwrap();
        assert_eq!(config.foreign_hashes, ForeignHashes::Accepted { most_memory_kib: kib }, "{memory:?}");
    }
}
