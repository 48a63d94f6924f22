//! The one binary, `queryfleet`.

use std::process::ExitCode;

fn main() -> ExitCode {
    queryfleet_cli::main()
}
