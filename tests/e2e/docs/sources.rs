//! Files and folders of the sources that a page names exist, so that a move is noticed where it is described.

use std::path::Path;

use regex::Regex;

use super::page::{all, root};

/// Pages that describe the sources as they are; the changelog names those of its time.
const PAGES: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];

/// Every path below the folder, from the root, with `/` before it.
fn collect(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == "target" || name == ".git" {
            continue;
        }
        found.push(format!("/{}", path.strip_prefix(root()).unwrap().to_str().unwrap()));
        if path.is_dir() {
            collect(&path, found);
        }
    }
}

#[test]
fn the_sources_that_a_page_names_exist() {
    let mut sources = Vec::new();
    collect(root(), &mut sources);
    let file = Regex::new(r"`([a-z0-9_./-]+\.rs)`").unwrap();
    let folder = Regex::new(r"`((?:crates/|tests/|[a-z]+/src/)[a-z0-9_/-]+)`").unwrap();
    let mut missing = Vec::new();
    for page in all().iter().filter(|page| PAGES.iter().any(|name| page.path == Path::new(name))) {
        for pattern in [&file, &folder] {
            for name in
                pattern.captures_iter(&page.text).map(|found| found[1].trim_end_matches('/').to_owned())
            {
                if !sources.iter().any(|source| source.ends_with(&format!("/{name}"))) {
                    missing.push(format!("{}: {name}", page.path.display()));
                }
            }
        }
    }
    assert!(missing.is_empty(), "no such file: {missing:#?}");
}
