//! The pages, and what they are made of.

use std::path::{Path, PathBuf};

/// Above a fenced block: its commands are run by `commands.rs`, all of a page as one script.
const RUN: &str = "<!-- test -->";
/// Above a block that cannot be run, with the reason.
const NOT_RUN: &str = "<!-- not run: ";

/// A file of Markdown.
pub(super) struct Page {
    /// From the root of the repository.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// A fenced block.
pub(super) struct Block {
    /// Of its first line.
    pub(super) line: usize,
    pub(super) language: String,
    pub(super) text: String,
    /// The line above it, if that is one of the two marks.
    mark: Option<String>,
}

impl Block {
    pub(super) fn is_run(&self) -> bool {
        self.mark.as_deref() == Some(RUN)
    }

    pub(super) fn is_marked(&self) -> bool {
        self.mark.is_some()
    }
}

/// The folder of the repository.
pub(super) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Every page of the repository.
pub(super) fn all() -> Vec<Page> {
    let mut pages = Vec::new();
    collect(root(), &mut pages);
    pages.sort_by(|a, b| a.path.cmp(&b.path));
    pages
}

/// The pages that tell how the program is used.
pub(super) fn of_users() -> Vec<Page> {
    let of_users = |path: &Path| path == Path::new("README.md") || path.starts_with("docs");
    all().into_iter().filter(|page| of_users(&page.path)).collect()
}

fn collect(folder: &Path, pages: &mut Vec<Page>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        // What is built, and what is not ours.
        let is_made = name.starts_with('.') || ["target", "book", "node_modules"].contains(&name);
        if path.is_dir() && !path.is_symlink() && !is_made {
            collect(&path, pages);
        } else if name.ends_with(".md") {
            let text = std::fs::read_to_string(&path).unwrap();
            pages.push(Page { path: path.strip_prefix(root()).unwrap().to_owned(), text });
        }
    }
}

impl Page {
    /// One page.
    pub(super) fn of(path: &str) -> Page {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        Page { path: path.into(), text }
    }

    /// Its fenced blocks.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        let mut above = "";
        for (index, line) in self.text.lines().enumerate() {
            match (line.trim_start().strip_prefix("```"), &mut open) {
                (Some(language), None) => {
                    let mark = (above == RUN || above.starts_with(NOT_RUN)).then(|| above.to_owned());
                    let language = language.to_owned();
                    open = Some(Block { line: index + 2, language, text: String::new(), mark });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => block.text.extend([line, "\n"]),
                (None, None) => {}
            }
            above = line;
        }
        assert!(open.is_none(), "{}: a block is never closed", self.path.display());
        blocks
    }

    /// Its lines outside of blocks, with their numbers.
    pub(super) fn prose(&self) -> Vec<(usize, &str)> {
        let mut inside = false;
        let mut is_prose = |line: &str| {
            let fence = line.trim_start().starts_with("```");
            inside ^= fence;
            !inside && !fence
        };
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .filter(|(_, line)| is_prose(line))
            .collect()
    }

    /// The code in its prose, `so`, with line numbers. It may go on in the next line.
    pub(super) fn spans(&self) -> Vec<(usize, String)> {
        let mut spans = Vec::new();
        let mut open: Option<(usize, String)> = None;
        for (number, line) in self.prose() {
            if line.trim().is_empty() {
                open = None;
            }
            for (index, part) in line.split('`').enumerate() {
                if index > 0 {
                    match open.take() {
                        Some(span) => spans.push(span),
                        None => open = Some((number, String::new())),
                    }
                }
                if let Some((_, text)) = &mut open {
                    text.push_str(part);
                }
            }
            if let Some((_, text)) = &mut open {
                text.push(' ');
            }
        }
        spans
    }
}
