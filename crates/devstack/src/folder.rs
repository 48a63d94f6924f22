//! The folder of a stack, and the watchdog that ends the stack.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{Error, bounded_wait, programs};

/// A folder that goes, with every process written down in it, when this is dropped or our process ends.
pub(crate) struct Folder {
    path: PathBuf,
    /// Its standard input is the pipe whose end it waits for. Nobody else has our end of it: the standard library
    /// opens pipes close-on-exec, so no server inherits it.
    watchdog: Child,
}

impl Folder {
    pub(crate) fn make(parent: Option<&Path>) -> Result<Self, Error> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        let action = || format!("make a folder for the servers in {}", parent.display());
        let make = || -> io::Result<Self> {
            // Only our user may look into it: it has passwords, and a socket that lets everybody in as root.
            let private = fs::Permissions::from_mode(0o700);
            let mut builder = tempfile::Builder::new();
            // Absolute, because every server has a working folder of its own.
            let folder =
                builder.prefix("queryfleet-").permissions(private).tempdir_in(parent.canonicalize()?)?;
            for name in ["run", "home", "tmp"] {
                fs::create_dir(folder.path().join(name))?;
            }
            let watchdog = watchdog(folder.path())?;
            Ok(Self { path: folder.keep(), watchdog })
        };
        make().map_err(Error::io(action()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Ends all processes and deletes the folder. A second call changes nothing.
    pub(crate) fn close(&mut self) -> Result<(), Error> {
        drop(self.watchdog.stdin.take());
        let ended =
            bounded_wait::for_end(&mut self.watchdog).map_err(Error::io("wait for the servers' watchdog"))?;
        match ended {
            Some(status) if status.success() => Ok(()),
            _ => Err(Error::NotStopped { folder: self.path.clone() }),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nobody is left to be told; `Stack::stop` is for those who ask.
        let _ = self.close();
    }
}

/// In a group of its own, so that Ctrl-C in a terminal does not reach it.
fn watchdog(folder: &Path) -> io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", include_str!("watchdog.sh"), "queryfleet-watchdog"])
        .arg(folder)
        .env_clear()
        .env("PATH", programs::search_path())
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}
