//! The functions' settings, as far as this environment sets them.

use std::collections::BTreeMap;

use latchkey::config::{AdminConfig, ConfigError, Environment, LoginConfig, ReaderConfig, RefreshConfig};

use super::Check;

/// All settings except the names of tables.
const VARIABLES: [&str; 17] = [
    "ACCESS_TOKEN_TTL",
    "REFRESH_TOKEN_TTL",
    "REPLAY_WINDOW",
    "LOST_ANSWER",
    "SESSION_MAX_LIFETIME",
    "MAX_SESSIONS_PER_USER",
    "ON_SESSION_LIMIT",
    "LOGIN_FREE_FAILURES",
    "LOGIN_MAX_DELAY",
    "LOGIN_NETWORK_FAILURES",
    "LOGIN_NETWORK_WINDOW",
    "LOGIN_ACCOUNT_FAILURES",
    "ACCEPT_IMPORTED_TOKENS",
    "ACCEPT_FOREIGN_HASHES",
    "CORS_ALLOW_ORIGIN",
    "DPOP",
    "METRICS_NAMESPACE",
];

/// Whether a function would start with the settings of `environment`.
pub(super) fn check(environment: &Environment<'_>) -> Vec<Check> {
    let what = "settings within bounds";
    let set: BTreeMap<_, _> = VARIABLES.iter().filter_map(|name| Some((*name, environment.get(name)?))).collect();
    if set.is_empty() {
        return vec![Check::skipped(what, "none of the functions' variables is set here; run this with theirs to have them checked")];
    }
    // The tables have checks of their own.
    let environment = Environment::from_fn(|name| set.get(name).cloned().or_else(|| name.ends_with("_TABLE").then(|| "-".to_owned())));
    let read = [
        LoginConfig::read(&environment).err(),
        RefreshConfig::read(&environment).err(),
        ReaderConfig::read(&environment).err(),
        AdminConfig::read(&environment).err(),
        environment.cors_allow_origin().err(),
        environment.metrics_namespace().err(),
    ];
    let wrong: BTreeMap<_, _> = read.into_iter().flatten().map(|error: ConfigError| (error.variable, error)).collect();
    if wrong.is_empty() {
        return vec![Check::ok(what)];
    }
    let finding =
        |error: ConfigError| Check::finding(what, format!("{} {}", error.variable, error.problem), format!("it takes {}", error.takes));
    wrong.into_values().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Outcome;

    fn checked(set: &[(&str, &str)]) -> Vec<Outcome> {
        let environment = Environment::from_fn(|name| set.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned()));
        check(&environment).into_iter().map(|check| check.outcome).collect()
    }

    /// The first table of docs/configuration.md, whose rows begin with the variable.
    #[test]
    fn every_documented_variable_is_checked() {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md")).unwrap();
        let first = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(name, _)| name);
        let documented: Vec<_> = first.filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')).collect();
        let mut checked = VARIABLES.to_vec();
        checked.extend(documented.iter().filter(|name| name.ends_with("_TABLE")));
        let sorted = |mut names: Vec<&str>| {
            names.sort_unstable();
            names.join(" ")
        };
        assert_eq!(sorted(checked), sorted(documented));
    }

    #[test]
    fn what_would_stop_a_function_is_found() {
        assert!(matches!(checked(&[("SESSIONS_TABLE", "s")]).as_slice(), [Outcome::Skipped(_)]));
        assert_eq!(checked(&[("ACCESS_TOKEN_TTL", "10m")]), [Outcome::Ok]);
        let wrong = checked(&[("ACCESS_TOKEN_TTL", "2h"), ("LOGIN_FREE_FAILURES", "5"), ("ACCEPT_IMPORTED_TOKENS", "yes")]);
        let [Outcome::Finding { found: imported, .. }, Outcome::Finding { found: access, fix }] = wrong.as_slice() else {
            panic!("{wrong:?}")
        };
        assert_eq!((imported.as_str(), access.as_str()), ("ACCEPT_IMPORTED_TOKENS is \"yes\"", "ACCESS_TOKEN_TTL is \"2h\""));
        assert_eq!(fix, "it takes a duration from 1m to 1h, such as 5m");
        let origin = checked(&[("CORS_ALLOW_ORIGIN", "https://app.example.com/")]);
        assert!(matches!(origin.as_slice(), [Outcome::Finding { found, .. }] if found.starts_with("CORS_ALLOW_ORIGIN is")), "{origin:?}");
        let metrics = checked(&[("METRICS_NAMESPACE", "AWS/Latchkey")]);
        assert!(matches!(metrics.as_slice(), [Outcome::Finding { found, .. }] if found.starts_with("METRICS_NAMESPACE is")), "{metrics:?}");
        let pair = checked(&[("ACCESS_TOKEN_TTL", "1h"), ("REFRESH_TOKEN_TTL", "1h")]);
        assert!(matches!(pair.as_slice(), [Outcome::Finding { fix, .. }] if fix == "it takes more than ACCESS_TOKEN_TTL"), "{pair:?}");
    }
}
