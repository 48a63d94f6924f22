//! The broken code of `make mutants`, which itself takes minutes: here only that there is something to break.

use std::process::Command;

#[test]
fn every_mutant_applies_and_its_test_exists() {
    let list = Command::new(std::env::current_exe().unwrap()).arg("--list").output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for file in std::fs::read_dir(format!("{root}/tests/mutants")).unwrap() {
        let path = file.unwrap().path();
        let patch = std::fs::read_to_string(&path).unwrap();
        let test = patch.lines().find_map(|line| line.strip_prefix("test: ")).unwrap();
        assert!(list.contains(&format!("{test}: test")), "{path:?}: there is no test {test}");
        let check =
            Command::new("git").args(["apply", "--check"]).arg(&path).current_dir(root).output().unwrap();
        assert!(check.status.success(), "{path:?}: {}", String::from_utf8_lossy(&check.stderr));
    }
}
