//! Which part of `shared` may import which. The order keeps decisions free of DynamoDB, and the store free of decisions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Each part with the parts it may import, lowest first.
const MAY_IMPORT: [(&str, &[&str]); 24] = [
    ("clock", &[]),
    ("crypto", &[]),
    ("entropy", &[]),
    ("lib", &[]),
    ("dpop", &["crypto"]),
    ("backoff", &["entropy"]),
    ("ids", &["entropy"]),
    ("username", &[]),
    ("password", &["entropy"]),
    ("token", &["crypto", "entropy", "ids"]),
    ("limits", &[]),
    ("sdk_error", &[]),
    ("throttle", &["clock", "crypto", "entropy", "username"]),
    ("telling", &["clock", "sdk_error"]),
    ("model", &["clock", "crypto", "dpop", "ids", "password", "token", "username"]),
    ("import", &["crypto", "dpop", "ids", "model", "token"]),
    ("decision", &["dpop", "ids", "model", "token"]),
    ("dynamodb", &["clock", "entropy", "limits", "telling"]),
    ("store", &["clock", "dpop", "dynamodb", "ids", "model", "password", "sdk_error", "throttle", "token", "username"]),
    ("config", &["decision", "model", "password", "telling", "throttle", "token"]),
    ("aws", &["clock", "config", "dynamodb", "limits"]),
    (
        "operations",
        &[
            "backoff", "clock", "config", "crypto", "decision", "dpop", "entropy", "ids", "import", "limits", "model", "password", "store",
            "telling", "throttle", "token", "username",
        ],
    ),
    ("http", &["clock", "decision", "dpop", "entropy", "ids", "limits", "model", "operations", "store", "telling", "token"]),
    ("function", &["aws", "clock", "config", "dynamodb", "limits", "store", "telling"]),
];

pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The first name of each path that follows `crate::`, outside comments and what only tests compile.
fn imported(code: &str) -> BTreeSet<String> {
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut parts = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            None => parts.extend(first_name(after)),
            Some(tree) => {
                let mut depth = 0;
                let mut begins = true;
                for (at, character) in tree.char_indices() {
                    if begins && depth == 0 && character.is_ascii_alphabetic() {
                        parts.extend(first_name(tree.get(at..).unwrap()));
                    }
                    match character {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    begins = character == ',' || (begins && character.is_whitespace()) || at == 0 && character.is_whitespace();
                }
            }
        }
    }
    parts
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|character| character.is_ascii_lowercase() || *character == '_').collect();
    // `crate::CryptoError` is the one name at the root.
    if name.is_empty() { text.starts_with("CryptoError").then(|| "crypto".to_owned()) } else { Some(name) }
}

/// Test modules may import from anywhere: they take their values from each other.
fn is_test(path: &Path) -> bool {
    let tests = ["tests", "tests.rs", "states.rs", "script.rs", "golden.rs"];
    path.components().any(|part| tests.contains(&part.as_os_str().to_str().unwrap()))
}

fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/src"));
    let mut files = Vec::new();
    sources(root, &mut files);
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let inside = file.strip_prefix(root).unwrap();
        if is_test(inside) {
            continue;
        }
        let part = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let of_file = imported(&fs::read_to_string(&file).unwrap()).into_iter().filter(|other| *other != part);
        imports.entry(part.clone()).or_default().extend(of_file);
    }
    imports
}

#[test]
fn each_part_imports_only_what_lies_below_it() {
    let imports = imports();
    let known: BTreeSet<&str> = MAY_IMPORT.iter().map(|(part, _)| *part).collect();
    assert_eq!(imports.keys().map(String::as_str).collect::<BTreeSet<_>>(), known, "every part of shared has its row");
    for (part, allowed) in MAY_IMPORT {
        let wrong: Vec<_> = imports[part].iter().filter(|other| !allowed.contains(&other.as_str())).collect();
        assert!(wrong.is_empty(), "{part} imports {wrong:?}");
    }
}

#[test]
fn the_rows_allow_no_circle() {
    let mut below: BTreeSet<&str> = BTreeSet::new();
    for (part, allowed) in MAY_IMPORT {
        for other in allowed {
            assert!(below.contains(other), "{part} stands above {other} in the table, or they form a circle");
        }
        below.insert(part);
    }
}

#[test]
fn imports_are_read_from_every_form_of_a_path() {
    let read = |code: &str| imported(code).into_iter().collect::<Vec<_>>();
    assert_eq!(read("use crate::clock::Clock;"), ["clock"]);
    assert_eq!(read("use crate::{\n    CryptoError,\n    ids::{Generation, LoginId},\n    token::Kind,\n};"), ["crypto", "ids", "token"]);
    assert_eq!(read("fn f() { crate::store::read() }\n// crate::log"), ["store"]);
    assert_eq!(read("pub(in crate::store) fn f() {}"), ["store"]);
    assert_eq!(read("fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::decision;\n}"), Vec::<String>::new());
}
