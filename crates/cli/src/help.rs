//! What stands below the arguments in `--help`: an example or two, and the exit codes where they tell more than success.

use crate::Exit;

const ENVIRONMENT: &str = "\
Configuration comes from the environment: QUERYFLEET_AMQP_URL and QUERYFLEET_MYSQL_URL say where the servers are, unless \
options or ~/.my.cnf do; docs/environment.md lists all variables.";

/// All exit codes, and where the configuration is.
pub(crate) fn root() -> String {
    format!("{}\n\n{ENVIRONMENT}", exit_codes(&Exit::ALL))
}

/// Examples, one command per line.
pub(crate) fn examples(commands: &[&str]) -> String {
    let title = if commands.len() == 1 { "Example:" } else { "Examples:" };
    commands.iter().fold(title.to_owned(), |text, command| format!("{text}\n  queryfleet {command}"))
}

/// Examples, then these exit codes.
pub(crate) fn examples_and_exit_codes(commands: &[&str], exits: &[Exit]) -> String {
    format!("{}\n\n{}", examples(commands), exit_codes(exits))
}

fn exit_codes(exits: &[Exit]) -> String {
    exits.iter().fold("Exit codes:".to_owned(), |text, exit| {
        format!("{text}\n  {:<4} {}", exit.code(), exit.meaning())
    })
}
