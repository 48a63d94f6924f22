//! Every file of the corpus, on a stable toolchain and without libFuzzer: what was found once stays fixed.

// A test that cannot go on panics: that is how it fails.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::path::Path;

/// Runs a target over the files of its folder.
fn replay(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut count = 0;
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        println!("{}", path.display());
        target(&fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count > 0, "{} has no files", folder.display());
}

#[test]
fn the_splitter_holds_for_its_corpus() {
    replay("splitter", queryfleet_fuzz::splitter);
}

#[test]
fn the_inspection_holds_for_its_corpus() {
    replay("inspection", queryfleet_fuzz::inspection);
}

#[test]
fn the_envelope_holds_for_its_corpus() {
    replay("envelope", queryfleet_fuzz::envelope);
}
