//! `queryfleet generate`: what is made from the definitions of the arguments.

use std::path::Path;

use clap_complete::Shell;

use crate::failure::Failure;
use crate::output;
use crate::{Exit, command_line};

/// Prints a script that a shell reads to complete commands, flags and their values.
pub(crate) fn completions(shell: Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command_line::command(), "queryfleet", &mut script);
    output::print_block(String::from_utf8_lossy(&script).trim_end());
    Exit::Success
}

/// Writes one page per command: `queryfleet.1`, `queryfleet-publish.1`, `queryfleet-dead-list.1` and so on.
pub(crate) fn man(folder: &Path) -> Result<Exit, Failure> {
    let failed =
        |error| Failure::new(format!("cannot write the man pages into {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(command_line::command(), folder).map_err(failed)?;
    Ok(Exit::Success)
}
