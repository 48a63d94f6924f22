//! The command line: arguments, output, exit codes. All else is in the crates below.
//!
//! [`main`] reads the arguments, the environment, and runs one command; what it printed to standard output is data,
//! what went to standard error is for people. [`Exit`] has every exit code.

mod arguments;
mod bar;
mod command;
mod exit;
mod failure;
mod log;
mod signal;

use std::process::ExitCode;

use clap::Parser;

pub use exit::Exit;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _failpoints = fail::FailScenario::setup();
    let arguments = match arguments::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // --help and --version come here too, and are no failure.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::AllDone.into() };
        }
    };
    match command::run(arguments) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit.into()
        }
    }
}
