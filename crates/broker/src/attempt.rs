//! An attempt to connect, which can be given up.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The socket of a connection that is being made. lapin reads it in a thread of its own, without a limit: from a broker
/// that takes connections and says nothing that thread would wait for ever, and make a connection of nobody's when the
/// broker wakes up.
#[derive(Clone, Default)]
pub(crate) struct Socket(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    open: Option<TcpStream>,
    given_up: bool,
}

impl Socket {
    /// Notes the socket once it is there.
    ///
    /// # Errors
    /// When the attempt was given up meanwhile.
    pub(crate) fn note(&self, socket: &impl AsFd) -> io::Result<()> {
        let mut state = self.state();
        if state.given_up {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        state.open = Some(TcpStream::from(socket.as_fd().try_clone_to_owned()?));
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A flag and a socket: whole whenever a thread may have panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the attempt up when it is dropped, unless the connection was [`made`](Self::made).
pub(crate) struct Attempt(pub(crate) Socket);

impl Attempt {
    /// The socket is lapin's alone from now on.
    pub(crate) fn made(self) {
        self.0.state().open = None;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.given_up = true;
        if let Some(socket) = state.open.take() {
            // It may be closed already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
