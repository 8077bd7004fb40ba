//! The dependencies of the functions: one TLS stack and one crypto library. Every megabyte adds to a cold start, and a
//! second library has to be kept up to date too.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

const FUNCTIONS: [&str; 5] = ["latchkey-admin", "latchkey-authorizer", "latchkey-login", "latchkey-refresh", "latchkey-sessions"];

/// The packages of a function's binary, each with its dependent.
fn tree(function: &str) -> Vec<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--package", function, "--edges", "normal", "--prefix", "depth", "--no-dedupe", "--format", " {p}"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut ancestors: Vec<String> = Vec::new();
    let mut tree = Vec::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (depth, package) = line.split_once(' ').unwrap();
        let name = package.split(' ').next().unwrap().to_owned();
        ancestors.truncate(depth.parse().unwrap());
        tree.push((ancestors.last().cloned().unwrap_or_default(), name.clone()));
        ancestors.push(name);
    }
    tree
}

#[test]
fn a_function_links_one_tls_stack_and_one_library_of_cryptography() {
    for function in FUNCTIONS {
        let tree = tree(function);
        assert!(tree.len() > 100, "{function}: {} packages", tree.len());
        let has = |name: &str| tree.iter().any(|(_, package)| package == name);
        assert!(has("rustls") && has("ring"), "{function}");
        for other in ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls", "s2n-tls", "boring", "aes-gcm", "hkdf", "p256"] {
            assert!(!has(other), "{function} links {other}");
        }
        // The functions of other systems' password hashes. The login function alone verifies them.
        let verifies_foreign_hashes = function == "latchkey-login";
        for of_foreign_hashes in ["bcrypt", "md-5", "pbkdf2", "scrypt", "sha1"] {
            assert_eq!(has(of_foreign_hashes), verifies_foreign_hashes, "{function} and {of_foreign_hashes}");
        }
        // The libraries that aws-sigv4 signs with, and those that Argon2 uses.
        let foreign: &[&str] = if verifies_foreign_hashes { &["latchkey", "pbkdf2", "scrypt"] } else { &[] };
        for (name, asked_for_by) in [("sha2", "aws-sigv4"), ("hmac", "aws-sigv4"), ("blake2", "argon2")] {
            let by: BTreeSet<_> = tree.iter().filter(|(_, package)| package == name).map(|(parent, _)| parent.as_str()).collect();
            let all_known = by.iter().all(|parent| *parent == asked_for_by || foreign.contains(parent));
            assert!(all_known, "{function}: {name} is required by {by:?}");
        }
    }
}

/// Servers and test libraries are not linked into the functions.
#[test]
fn a_function_links_nothing_of_the_development_server() {
    for function in FUNCTIONS {
        for (_, package) in tree(function) {
            assert!(!["dynoxide-rs", "axum", "reqwest", "clap", "rusqlite"].contains(&package.as_str()), "{function} links {package}");
        }
    }
}

/// The features of each package from the registry, as cargo builds these targets.
fn features(targets: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--prefix", "none", "--format", "{p} [{f}]"])
        .args(targets)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut features: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines().filter(|line| line.ends_with(']') || line.ends_with("] (*)")) {
        let (package, of_package) = line.split_once(" [").unwrap();
        // Our own packages have a path.
        if !package.contains(" (/") {
            features.entry(package.to_owned()).or_default().insert(of_package.trim_end_matches(" (*)").to_owned());
        }
    }
    features
}

/// A crate with other features is another crate to cargo: it would be compiled again, with all that is built on it.
#[test]
fn the_tests_compile_no_crate_of_the_command_again() {
    let command = features(&["--package", "latchkey-cli", "--edges", "normal,build"]);
    let tests = features(&["--workspace", "--edges", "normal,build,dev"]);
    assert!(command.len() > 200 && command.len() < tests.len(), "{} and {}", command.len(), tests.len());
    for (package, of_command) in &command {
        assert_eq!(of_command, &tests[package], "{package} has other features in the tests: name them in cli/Cargo.toml");
    }
}

/// No `unsafe` in our own code. The workspace forbids it; this finds a crate that doesn't inherit the workspace's lints.
#[test]
fn every_crate_forbids_unsafe_code() {
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let workspace = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    assert!(workspace.contains("[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"));
    let members = workspace.lines().find_map(|line| line.strip_prefix("members = [")).unwrap();
    let members: Vec<_> = members.split('"').skip(1).step_by(2).collect();
    assert!(members.len() >= 9, "{members:?}");
    for member in members {
        let manifest = std::fs::read_to_string(root.join(member).join("Cargo.toml")).unwrap();
        assert!(manifest.contains("\n[lints]\nworkspace = true\n"), "{member}");
    }
}
