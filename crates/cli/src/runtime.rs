//! The runtime of a command that waits.

use crate::failure::Failure;
use crate::signal;

/// Runs `work` to its end.
pub(crate) fn block<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = Runtime(Some(tokio::runtime::Builder::new_multi_thread().enable_all().build()?));
    let Some(running) = &runtime.0 else { return Err(Failure::new("there is no runtime")) };
    running.block_on(async {
        signal::outlive()?;
        work.await
    })
}

/// Ends without waiting for its tasks, in a panic too: one may block on an input that never comes.
struct Runtime(Option<tokio::runtime::Runtime>);

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
