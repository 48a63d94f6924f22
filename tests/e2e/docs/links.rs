//! Links inside of the repository. Others are not fetched.

use std::path::{Component, Path, PathBuf};

use super::page::{Page, all, root};

#[test]
fn every_link_leads_somewhere() {
    let pages = all();
    let mut lost = Vec::new();
    for page in &pages {
        for (line, target) in links(page) {
            if let Some(why) = dead_end(page, &target, &pages) {
                lost.push(format!("{}:{line}: {target}: {why}", page.path.display()));
            }
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn the_summary_lists_every_page_of_the_book() {
    let summary = Page::of("docs/SUMMARY.md");
    let listed: Vec<String> = links(&summary).into_iter().map(|(_, target)| target).collect();
    for page in all() {
        let Ok(name) = page.path.strip_prefix("docs") else { continue };
        let name = name.to_str().unwrap().to_owned();
        assert!(name == "SUMMARY.md" || listed.contains(&name), "docs/SUMMARY.md does not list {name}");
    }
}

/// What a page links to, with line numbers: `[text](target)` outside of code.
fn links(page: &Page) -> Vec<(usize, String)> {
    let targets = |(number, line): (usize, &str)| {
        let prose: Vec<&str> = line.split('`').step_by(2).collect();
        let targets: Vec<(usize, String)> = prose
            .join("`")
            .split("](")
            .skip(1)
            .filter_map(|after| Some((number, after.split_once(')')?.0.to_owned())))
            .collect();
        targets
    };
    page.prose().into_iter().flat_map(targets).collect()
}

/// Why a link leads nowhere.
fn dead_end(page: &Page, target: &str, pages: &[Page]) -> Option<&'static str> {
    if target.contains("://") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match path {
        "" => page.path.clone(),
        path => plain(&page.path.parent().unwrap().join(path)),
    };
    if !root().join(&path).exists() {
        return Some("there is no such file");
    }
    let known = pages.iter().find(|page| page.path == path)?;
    (!anchor.is_empty() && !anchors(known).iter().any(|known| known == anchor))
        .then_some("there is no such heading")
}

/// The path without `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
        plain
    })
}

/// What the headings of a page can be linked by.
fn anchors(page: &Page) -> Vec<String> {
    let heading = |(_, line): (usize, &str)| {
        line.strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim().to_owned())
    };
    let anchor = |heading: String| -> String {
        let letters = heading.to_lowercase().replace(' ', "-");
        letters.chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect()
    };
    let anchors: Vec<String> = page.prose().into_iter().filter_map(heading).map(anchor).collect();
    for (index, anchor) in anchors.iter().enumerate() {
        let first = anchors.iter().position(|other| other == anchor);
        assert_eq!(first, Some(index), "{}: two headings are #{anchor}", page.path.display());
    }
    anchors
}
