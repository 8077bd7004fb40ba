//! Every case and promise that a comment or a test's name cites exists: cases in docs/cases.md, promises in
//! docs/assurance.md.
//!
//! A comment cites cases in one of two ways: it begins with their ids and a colon, or it says "case" or "promise" and the
//! id. A test cites one by beginning its name with the id in lower case.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every Rust file of the repository outside build directories.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && !["target", "node_modules"].contains(&name.as_str()) {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// A capital letter and one or two digits.
fn is_id(text: &str) -> bool {
    let mut characters = text.chars();
    let letter = characters.next().is_some_and(|letter| letter.is_ascii_uppercase());
    letter && (2..=3).contains(&text.len()) && characters.all(|digit| digit.is_ascii_digit())
}

/// The ids that the tables of docs/cases.md define, and the promises that docs/assurance.md lists.
fn defined(cases: &str, assurance: &str) -> BTreeSet<String> {
    let rows = cases.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let promises = assurance.lines().filter_map(|line| line.strip_prefix("- ")?.split(':').next());
    rows.chain(promises).filter(|id| is_id(id)).map(str::to_owned).collect()
}

/// The ids at the beginning of a comment, before its first colon: `B1, B2: …`, `G1 and G3: …`.
fn leading(comment: &str) -> Vec<&str> {
    let Some((head, _)) = comment.split_once(':') else { return Vec::new() };
    let ids: Vec<_> = head.split([',', ' ']).filter(|word| !["", "and", "Promise"].contains(word)).collect();
    if ids.iter().all(|id| is_id(id)) { ids } else { Vec::new() }
}

/// The id after "case" or "promise", anywhere in the line.
fn named(text: &str) -> Vec<&str> {
    let words: Vec<_> = text.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_noun = |word: &str| ["case", "Case", "promise", "Promise"].contains(&word);
    words.windows(2).filter(|pair| is_noun(pair[0]) && is_id(pair[1])).map(|pair| pair[1]).collect()
}

/// The id at the beginning of a function's name: `l4_lengths_at_the_edges`.
fn in_name(line: &str) -> Option<String> {
    let name = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    let id = name.split('_').next()?.to_ascii_uppercase();
    (is_id(&id) && name.len() > id.len() + 1).then_some(id)
}

/// All ids that a source cites, each with its line.
fn cited(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (place, line) in source.lines().enumerate() {
        let line = line.trim();
        let comment = ["//! ", "/// ", "// "].iter().find_map(|marker| line.strip_prefix(marker));
        let ids = comment.map(leading).unwrap_or_default().into_iter().chain(named(line)).map(str::to_owned);
        found.extend(ids.chain(in_name(line)).map(|id| (place + 1, id)));
    }
    found
}

#[test]
fn every_case_that_is_cited_is_in_the_catalogue() {
    let document = |name: &str| fs::read_to_string(root().join("docs").join(name)).unwrap();
    let defined = defined(&document("cases.md"), &document("assurance.md"));
    let mut paths = Vec::new();
    sources(&root(), &mut paths);
    let own = root().join("tests/system/cases.rs");
    let (mut unknown, mut known) = (Vec::new(), BTreeSet::new());
    for path in paths.into_iter().filter(|path| *path != own) {
        for (line, id) in cited(&fs::read_to_string(&path).unwrap()) {
            if defined.contains(&id) {
                known.insert(id);
            } else {
                unknown.push(format!("{}:{line}: {id}", path.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "not in docs/cases.md or docs/assurance.md:\n{}", unknown.join("\n"));
    assert!(known.len() > 30, "only {known:?}: the search doesn't find the citations");
}

/// The check finds citations and ignores other ids.
#[test]
fn citations_are_found_and_an_unknown_one_is_not_defined() {
    let defined = defined("| id | case |\n|---|---|\n| B1 | The scheme | R9 |\n", "- G1: one session\n");
    assert_eq!(defined.iter().map(String::as_str).collect::<Vec<_>>(), ["B1", "G1"]);
    let ids = |source: &str| cited(source).into_iter().map(|(_, id)| id).collect::<Vec<_>>().join(" ");
    assert_eq!(ids("/// B1, R99: two\n//! G1 and G3: both\n    // A4: inside"), "B1 R99 G1 G3 A4");
    assert_eq!(ids("/// would refuse the next (case A1).\nassert!(x, \"case K1\");\n//! Promise G5: 503"), "A1 K1 G5 G5");
    assert_eq!(ids("async fn l4_lengths() {}\nfn f99_unknown() {}\nfn a_1() {}\nfn b1() {}"), "L4 F99");
    assert_eq!(ids("/// Amazon Root CA 1: no\n/// An S3 bucket, V7 of ASVS: no"), "");
    assert!(!defined.contains("R99") && !defined.contains("F99"));
}
