//! `queryfleet dev`: private servers, and a command that is run with them.

use std::process::Command;

use queryfleet_devstack::{Options, Stack};

use crate::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runtime::block;
use crate::signal::Stop;

/// Starts private servers; runs the command with the environment that reaches them and returns its exit code.
pub(crate) fn dev(command: &[String]) -> Result<Exit, Failure> {
    let stack = Stack::start(&Options::default())?;
    let Some((program, arguments)) = command.split_first() else {
        for (name, value) in stack.env() {
            output::print(format_args!("export {name}='{value}'"));
        }
        if output::stdout_error().is_some() {
            // Nobody can reach them.
            stack.stop()?;
            return Ok(Exit::Failed);
        }
        output::say(format_args!("private servers run in {} until Ctrl-C", stack.folder().display()));
        block(async {
            Stop::listen()?.next().await;
            Ok(())
        })?;
        stack.stop()?;
        return Ok(Exit::Success);
    };
    let status = block(async {
        let mut stop = Stop::listen()?;
        let mut child = tokio::process::Command::from(Command::new(program))
            .args(arguments)
            .envs(stack.env())
            .spawn()
            .map_err(|error| Failure::new(format!("cannot run {program}: {error}")))?;
        loop {
            tokio::select! {
                status = child.wait() => return Ok(status?),
                // A terminal's Ctrl-C has reached the child as well: it ends first, then the servers.
                _ = stop.next() => {}
            }
        }
    })?;
    stack.stop()?;
    Ok(match status.code() {
        Some(0) => Exit::Success,
        // The system keeps only the lowest eight bits.
        Some(code) => Exit::External(code as u8),
        None => Exit::Interrupted,
    })
}
