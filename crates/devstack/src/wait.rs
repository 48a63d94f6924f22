//! Bounded waits for processes and ports.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

/// No wait of this crate is longer: two cores that do much else have needed over 60 s to boot three nodes.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);
/// How often is looked; a start is measured in seconds.
const INTERVAL: Duration = Duration::from_millis(5);
/// A server that accepts but does not greet is asked again after this.
const GREETING: Duration = Duration::from_secs(1);

/// Calls `look` until it finds something; `None` after [`LIMIT`].
pub(crate) fn until<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + LIMIT;
    loop {
        match look() {
            None if Instant::now() < end => thread::sleep(INTERVAL),
            found => return found,
        }
    }
}

/// Waits for a process to end; `None` after [`LIMIT`].
pub(crate) fn for_end(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    until(|| child.try_wait().transpose()).transpose()
}

/// Whether a TCP server takes connections.
pub(crate) fn connects(port: u16) -> bool {
    connect(port).is_ok()
}

fn connect(port: u16) -> io::Result<TcpStream> {
    TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), GREETING)
}

/// The first five bytes that a TCP server answers to `hello`, if it does within [`GREETING`].
pub(crate) fn greeting(port: u16, hello: &[u8]) -> Option<[u8; 5]> {
    let ask = || -> io::Result<[u8; 5]> {
        let mut stream = connect(port)?;
        stream.set_read_timeout(Some(GREETING))?;
        stream.write_all(hello)?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    ask().ok()
}
