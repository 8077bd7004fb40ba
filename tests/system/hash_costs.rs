//! Tests hash passwords at the least costs. Nothing else may.

use std::{fs, path::Path};

use crate::imports::sources;

/// The least costs are for the tests alone: what is deployed, and the command, hash passwords with the current ones.
#[test]
fn only_tests_hash_at_the_least_costs() {
    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let read = |path: &str| fs::read_to_string(format!("{ROOT}/{path}")).unwrap();
    for path in ["functions/login/src/main.rs", "functions/admin/src/main.rs", "cli/src/linked.rs", "cli/src/users/import.rs"] {
        let source = read(path);
        assert!(source.contains("Hashing::new(Costs::CURRENT"), "{path}");
        assert_eq!(source.matches("Hashing::new(").count(), 1, "{path}");
    }
    let mut files = Vec::new();
    for folder in ["shared/src", "functions", "cli/src"] {
        sources(&Path::new(ROOT).join(folder), &mut files);
    }
    let naming = files.iter().filter(|path| fs::read_to_string(path).unwrap().contains("::LEAST"));
    let naming: Vec<_> = naming.map(|path| path.strip_prefix(ROOT).unwrap().to_str().unwrap()).collect();
    assert_eq!(naming, ["shared/src/password/tests.rs"]);
}
