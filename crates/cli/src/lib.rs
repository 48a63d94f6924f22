//! The command line: arguments, output, exit codes. All else is in the crates below.
//!
//! [`main`] reads the arguments, the environment, and runs one command; what it printed to standard output is data,
//! what went to standard error is for people. [`Exit`] has every exit code.

mod advice;
mod arguments;
mod bar;
mod command;
mod command_line;
mod dead_arguments;
mod exit;
mod failure;
mod help;
mod hold_arguments;
mod limit_arguments;
mod log;
mod memory;
mod output;
mod publish_arguments;
mod runtime;
mod signal;

use std::process::ExitCode;

pub use exit::Exit;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let exit = run();
    output::end();
    exit.into()
}

fn run() -> Exit {
    #[cfg(feature = "failpoints")]
    let _failpoints = fail::FailScenario::setup();
    let (arguments, servers) = match command_line::parse() {
        Ok(parsed) => parsed,
        Err(error) => {
            if error.use_stderr() {
                // Not as clap would print it: it repeats the arguments as they are.
                output::say_block(error.render());
                return Exit::Usage;
            }
            // --help and --version.
            output::note_stdout(error.print());
            return output::exit_after_output(Exit::Success, true);
        }
    };
    if arguments.command.executes() {
        memory::give_back_at_once();
    }
    let shows = arguments.command.only_shows();
    match command::run(arguments.command, servers) {
        Ok(exit) => output::exit_after_output(exit, shows),
        Err(failure) => {
            failure.say();
            failure.exit
        }
    }
}
