//! Says of which commit the program is: `QUERYFLEET_REVISION` if that is set, as in the image; else what git says of a
//! clone; else `unknown`.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=QUERYFLEET_REVISION");
    let revision = std::env::var("QUERYFLEET_REVISION").ok().filter(|revision| !revision.is_empty());
    let revision = revision.or_else(of_clone).unwrap_or_else(|| "unknown".into());
    println!("cargo::rustc-env=QUERYFLEET_REVISION={revision}");
}

/// The commit of a clone of this project; of sources that stand in somebody else's repository nothing.
fn of_clone() -> Option<String> {
    let root = git(&["rev-parse", "--show-toplevel"])?;
    if !Path::new(&root).join("crates/cli/build.rs").exists() {
        return None;
    }
    // A commit or a checkout appends to this file. Not whether the tree has changes: this is run only at commits.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    println!("cargo::rerun-if-changed={log}");
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
