//! The documents keep to plain words: the glossary has its twelve, and phrases that once hid the subject of a sentence stay out.
//!
//! Code, commands and shown output are not prose, and are not read. clients/ has documents of its own kind.

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

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The repository's documents but for clients/.
fn documents(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let left_out = ["target", "node_modules", "clients"].contains(&name.as_str()) || name.starts_with('.');
        if path.is_dir() && !left_out {
            documents(&path, found);
        } else if name.ends_with(".md") {
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
    documents(&root(), &mut paths);
    assert!(paths.len() > 20, "{paths:?}");
    let mut found = Vec::new();
    for path in paths {
        let text = prose(&fs::read_to_string(&path).unwrap());
        let each = AVOIDED.iter().filter(|(phrase, _)| has(&text, phrase));
        found.extend(each.map(|(phrase, instead)| format!("{}: \"{phrase}\": {instead}", path.display())));
    }
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

/// The check itself sees what it is for.
#[test]
fn a_phrase_is_found_in_prose_and_not_in_code() {
    let found = |markdown: &str| has(&prose(markdown), "nobody");
    assert!(found("It logs\nNobody out.") && found("| a |\n|---|\n| for nobody |"));
    assert!(!found("`nobody` and [`nobody_listens`](a.rs)\n\n```text\nnobody\n```") && !found("nobodys"));
    assert!(has(&prose("It stands\nfor a login"), "stands for"));
}
