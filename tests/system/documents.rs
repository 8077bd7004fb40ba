//! Checks the documents: each relative link has a target, each anchor is a heading, and each test that a document names
//! exists.
//!
//! A link to a Rust file whose text is one word in code, such as [`nobody_listens`](outage.rs), names a test of that file.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every Markdown file of the repository outside build and package directories.
fn documents(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let left_out = ["target", "node_modules"].contains(&name.as_str()) || (name.starts_with('.') && name != ".github");
            if !left_out {
                documents(&path, found);
            }
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// A link as written: its text, its target, and whether the text is code.
#[derive(Debug)]
struct Link {
    text: String,
    to: String,
    is_code: bool,
}

#[derive(Debug, Default)]
struct Document {
    links: Vec<Link>,
    anchors: Vec<String>,
}

impl Document {
    fn read(markdown: &str) -> Self {
        let mut document = Self::default();
        let (mut link, mut heading) = (None::<Link>, None::<String>);
        for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    link = Some(Link { text: String::new(), to: dest_url.to_string(), is_code: false });
                }
                Event::End(TagEnd::Link | TagEnd::Image) => document.links.extend(link.take()),
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => document.add_anchor(&heading.take().unwrap_or_default()),
                Event::Text(text) | Event::Code(text) if link.is_some() || heading.is_some() => {
                    if let Some(link) = &mut link {
                        link.text.push_str(&text);
                    }
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        for link in &mut document.links {
            link.is_code = markdown.contains(&format!("[`{}`](", link.text));
        }
        document
    }

    /// Anchors as GitHub makes them: lower case, spaces to hyphens, no punctuation, numbered where they repeat.
    fn add_anchor(&mut self, heading: &str) {
        let kept = heading.trim().to_lowercase().replace(' ', "-");
        let slug: String = kept.chars().filter(|each| each.is_alphanumeric() || "-_".contains(*each)).collect();
        let before = self.anchors.iter().filter(|anchor| **anchor == slug).count();
        self.anchors.push(if before == 0 { slug } else { format!("{slug}-{before}") });
    }
}

/// Whether this Rust source has a test of that name.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(place, line)| {
        let named = ["fn ", "async fn "].iter().any(|start| line.starts_with(&format!("{start}{name}(")));
        let mut attributes = lines.iter().take(place).rev().take_while(|line| line.starts_with('#') || line.starts_with("///"));
        named && attributes.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

/// The error in the link, if any.
fn breach(link: &Link, from: &Path, all: &HashMap<PathBuf, Document>) -> Option<String> {
    if link.to.starts_with("https://") || link.to.starts_with("http://127.0.0.1") || link.to.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.to.split_once('#').unwrap_or((&link.to, ""));
    let target = if path.is_empty() { from.to_owned() } else { from.parent()?.join(path) };
    let Ok(target) = target.canonicalize() else { return Some("no such target".into()) };
    if !target.starts_with(root()) {
        return Some("the target is outside the repository".into());
    }
    if !anchor.is_empty() && !all.get(&target).is_some_and(|document| document.anchors.iter().any(|each| each == anchor)) {
        return Some(format!("there is no heading #{anchor}"));
    }
    let names_a_test = link.is_code && path.ends_with(".rs") && link.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (names_a_test && !has_test(&fs::read_to_string(&target).unwrap(), &link.text)).then(|| "it has no such test".into())
}

#[test]
fn every_link_leads_somewhere_and_every_test_that_is_named_is_there() {
    let mut paths = Vec::new();
    documents(&root(), &mut paths);
    let all: HashMap<_, _> = paths.into_iter().map(|path| (path.clone(), Document::read(&fs::read_to_string(&path).unwrap()))).collect();
    let mut breaches = Vec::new();
    for (path, document) in &all {
        for link in &document.links {
            breaches.extend(breach(link, path, &all).map(|breach| format!("{}: [{}]({}): {breach}", path.display(), link.text, link.to)));
        }
    }
    breaches.sort_unstable();
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
    let links: usize = all.values().map(|document| document.links.len()).sum();
    assert!(all.len() > 20 && links > 200, "{} documents, {links} links: the search doesn't find them", all.len());
}

/// The check finds broken links and accepts good ones.
#[test]
fn a_broken_link_a_missing_anchor_and_a_test_that_is_gone_are_seen() {
    let here = root().join("tests/system/documents.md");
    let check = |markdown: &str| {
        let all = HashMap::from([(here.clone(), Document::read(markdown))]);
        all[&here].links.iter().map(|link| breach(link, &here, &all).unwrap_or_default()).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(check("[a](outage.rs), [b](../system), [c](https://example.com/x)"), "; ; ");
    assert_eq!(check("[a](nothing.rs) and [b](/etc/passwd)"), "no such target; the target is outside the repository");
    assert_eq!(check("# One `two`: three\n[a](outage.rs#x)"), "there is no heading #x");
    let (own, root_anchor) = (here.parent().unwrap().join("../../README.md").canonicalize().unwrap(), "#one-two-three");
    assert!(own.exists() && Document::read("# One `two`: three\n").anchors == [root_anchor.trim_start_matches('#')]);
    assert_eq!(Document::read("# A\n# A\n").anchors, ["a", "a-1"]);
    assert_eq!(
        check("[`nobody_listens`](outage.rs) [`every_route_is_unavailable`](outage.rs) [nobody](outage.rs)"),
        "; it has no such test; "
    );
    assert_eq!(check("| a |\n|---|\n| [`gone`](outage.rs) |"), "it has no such test");
}
