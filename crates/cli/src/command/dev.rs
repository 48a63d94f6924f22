//! `queryfleet dev`: private servers, and a command that is run with them.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Command;

use queryfleet_devstack::{Options, Stack};
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use crate::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runtime::block;
use crate::signal::Stop;

/// Starts private servers; runs the command with the environment that reaches them and returns its exit code.
pub(crate) fn dev(command: &[String]) -> Result<Exit, Failure> {
    output::say("starting a private RabbitMQ and a private database");
    let stack = Stack::start(&Options::default())?;
    let environment = write_environment(&stack)?;
    let Some((program, arguments)) = command.split_first() else {
        for (name, value) in stack.env() {
            output::print(format_args!("export {name}='{value}'"));
        }
        if output::stdout_error().is_some() {
            // Nobody can reach them.
            stack.stop()?;
            return Ok(Exit::Failed);
        }
        output::say(format_args!("both run in {} until Ctrl-C", stack.folder().display()));
        output::say(format_args!("another terminal joins by: . {}", environment.display()));
        block(async {
            Stop::listen()?.next().await;
            Ok(())
        })?;
        stack.stop()?;
        return Ok(Exit::Success);
    };
    output::say(format_args!(
        "both run in {} until {program} ends, which deletes all that is in them",
        stack.folder().display()
    ));
    output::say(format_args!("another terminal joins by: . {}", environment.display()));
    let status = block(async {
        let mut stop = Stop::listen()?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut child = tokio::process::Command::from(Command::new(program))
            .args(arguments)
            .envs(stack.env())
            .spawn()
            .map_err(|error| Failure::new(format!("cannot run {program}: {error}")))?;
        loop {
            tokio::select! {
                status = child.wait() => return Ok(status?),
                // No terminal sends this one: the child has not got it.
                _ = terminate.recv() => {
                    let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
                    pid.map_or(Ok(()), |pid| kill_process(pid, Signal::TERM)).ok();
                }
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

/// Writes the environment that reaches the servers into a file for other terminals, which goes with the servers' folder.
fn write_environment(stack: &Stack) -> Result<PathBuf, Failure> {
    let path = stack.folder().join("env");
    // It holds passwords; the folder is private as well.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    for (name, value) in stack.env() {
        writeln!(file, "export {name}='{value}'")?;
    }
    Ok(path)
}
