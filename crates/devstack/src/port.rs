//! Ports that stay reserved while a server is down.

use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

use crate::Error;

/// The range is below the ports that Linux gives to outgoing connections (from 32768): one of those could take a server's
/// port while the server is being restarted.
const FIRST_PORT: u16 = 20_000;
const PORT_COUNT: u16 = 12_000;
const MAX_TRIES: usize = 1000;

/// A TCP port of 127.0.0.1 that no other stack on this machine takes while this exists. The UDP port of the same number
/// reserves it: the kernel frees that whenever the process ends, and it does not disturb a TCP server.
pub struct Port {
    number: u16,
    _reservation: UdpSocket,
}

impl Port {
    /// Reserves a random port.
    ///
    /// # Errors
    /// [`Error::Io`] if none is free.
    pub fn reserve() -> Result<Self, Error> {
        (0..MAX_TRIES).find_map(|_| Self::try_random().ok()).ok_or_else(|| {
            Error::io("find a free port on 127.0.0.1")(io::Error::from(io::ErrorKind::AddrInUse))
        })
    }

    fn try_random() -> io::Result<Self> {
        let random = getrandom::u32().map_err(io::Error::from)?;
        // The remainder is below PORT_COUNT, so it fits.
        let number = FIRST_PORT + (random % u32::from(PORT_COUNT)) as u16;
        let reservation = UdpSocket::bind((Ipv4Addr::LOCALHOST, number))?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, number))?;
        Ok(Self { number, _reservation: reservation })
    }

    /// The number of the port.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_port_takes_a_listener_and_no_second_reservation() {
        let port = Port::reserve().unwrap();
        TcpListener::bind((Ipv4Addr::LOCALHOST, port.number())).unwrap();
        UdpSocket::bind((Ipv4Addr::LOCALHOST, port.number())).unwrap_err();
    }
}
