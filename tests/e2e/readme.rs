//! The commands of README.md, run as a reader would.

use std::fmt::Write;
use std::os::unix::fs::symlink;
use std::process::Command;

use queryfleet_tests::Fleet;

/// Above a fenced block: it is to be run.
const MARK: &str = "<!-- test -->\n```sh\n";
const FENCE: &str = "\n```\n";

/// A script that fails half-way leaves no worker behind.
const TRAP: &str = "trap 'kill \"$worker\" 2>/dev/null || :' EXIT\n";

/// All marked blocks as one script, so that each finds what the ones before it have made.
fn script() -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let blocks = readme.split(MARK).skip(1).map(|after| after.split_once(FENCE).unwrap().0);
    blocks.fold(TRAP.to_owned(), |script, block| script + block + "\n")
}

/// The table that README.md speaks of.
fn make_customers(fleet: &Fleet) {
    fleet.sql(
        "CREATE TABLE customers (id INT PRIMARY KEY, email VARCHAR(100) COLLATE utf8mb4_bin) ENGINE=InnoDB",
    );
    let mut insert = String::from("INSERT INTO customers VALUES ");
    for id in 1..=1000 {
        let comma = if id == 1 { "" } else { "," };
        write!(insert, "{comma}({id}, 'Customer{id}@Example.COM')").unwrap();
    }
    fleet.sql(&insert);
}

#[test]
fn the_commands_of_the_readme_work() {
    let fleet = Fleet::new();
    make_customers(&fleet);
    let folder = tempfile::tempdir().unwrap();
    let program = fleet.command(&[]);
    symlink(program.get_program(), folder.path().join("queryfleet")).unwrap();
    let mut path = folder.path().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let variables = program.get_envs().filter_map(|(name, value)| Some((name, value?)));

    let output = Command::new("sh")
        .args(["-e", "-x", "-c", &script()])
        .current_dir(folder.path())
        .envs(variables)
        .env("PATH", path)
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("run lower-case: all 1000 jobs done"), "{out}\n{err}");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM customers WHERE email = LOWER(email)"), 989);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM customers WHERE email IS NULL AND id = 8"), 1);
    assert_eq!(fleet.ledger("done"), 1012);
}
