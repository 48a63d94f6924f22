//! The commands of the pages, run as a reader would.

use std::fmt::Write;
use std::io::Write as _;
use std::process::{Command, Stdio};

use queryfleet_tests::{Fleet, Output, shell};

use super::page::{Page, of_users};

/// The pages of which a test below runs what is marked.
const RUN: [&str; 6] = [
    "README.md",
    "docs/first-run.md",
    "docs/inputs.md",
    "docs/operating.md",
    "docs/driving.md",
    "docs/programs.md",
];

/// The table that the pages speak of.
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

/// Runs the marked blocks of a page as one script, so that each finds what the ones before it have made, and then the
/// queries that it shows. The folder has a `file.sql` of ten statements.
fn run(page: &str) -> (Fleet, Output) {
    let fleet = Fleet::new();
    make_customers(&fleet);
    let file =
        (1..=10).fold(String::new(), |file, id| file + &format!("DELETE FROM customers WHERE id = {id};\n"));
    let page = Page::of(page);
    let script = page
        .blocks()
        .iter()
        .filter(|block| block.is_run())
        .fold(String::new(), |all, block| all + &block.text);
    let output = shell(&fleet, &script, &[("file.sql", &file)]).expect(0);
    for block in
        page.blocks().iter().filter(|block| block.language == "sql" && block.text.starts_with("SELECT"))
    {
        fleet.sql(&block.text);
    }
    (fleet, output)
}

#[test]
fn every_command_is_run_or_says_why_not() {
    for page in of_users() {
        let name = page.path.to_str().unwrap();
        for block in page.blocks().iter().filter(|block| block.language == "sh") {
            let line = block.line;
            assert!(block.is_marked(), "{name}:{line}: mark it `<!-- test -->`, or `<!-- not run: WHY -->`");
            assert!(
                !block.is_run() || RUN.contains(&name),
                "{name}:{line}: no test of this file runs the page"
            );
            let syntax = is_shell(&block.text);
            assert!(syntax, "{name}:{line}: bash cannot read this");
        }
    }
}

fn is_shell(text: &str) -> bool {
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    bash.wait().unwrap().success()
}

#[test]
fn the_commands_of_the_readme_work() {
    let (fleet, output) = run("README.md");
    output.says("run cleanup-1: all 10 jobs done").says("run lower-case: all 1000 jobs done");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM customers WHERE email = LOWER(email)"), 990);
    assert_eq!(fleet.ledger("done"), 1010);
}

#[test]
fn the_commands_of_the_first_run_work() {
    let (fleet, output) = run("docs/first-run.md");
    // In the playground.
    let output = output.says("1000\tcustomer1000@example.com\tcustomer9@example.com").says("\n1\t1\n");
    output.says("exit code 3").says("1 dead job replayed").says("run country: 1 job done");
    // On the reader's own servers.
    assert_eq!(fleet.number("SELECT COUNT(*) FROM customers WHERE email = LOWER(email)"), 1000);
    assert_eq!(fleet.ledger("done"), 1000);
}

#[test]
fn the_commands_for_programs_work() {
    let (fleet, output) = run("docs/programs.md");
    output.says("run piped: all 3 jobs done");
    assert_eq!(
        fleet.number("SELECT COUNT(*) FROM customers WHERE email = CONCAT('user', id, '@example.com')"),
        3
    );
}

#[test]
fn the_commands_of_the_inputs_work() {
    let (fleet, output) = run("docs/inputs.md");
    let output =
        ["lower-case: all 1000", "halves: all 1000", "piped: all 1000", "jobs: all 2", "emails: all 2"]
            .into_iter()
            .fold(output, |output, text| output.says(text));
    output
        .says("run from-bash: 3 jobs published")
        .says("1000 jobs published")
        .says("run purge-99: all 10 jobs done")
        .says("run restore: 1 job done")
        .says("run index: 1 job done");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM customers WHERE email IS NULL AND id = 8"), 1);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM customers WHERE email LIKE '%99@example.com'"), 0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM customers"), 1000 - 1 - 10 + 1);
}

#[test]
fn the_commands_of_driving_work() {
    let (_, output) = run("docs/driving.md");
    output
        .says("is held: hold 1 by")
        .says("queue default is limited to others_running below 40, held at Threads_connected 400")
        .says("window 22:00-06:00 Europe/Berlin until 900 s before its end")
        .says("queue default is not limited");
}

#[test]
fn the_commands_of_operating_work() {
    let (fleet, output) = run("docs/operating.md");
    let output =
        output.says("run lower-case: all 1000 jobs done").says("exit code 3").says("1 dead job discarded");
    output
        .says("1 dead job would be replayed")
        .says("1 dead job replayed")
        .says("not yet: 24 hours after its end");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM customers WHERE email = LOWER(email)"), 1002);
    assert_eq!(fleet.rows::<String>("SELECT state FROM queryfleet_dead"), ["discarded"]);
}
