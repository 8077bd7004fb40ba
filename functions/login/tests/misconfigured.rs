//! A missing or wrong setting stops the process at its start, with a line that says what to set.

use std::process::Command;

const TABLES: [(&str, &str); 3] = [("SESSIONS_TABLE", "s"), ("USERS_TABLE", "u"), ("LOGIN_ATTEMPTS_TABLE", "a")];

#[expect(clippy::unwrap_used, reason = "a test that can't start the program has failed")]
fn stops_with(variables: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_login")).env_clear().envs(variables.iter().copied()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let line = String::from_utf8(output.stdout).unwrap();
    assert!(line.contains(r#""level":"ERROR""#) && line.contains(r#""code":"misconfigured""#), "{line}");
    assert_eq!(line.lines().count(), 1);
    line
}

#[test]
fn a_missing_variable_is_named() {
    assert!(stops_with(&[]).contains("SESSIONS_TABLE is not set: it takes the name of the sessions table"));
    assert!(stops_with(&TABLES[..1]).contains("USERS_TABLE is not set"));
    assert!(stops_with(&TABLES[..2]).contains("LOGIN_ATTEMPTS_TABLE is not set"));
}

#[test]
fn an_origin_with_a_path_lets_in_no_page_and_is_refused() {
    let variables = [&TABLES[..], &[("CORS_ALLOW_ORIGIN", "https://app.example.com/")]].concat();
    assert!(stops_with(&variables).contains(r#"CORS_ALLOW_ORIGIN is \"https://app.example.com/\": it takes `none`, `*`, or an origin"#));
}

#[test]
fn a_wrong_variable_is_named_with_what_it_takes() {
    let variables = [&TABLES[..], &[("ACCESS_TOKEN_TTL", "2h")]].concat();
    assert!(stops_with(&variables).contains(r#"ACCESS_TOKEN_TTL is \"2h\": it takes a duration from 1m to 1h, such as 5m"#));
}
