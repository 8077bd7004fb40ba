//! Documents and comments use plain words: the glossary has its twelve, and phrases that hide the subject of a sentence are
//! refused.
//!
//! The tests skip code, commands and shown output, and the documents of clients/.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A phrase in lower case, and what to write instead.
const AVOIDED: [(&str, &str); 16] = [
    ("nobody", "name the user, the client or the function, or say \"no user\""),
    ("somebody", "name the user, the attacker or the operator"),
    ("whoever", "name the user, the attacker or the operator"),
    ("anybody", "\"any client\", \"any user\""),
    ("stands for", "\"represents\", \"is\""),
    ("stood for", "\"represented by\""),
    ("comes to be", "\"is created\""),
    ("came to be", "\"was created\""),
    ("is told by", "\"is shown by\", \"is reported by\""),
    ("turned back", "\"rolled back\""),
    ("gone on with", "\"resumed\""),
    ("what is there", "name the items"),
    ("after-work", "\"cleanup\""),
    ("afterwork", "\"cleanup\""),
    ("a hole", "\"a vulnerability\""),
    ("tried again", "\"retried\""),
];

/// The folders whose comments are checked.
const PLAIN: [&str; 9] =
    ["bench", "examples", "fuzz", "tests/conformance", "tests/faults", "tests/leaks", "tests/measure", "tests/support", "tests/system"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The files in a directory with this ending, except those of clients/.
fn files(directory: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let left_out = ["target", "node_modules", "clients"].contains(&name.as_str()) || name.starts_with('.');
        if path.is_dir() && !left_out {
            files(&path, ending, found);
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

/// A document's sentences in lower case, each block on a line of its own, without code.
fn prose(markdown: &str) -> String {
    let (mut text, mut in_code) = (String::new(), false);
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Text(words) if !in_code => text.push_str(&words.to_lowercase()),
            Event::SoftBreak => text.push(' '),
            Event::Code(_) => text.push('`'),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::TableCell | TagEnd::Item) => text.push('\n'),
            _ => {}
        }
    }
    text
}

/// The comments of a Rust source that have lines of their own, as Markdown: one paragraph for adjacent lines.
fn comments(source: &str) -> String {
    let comment = |line: &str| ["//!", "///", "//"].iter().find_map(|marker| line.trim_start().strip_prefix(marker).map(str::to_owned));
    source.lines().map(|line| comment(line).unwrap_or_default() + "\n").collect()
}

/// The avoided phrases in a text, each with its file.
fn avoided(path: &Path, text: &str) -> Vec<String> {
    let each = AVOIDED.iter().filter(|(phrase, _)| has(text, phrase));
    each.map(|(phrase, instead)| format!("{}: \"{phrase}\": {instead}", path.display())).collect()
}

/// Whether the phrase is in the text as whole words.
fn has(text: &str, phrase: &str) -> bool {
    let inside = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    text.match_indices(phrase).any(|(place, found)| {
        let (before, after) = (text.get(..place).unwrap(), text.get(place + found.len()..).unwrap());
        !inside(before.chars().next_back()) && !inside(after.chars().next())
    })
}

#[test]
fn the_documents_keep_to_plain_words() {
    let mut paths = Vec::new();
    files(&root(), ".md", &mut paths);
    assert!(paths.len() > 20, "{paths:?}");
    let mut found = Vec::new();
    for path in paths {
        let text = prose(&fs::read_to_string(&path).unwrap());
        found.extend(avoided(&path, &text));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn comments_keep_to_plain_words() {
    let mut paths = Vec::new();
    for folder in PLAIN {
        files(&root().join(folder), ".rs", &mut paths);
    }
    assert!(paths.len() > 80, "{paths:?}");
    let found: Vec<_> = paths.iter().flat_map(|path| avoided(path, &prose(&comments(&fs::read_to_string(path).unwrap())))).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_glossary_has_twelve_words() {
    let architecture = include_str!("../../docs/architecture.md");
    let (_, glossary) = architecture.split_once("\n## Glossary\n").unwrap();
    let (glossary, _) = glossary.split_once("\n## ").unwrap();
    let words: Vec<_> = glossary.lines().filter_map(|line| line.strip_prefix("| **")?.split("**").next()).collect();
    assert_eq!(
        words,
        ["user", "login", "session", "pair", "generation", "rotate", "replay", "reuse", "end", "proof", "register", "authorizer"]
    );
}

/// The check finds phrases in prose and in comments, and skips code.
#[test]
fn a_phrase_is_found_in_prose_and_not_in_code() {
    let found = |markdown: &str| has(&prose(markdown), "nobody");
    assert!(found("It logs\nNobody out.") && found("| a |\n|---|\n| for nobody |"));
    assert!(!found("`nobody` and [`nobody_listens`](a.rs)\n\n```text\nnobody\n```") && !found("nobodys"));
    assert!(has(&prose("It stands\nfor a login"), "stands for"));
    let found = |source: &str| has(&prose(&comments(source)), "nobody");
    assert!(found("/// For\n    /// nobody.\nfn f() {}") && found("//! Nobody."));
    assert!(!found("// `nobody`\nlet nobody = 1;"));
}
