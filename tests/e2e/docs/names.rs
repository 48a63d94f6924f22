//! Commands, flags and variables that the pages name are those of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use queryfleet_tests::program;

use super::page::{Page, of_users};

/// A command's words, such as `dead list`, and its flags.
type Commands = BTreeMap<String, BTreeSet<String>>;

fn commands() -> Commands {
    let mut commands = Commands::new();
    add("", &mut commands);
    commands
}

/// Adds a command and those below it, by its help.
fn add(words: &str, commands: &mut Commands) {
    let output = Command::new(program()).args(words.split_whitespace()).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    // Commands stand in groups before the options, each behind two spaces.
    let (before, _) = help.split_once("\nOptions:\n").unwrap_or((&help, ""));
    for line in before.lines().skip_while(|line| !line.starts_with("Usage:")) {
        let word = line.strip_prefix("  ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        if word.starts_with(|first: char| first.is_ascii_lowercase()) && word != "help" {
            add(format!("{words} {word}").trim(), commands);
        }
    }
    let flags = help.lines().filter_map(|line| {
        let flag = line.trim_start().trim_start_matches("-h, ").trim_start_matches("-V, ");
        flag.strip_prefix("--").map(|flag| flag_of(flag).to_owned())
    });
    commands.insert(words.to_owned(), flags.collect());
}

/// `run` of `run=NAME` and `run <NAME>`.
fn flag_of(text: &str) -> &str {
    text.split(|letter: char| !(letter.is_ascii_lowercase() || letter == '-')).next().unwrap_or_default()
}

/// What is wrong with a command line, of which `text` is what follows `queryfleet`.
fn fault(text: &str, commands: &Commands) -> Option<String> {
    // What follows is a shell's, or the command line of another program.
    let text = text.split([';', '|', '<', '>', '&', '#', '…']).next().unwrap_or_default();
    let text = text.split_once(" -- ").map_or(text, |(ours, _)| ours);
    let words: Vec<&str> = text.split_whitespace().collect();
    let one = words.first().copied().unwrap_or_default();
    let has_more =
        commands.keys().any(|known| known.strip_prefix(one).is_some_and(|rest| rest.starts_with(' ')));
    let command = words[..words.len().min(if has_more { 2 } else { 1 })].join(" ");
    let Some(flags) = commands.get(&command) else {
        return Some(format!("queryfleet {command} is no command"));
    };
    let mut used = words.iter().filter_map(|word| word.strip_prefix("--")).map(flag_of);
    let unknown = used.find(|flag| !flag.is_empty() && !flags.contains(*flag));
    unknown.map(|flag| format!("queryfleet {command} has no --{flag}"))
}

/// The command lines of queryfleet in a block, as they are without line continuations.
fn in_block(text: &str) -> Vec<String> {
    let text = text.replace("\\\n", " ");
    let ours = |line: &str| {
        let start = line
            .strip_prefix("queryfleet ")
            .or_else(|| line.split_once("-- queryfleet ").map(|(_, ours)| ours));
        start.map(str::to_owned)
    };
    text.lines().filter_map(ours).collect()
}

#[test]
fn commands_and_flags_are_those_of_the_program() {
    let commands = commands();
    let flags: BTreeSet<&String> = commands.values().flatten().collect();
    let mut faults = Vec::new();
    let mut count = 0;
    for page in of_users() {
        let mut look = |line: usize, fault: Option<String>| {
            count += 1;
            faults.extend(fault.map(|fault| format!("{}:{line}: {fault}", page.path.display())));
        };
        for block in page.blocks().iter().filter(|block| block.language == "sh") {
            in_block(&block.text).iter().for_each(|command| look(block.line, fault(command, &commands)));
        }
        for (line, span) in page.spans() {
            if let Some(command) = span.strip_prefix("queryfleet ") {
                look(line, fault(command, &commands));
            } else if let Some(flag) = span.strip_prefix("--") {
                let flag = flag_of(flag).to_owned();
                look(
                    line,
                    (!flags.contains(&flag)).then(|| format!("no command of queryfleet has --{flag}")),
                );
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(count > 100, "only {count} commands and flags were found");
}

#[test]
fn variables_are_those_of_the_table() {
    // A test of crates/config holds the table to the code.
    let table = Page::of("docs/environment.md");
    let mut known = BTreeSet::new();
    for (_, line) in table.prose() {
        let Some(name) = line.strip_prefix("| `").and_then(|row| row.split('`').next()) else { continue };
        known.insert(name.to_owned());
        if line.contains("`…_FILE`") {
            known.insert(format!("{name}_FILE"));
        }
    }
    for page in of_users() {
        for after in page.text.split("QUERYFLEET_").skip(1) {
            let name = after.split(|letter: char| !(letter.is_ascii_uppercase() || letter == '_')).next();
            let name = format!("QUERYFLEET_{}", name.unwrap_or_default());
            let is_known = name == "QUERYFLEET_" || known.contains(&name);
            assert!(is_known, "{}: {name} is no variable of docs/environment.md", page.path.display());
        }
    }
}
