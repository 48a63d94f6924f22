//! `--help` of every command, as people read it. `UPDATE_EXPECT=1` accepts what it says now: look at the difference.

// The file has the commands that start private servers, too.
#![cfg(feature = "dev")]
#![allow(clippy::unwrap_used)]

use std::process::Command;

use expect_test::expect_file;

fn help_at(width: usize, words: &[&str]) -> String {
    let program = env!("CARGO_BIN_EXE_queryfleet");
    let mut command = Command::new(program);
    let output = command.args(words).arg("--help").env("COLUMNS", width.to_string()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands in a help: lines of two spaces and a word before the options. Below the root they stand in groups.
fn commands(help: &str) -> Vec<&str> {
    let (before, _) = help.split_once("\nOptions:\n").unwrap_or((help, ""));
    let is_command = |line: &&str| {
        line.strip_prefix("  ").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()))
    };
    let listed = before.lines().skip_while(|line| !line.starts_with("Usage:")).filter(is_command);
    let words = listed.map(|line| line.split_whitespace().next().unwrap());
    words.filter(|word| *word != "help").collect()
}

/// The help of a command and of those below it, each with its words.
fn every_help(width: usize, words: &[&str]) -> Vec<(String, String)> {
    let help = help_at(width, words);
    let below = commands(&help).into_iter().map(|word| [words, &[word]].concat());
    let below: Vec<_> = below.flat_map(|words| every_help(width, &words)).collect();
    let mut all = vec![([words, &["--help"]].concat().join(" "), help)];
    all.extend(below);
    all
}

#[test]
fn help_says_what_was_agreed() {
    // Spaces at the end of a line are clap's.
    let all = every_help(100, &[]);
    let all: String = all.iter().map(|(words, help)| format!("$ queryfleet {words}\n\n{help}\n\n")).collect();
    let help: String = all.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    expect_file!["help.txt"].assert_eq(&help);
}

#[test]
fn help_is_wrapped_between_words() {
    let widest = every_help(120, &[]);
    for width in [80, 120, 200] {
        for ((words, help), (_, whole)) in every_help(width, &[]).iter().zip(&widest) {
            let line = help.lines().find(|line| line.trim_end().chars().count() > width.min(120));
            assert_eq!(line, None, "{words} at {width} columns");
            assert_eq!(
                help.split_whitespace().collect::<Vec<_>>(),
                whole.split_whitespace().collect::<Vec<_>>(),
                "{words} at {width} columns: no word is broken"
            );
        }
    }
}

#[test]
fn every_command_has_an_example() {
    for (words, help) in every_help(100, &[]) {
        let is_leaf = commands(&help).is_empty();
        assert!(!is_leaf || help.contains("\nExample"), "{words}");
    }
}

/// Commands that print nothing, or what another program reads as it is; `watch` is for eyes, and says what is for programs.
const WITHOUT_JSON: [&str; 7] =
    ["work", "dev", "idle", "generate completions", "generate man", "dead export", "watch"];

#[test]
fn every_command_that_says_something_says_it_in_json_too() {
    for (words, help) in every_help(100, &[]) {
        let command = words.trim_end_matches("--help").trim();
        if commands(&help).is_empty() {
            assert_eq!(help.contains("--json"), !WITHOUT_JSON.contains(&command), "{command}");
        }
    }
}

#[test]
fn completions_name_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let output = Command::new(env!("CARGO_BIN_EXE_queryfleet"))
            .args(["generate", "completions", shell])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let script = String::from_utf8(output.stdout).unwrap();
        for word in ["publish", "not-atomic", "discard", "operate"] {
            assert!(script.contains(word), "{word} is not in the completions of {shell}");
        }
    }
}

#[test]
fn there_is_a_man_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let output = Command::new(env!("CARGO_BIN_EXE_queryfleet"))
        .args(["generate", "man"])
        .arg(&pages)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    for page in ["queryfleet.1", "queryfleet-publish.1", "queryfleet-dead-list.1"] {
        let text = std::fs::read_to_string(pages.join(page)).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
    assert!(pages.join("queryfleet-doctor.1").exists());
}
