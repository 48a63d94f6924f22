//! Bounded waits for processes and ports.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

/// The longest wait of this crate: two busy cores have needed more than 60 s to boot three nodes.
const WAIT_TIMEOUT: Duration = Duration::from_secs(120);
/// The interval between two looks; a start takes seconds.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// How long a server may take to accept and to greet before it is asked again.
const GREETING_TIMEOUT: Duration = Duration::from_secs(1);

/// Calls `look` until it finds something; `None` after [`WAIT_TIMEOUT`].
pub(crate) fn until<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + WAIT_TIMEOUT;
    loop {
        match look() {
            None if Instant::now() < end => thread::sleep(POLL_INTERVAL),
            found => return found,
        }
    }
}

/// Waits for a process to end; `None` after [`WAIT_TIMEOUT`].
pub(crate) fn for_end(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    until(|| child.try_wait().transpose()).transpose()
}

/// Whether a TCP server accepts connections.
pub(crate) fn connects(port: u16) -> bool {
    connect(port).is_ok()
}

fn connect(port: u16) -> io::Result<TcpStream> {
    TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), GREETING_TIMEOUT)
}

/// The first five bytes with which a TCP server answers `hello`, if it does so within [`GREETING_TIMEOUT`].
pub(crate) fn greeting(port: u16, hello: &[u8]) -> Option<[u8; 5]> {
    let ask = || -> io::Result<[u8; 5]> {
        let mut stream = connect(port)?;
        stream.set_read_timeout(Some(GREETING_TIMEOUT))?;
        stream.write_all(hello)?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    ask().ok()
}
