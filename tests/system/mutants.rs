//! Each mutant of tests/mutants/by_hand.toml changes one place of today's code. One that finds no place would break nothing.

use std::{fs, path::Path};

/// The string under `name` in a table of the file, as it is written. None of them has an escape.
fn text<'a>(mutant: &'a str, name: &str) -> &'a str {
    let (_, after) = mutant.split_once(&format!("\n{name} = ")).unwrap();
    let quotes = ["\"\"\"", "'''", "\"", "'"];
    let quote = quotes.into_iter().find(|quote| after.starts_with(quote)).unwrap();
    after.strip_prefix(quote).unwrap().split_once(quote).unwrap().0
}

#[test]
fn each_mutant_by_hand_changes_one_place() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let file = fs::read_to_string(root.join("tests/mutants/by_hand.toml")).unwrap();
    let mutants: Vec<_> = file.split("\n[[mutant]]").skip(1).collect();
    assert!(mutants.len() > 50, "{}", mutants.len());
    for mutant in mutants {
        let (name, file, place) = (text(mutant, "name"), text(mutant, "file"), text(mutant, "replace"));
        let code = fs::read_to_string(root.join(file)).unwrap_or_default();
        assert_eq!(code.matches(place).count(), 1, "{name}: {file} has to contain this once: {place}");
        assert_ne!(text(mutant, "with"), place, "{name}");
        for test in mutant.split("--test system ").skip(1) {
            // What follows the module is a test's name or how names begin; without any it is the whole module.
            let (module, test) = test.split(['"', ' ']).next().unwrap().split_once("::").unwrap();
            let tests = fs::read_to_string(root.join(format!("tests/system/{module}.rs"))).unwrap_or_default();
            assert!(tests.contains(&format!("fn {test}")), "{name}: there is no test {module}::{test}");
        }
    }
}
