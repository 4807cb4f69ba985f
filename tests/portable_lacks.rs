//! `tests/e2e/portable_lacks.txt` names tests that there are: one that was renamed would be left out
//! for no reason, or not at all.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_the_portable_calls_cannot_pass_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e");
    let list = fs::read_to_string(folder.join("portable_lacks.txt")).unwrap();
    let names: Vec<&str> = list.lines().filter(|line| line.contains("::")).collect();
    assert!(names.len() > 50, "{}", names.len());
    for name in names {
        let (path, function) = name.rsplit_once("::").unwrap();
        let place = path.replace("::", "/");
        let files = [format!("{place}.rs"), format!("{place}/mod.rs")];
        let text = files.iter().find_map(|file| fs::read_to_string(folder.join(file)).ok());
        let text = text.unwrap_or_else(|| panic!("no file of {name}"));
        assert!(text.contains(&format!("fn {function}(")), "{name}");
    }
}
