//! The program under test: the command line with failpoints.

use std::process::ExitCode;

fn main() -> ExitCode {
    queryfleet_cli::main()
}
