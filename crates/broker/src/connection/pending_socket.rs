//! The socket of a connection that is being made, which is shut down if the attempt is given up.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A socket that lapin is making a connection of. lapin reads it in a thread of its own, without a limit: if the broker
/// accepts connections and says nothing, that thread would wait forever, and would make a connection that nobody owns
/// when the broker wakes up.
#[derive(Clone, Default)]
pub(crate) struct PendingSocket(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    open: Option<TcpStream>,
    is_given_up: bool,
}

impl PendingSocket {
    /// Notes the socket once it is open.
    ///
    /// # Errors
    /// Returns an error if the attempt has been given up in the meantime.
    pub(crate) fn note(&self, socket: &impl AsFd) -> io::Result<()> {
        let mut state = self.state();
        if state.is_given_up {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        state.open = Some(TcpStream::from(socket.as_fd().try_clone_to_owned()?));
        Ok(())
    }

    /// Shuts the socket down when the guard is dropped, unless it was [disarmed](ShutdownGuard::disarm).
    pub(crate) fn guard(&self) -> ShutdownGuard {
        ShutdownGuard(self.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A flag and a socket: whole wherever a thread may have panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the attempt up when it is dropped.
pub(crate) struct ShutdownGuard(PendingSocket);

impl ShutdownGuard {
    /// The connection stands: the socket is lapin's alone from now on.
    pub(crate) fn disarm(self) {
        self.0.state().open = None;
    }
}

impl Drop for ShutdownGuard {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_given_up = true;
        if let Some(socket) = state.open.take() {
            // It may be closed already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
