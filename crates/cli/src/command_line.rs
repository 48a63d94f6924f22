//! The command line as a whole: how it is parsed, and the commands of `--help` in their groups.

use clap::{Args, CommandFactory, FromArgMatches, Subcommand};

use crate::arguments::{Arguments, FleetCommand, Servers};

/// The longest line; on a terminal that is narrower, lines are as long as that.
const MAX_WIDTH: usize = 120;
/// The commands, by what a person wants to do.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Try it out", &["demo", "dev"]),
    ("Run statements", &["run", "plan", "publish", "work", "wait"]),
    (
        "Look after runs",
        &[
            "status", "watch", "cancel", "approve", "dead", "purge", "pause", "resume", "limit", "workers",
            "runs", "events",
        ],
    ),
    ("Set up and check", &["setup", "doctor"]),
    ("More", &["generate", "idle", "help"]),
];

/// What was typed: the arguments, and where the servers are if the command asks them.
///
/// # Errors
/// What clap says, which may be the help.
pub(crate) fn parse() -> Result<(Arguments, Option<Servers>), clap::Error> {
    let matches = command().try_get_matches()?;
    let arguments = Arguments::from_arg_matches(&matches)?;
    let fleet = matches.subcommand().filter(|(name, _)| FleetCommand::has_subcommand(name));
    let Some((_, mut leaf)) = fleet else { return Ok((arguments, None)) };
    while let Some((_, below)) = leaf.subcommand() {
        leaf = below;
    }
    Ok((arguments, Some(Servers::from_arg_matches(leaf)?)))
}

/// The command line, as it is parsed and described.
pub(crate) fn command() -> clap::Command {
    let mut command = Arguments::command().max_term_width(MAX_WIDTH);
    let names: Vec<String> = command.get_subcommands().map(|found| found.get_name().to_owned()).collect();
    for name in names.iter().filter(|name| FleetCommand::has_subcommand(name)) {
        command = command.mut_subcommand(name, with_servers);
    }
    let list = grouped(&command);
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}Options:\n{{options}}{{after-help}}"
    ))
}

/// A command that asks the servers, or those below it.
fn with_servers(command: clap::Command) -> clap::Command {
    let below: Vec<String> = command.get_subcommands().map(|found| found.get_name().to_owned()).collect();
    if below.is_empty() {
        return Servers::augment_args(command);
    }
    below.iter().fold(command, |command, name| command.mut_subcommand(name, with_servers))
}

/// The commands in their groups, one per line.
fn grouped(command: &clap::Command) -> String {
    let mut text = String::new();
    for (title, names) in GROUPS {
        text += &format!("{title}:\n");
        for name in names {
            let about = match command.find_subcommand(name) {
                Some(found) => found.get_about().map(ToString::to_string).unwrap_or_default(),
                None if *name == "help" => "Print the help of a command".to_owned(),
                // Built without it.
                None => continue,
            };
            text += &format!("  {name:<9} {about}\n");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_one_group() {
        let command = command();
        for found in command.get_subcommands() {
            let name = found.get_name();
            let groups = GROUPS.iter().filter(|(_, names)| names.contains(&name)).count();
            assert_eq!(groups, 1, "{name}");
            let about = found.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(about.len() <= 68, "{name}: its line is above 80 characters: {about}");
        }
    }
}
