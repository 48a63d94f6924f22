//! How the allocator treats large pieces of memory.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What a process that executes jobs wants of the allocator and of the driver: both read it once, at their start.
///
/// glibc returns a freed piece to the system when it is larger than a threshold, but lets the threshold grow with the
/// largest piece that was ever freed, up to 32 MiB: after a few statements of that order it keeps them all. The driver
/// keeps up to 128 buffers, each of up to 4 MiB if nobody says otherwise.
const SETTINGS: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "1048576"), ("MYSQL_ASYNC_BUFFER_SIZE_CAP", "262144")];

/// Becomes the same program with these settings, once: same process id, same arguments, a few milliseconds. Nothing
/// happens if one of them is set already, or if it cannot be done.
pub(crate) fn give_back_at_once() {
    let is_set = |(name, _): &(&str, &str)| env::var_os(name).is_some();
    if !cfg!(target_os = "linux") || SETTINGS.iter().any(is_set) {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    let mut command = Command::new(program);
    let mut arguments = env::args_os();
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // It comes back only when it has failed, and then nothing has happened.
    let _ = command.args(arguments).envs(SETTINGS).exec();
}
