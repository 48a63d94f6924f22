//! The fuzz targets: what must hold for any bytes. Each function panics if it does not hold.
//!
//! `make fuzz` runs them under libFuzzer, which looks for inputs that reach new code. `cargo test -p queryfleet-fuzz`
//! runs them once over every file of `fuzz/corpus`.

mod envelope;
mod inspection;
mod splitter;

use queryfleet_sql::SqlMode;

pub use envelope::envelope;
pub use inspection::inspection;
pub use splitter::splitter;

/// Every mode in which SQL can be read.
const MODES: [SqlMode; 4] = [
    SqlMode { no_backslash_escapes: false, ansi_quotes: false },
    SqlMode { no_backslash_escapes: false, ansi_quotes: true },
    SqlMode { no_backslash_escapes: true, ansi_quotes: false },
    SqlMode { no_backslash_escapes: true, ansi_quotes: true },
];
