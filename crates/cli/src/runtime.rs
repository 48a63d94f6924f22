//! The runtime of a command that waits.

use crate::failure::Failure;
use crate::signal;

/// Runs `work` to its end.
pub(crate) fn block<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        signal::outlive()?;
        work.await
    });
    // A task may still block on an input that never comes.
    runtime.shutdown_background();
    result
}
