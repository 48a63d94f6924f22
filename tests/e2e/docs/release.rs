//! docs/releasing.md, where it says that a test looks.

use super::page::root;

/// The files that hold the program's version, each with what stands before and behind it, once or more.
const PLACES: [(&str, &str, &str); 5] = [
    ("Cargo.toml", "[workspace.package]\nversion = \"", "\""),
    ("helm/queryfleet/Chart.yaml", "\nappVersion: ", "\n"),
    ("deploy/Dockerfile", "image.version=\"", "\""),
    ("deploy/compose.yaml", "image: queryfleet:", "\n"),
    ("deploy/kind.sh", "queryfleet:", " "),
];

#[test]
fn the_version_is_the_same_everywhere() {
    let page = std::fs::read_to_string(root().join("docs/releasing.md")).unwrap();
    for (path, before, behind) in PLACES {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        let versions: Vec<&str> =
            text.split(before).skip(1).filter_map(|rest| rest.split(behind).next()).collect();
        assert!(!versions.is_empty(), "{path} holds no version");
        for version in versions {
            assert_eq!(version, env!("CARGO_PKG_VERSION"), "{path}");
        }
        assert!(page.contains(&format!("`{path}`")), "docs/releasing.md does not name {path}");
    }
}
