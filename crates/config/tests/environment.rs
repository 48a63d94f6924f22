//! docs/environment.md holds the table of variables as the code has it.

// Clippy sees a test in a function that has the attribute, not in its helpers.
#![allow(clippy::unwrap_used)]

use queryfleet_config::markdown_table;

const BEGIN: &str = "<!-- environment -->\n";
const END: &str = "<!-- /environment -->\n";

/// What the page has between the two comments, without the empty lines around it.
fn part() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/environment.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, after) = page.split_once(BEGIN).unwrap();
    let (part, _) = after.split_once(END).unwrap();
    part.trim_matches('\n').to_owned() + "\n"
}

#[test]
fn the_page_holds_the_table_of_variables() {
    let expected = markdown_table();
    assert!(
        part() == expected,
        "docs/environment.md, between `{}` and `{}`, should be:\n{expected}",
        BEGIN.trim(),
        END.trim()
    );
}
