//! docs/metrics.md holds every series as the code has it.

// Clippy sees a test in a function that has the attribute, not in its helpers.
#![allow(clippy::unwrap_used)]

use queryfleet_metrics::reference;

const BEGIN: &str = "<!-- series -->\n";
const END: &str = "<!-- /series -->\n";

#[test]
fn the_page_of_metrics_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let expected = format!("{before}{BEGIN}\n{}\n{END}{after}", reference().unwrap());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &expected).unwrap();
    } else {
        assert!(page == expected, "docs/metrics.md is not what the code says: make metrics-docs");
    }
}

#[test]
fn every_label_value_has_a_meaning() {
    let page = reference().unwrap();
    for line in page.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let last = cells.last().unwrap();
        assert!(!last.is_empty() && (2..=4).contains(&cells.len()), "{line}");
    }
    for (label, values) in [("`outcome`", 14), ("`class`", 16), ("`action`", 5), ("`result`", 4)] {
        let (_, after) = page.split_once(&format!("### {label}\n")).unwrap();
        let rows = after.trim_start().lines().take_while(|line| line.starts_with('|')).count();
        assert_eq!(rows, values + 2, "{label}");
    }
}
