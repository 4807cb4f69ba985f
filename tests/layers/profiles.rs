//! How Cargo.toml has things built: a clone soon, packages small. A setting is one line that is easily lost, and then
//! nothing fails but a stranger's patience.

use std::fs;
use std::path::Path;
use toml::Table;

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn profile(name: &str) -> Table {
    let manifest: Table = file("Cargo.toml").parse().expect("Cargo.toml is TOML");
    manifest["profile"][name].as_table().expect("a profile is a table").clone()
}

#[test]
fn a_clone_is_built_soon() {
    let release = profile("release");
    assert_eq!(release["lto"].as_str(), Some("off"));
    assert_eq!(release["codegen-units"].as_integer(), Some(16));
}

#[test]
fn packages_are_built_to_be_small() {
    let dist = profile("dist");
    assert_eq!(dist["inherits"].as_str(), Some("release"));
    assert_eq!(dist["opt-level"].as_str(), Some("s"));
    assert_eq!(dist["lto"].as_str(), Some("fat"));
    assert_eq!(dist["codegen-units"].as_integer(), Some(1));
    for script in ["scripts/release", "Containerfile"] {
        let text = file(script);
        assert!(text.contains("cargo build --profile dist --locked --bin udpkit"), "{script}");
        assert!(!text.contains("target/release/"), "{script} takes what was built for a clone");
    }
}
