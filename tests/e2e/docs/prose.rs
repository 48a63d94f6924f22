//! How the pages are written: one sentence per line, and none of the phrases that an engineer would not use.

use std::path::Path;

use regex::Regex;

use super::page::{Page, all, of_users};

/// Pages that are not swept yet, or whose tables come from code that is not.
const NOT_SWEPT: [&str; 1] = ["CHANGELOG.md"];

/// Phrases to avoid, each with the one to use.
const PHRASES: [(&str, &str); 9] = [
    (r"\bmend(s|ed|ing)?\b", "fix"),
    (r"\b(go|goes|going|gone|went) on\b", "resume, or continue"),
    (r"\b(is|are|was|were|stays?) away\b", "unavailable"),
    (r"\bnot atomic\b", "non-transactional"),
    (r"\bfor ever\b", "forever"),
    (r"\bunless told\b", "by default"),
    (r"\bsee to\b", "be responsible for"),
    (r"(^|[.;:] )Of (an?|the|its|each|all|what)\b", "a sentence that begins with its subject"),
    (
        r"\b(jobs?|statements?|messages?|rows?|commits?|fsyncs?|instructions?|bytes|CPU|ms|µs|s) an? (second|minute|hour|job|message|statement|row|range|chunk|commit|million)\b",
        "per",
    ),
];

/// The end of a sentence, with the beginning of another behind it.
const TWO_SENTENCES: &str = r#"[\p{L}\d)`*"\]][.?!][)"]? +[\p{Lu}`\[(*"]"#;

/// What a line of a paragraph ends with, unless it is the last one.
const END_OF_SENTENCE: &str = r#"[.?!:][)"*`]*$"#;

#[test]
fn the_pages_are_in_plain_english() {
    let phrases = PHRASES.map(|(pattern, better)| (Regex::new(pattern).unwrap(), better));
    let mut found = Vec::new();
    for page in all().iter().filter(|page| is_prose(&page.path)) {
        for (number, line) in page.prose() {
            for (pattern, better) in &phrases {
                if let Some(phrase) = pattern.find(line) {
                    let path = page.path.display();
                    found.push(format!("{path}:{number}: \"{}\": write {better}", phrase.as_str().trim()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

fn is_prose(path: &Path) -> bool {
    let is = |page: &&str| path == Path::new(page);
    let is_ours = path.starts_with("docs") || ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].iter().any(is);
    is_ours && !NOT_SWEPT.iter().any(is)
}

#[test]
fn each_line_is_one_sentence() {
    let two_sentences = Regex::new(TWO_SENTENCES).unwrap();
    let end_of_sentence = Regex::new(END_OF_SENTENCE).unwrap();
    let mut faults = Vec::new();
    for page in of_users() {
        let lines = page.prose();
        for (index, &(number, line)) in lines.iter().enumerate() {
            let next = lines.get(index + 1).filter(|(next, _)| *next == number + 1);
            let is_last = next.is_none_or(|(_, next)| !is_paragraph(next));
            let fault = if is_item(line) {
                (!is_last).then_some("a list item is one line")
            } else if !is_paragraph(line) {
                None
            } else if two_sentences.is_match(line) {
                Some("a second sentence begins in this line")
            } else {
                (!is_last && !end_of_sentence.is_match(line)).then_some("a sentence is broken into lines")
            };
            faults.extend(fault.map(|fault| format!("{}:{number}: {fault}", page.path.display())));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Whether a line is of a list.
fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("- ") || line.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok())
}

/// Whether a line is plain text, quoted or not: no heading, table, list, comment or indented code.
fn is_paragraph(line: &str) -> bool {
    let is_other = ["#", "|", "<!--", "    "].iter().any(|start| line.starts_with(start));
    !line.trim().is_empty() && !is_other && !is_item(line)
}

#[test]
fn the_glossary_has_each_word_once_in_alphabetical_order() {
    let page = Page::of("docs/glossary.md");
    let entries = page.text.lines().filter_map(|line| line.strip_prefix("- **"));
    let words: Vec<&str> = entries.filter_map(|entry| entry.split("**").next()).collect();
    assert!(words.len() > 30, "only {} words", words.len());
    assert!(words.is_sorted_by(|a, b| a < b), "{words:?}");
}
