//! `--help` of every command, as people read it. `UPDATE_EXPECT=1` accepts what it says now: look at the difference.

// The file has the commands that start private servers, too.
#![cfg(feature = "dev")]
#![allow(clippy::unwrap_used)]

use std::process::Command;

use expect_test::expect_file;

fn help(words: &[&str]) -> String {
    let program = env!("CARGO_BIN_EXE_queryfleet");
    let output = Command::new(program).args(words).arg("--help").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The help of a command and of those below it, each under its command line.
fn all_help(words: &[&str]) -> String {
    let help = help(words);
    let mut all = format!("$ queryfleet {}\n\n{help}\n\n", [words, &["--help"]].concat().join(" "));
    let (_, below) = help.split_once("\nCommands:\n").unwrap_or_default();
    for line in below.lines().take_while(|line| !line.is_empty()) {
        let word = line.split_whitespace().next().unwrap();
        if word != "help" {
            all += &all_help(&[words, &[word]].concat());
        }
    }
    all
}

#[test]
fn help_says_what_was_agreed() {
    // Spaces at the end of a line are clap's.
    let help: String = all_help(&[]).lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    expect_file!["help.txt"].assert_eq(&help);
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
