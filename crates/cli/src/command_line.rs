//! The command line as a whole: how it is parsed, and the commands of `--help` in their groups.

use clap::CommandFactory;

use crate::arguments::Arguments;

/// The longest line; on a terminal that is narrower, lines are as long as that.
const MAX_WIDTH: usize = 120;
/// The commands, by what a person wants to do.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Try it out", &["demo", "dev"]),
    ("Run statements", &["run", "plan", "publish", "work", "wait"]),
    ("Look after runs", &["status", "cancel", "dead", "purge", "pause", "resume"]),
    ("Set up and check", &["setup", "doctor"]),
    ("More", &["generate", "idle", "help"]),
];

/// The command line, as it is parsed and described.
pub(crate) fn command() -> clap::Command {
    let command = Arguments::command().max_term_width(MAX_WIDTH);
    let list = grouped(&command);
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}Options:\n{{options}}{{after-help}}"
    ))
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
