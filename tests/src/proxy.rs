//! A TCP proxy between the program and a server, that cuts, loses, delays and stalls.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// How often a waiting direction looks whether it may go on.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What is done to all connections, from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Each piece of data waits so long, in each direction.
    pub delay: Duration,
    /// The largest piece that goes through at once; 0: any.
    pub piece: usize,
    /// Nothing goes through, and nothing is lost.
    pub stalled: bool,
}

/// A proxy to one server on the loopback address. Its connections end with it.
pub struct Proxy {
    port: u16,
    target: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    link: Link,
    /// The answers to the first packet with this text are lost.
    trigger: Option<Vec<u8>>,
    /// The first packet with this text has that one in its place.
    forgery: Option<(Vec<u8>, Vec<u8>)>,
    wires: Vec<Arc<Wire>>,
    ended: bool,
}

/// One connection through the proxy.
struct Wire {
    client: TcpStream,
    server: TcpStream,
    /// Bytes from the client, from the server, are swallowed.
    lost: [AtomicBool; 2],
}

impl Wire {
    fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("nobody panics with it")
}

impl Proxy {
    /// A proxy to the server that a URL names, `scheme://user:password@host:port/rest`.
    pub fn to(url: &str) -> Proxy {
        let (_, after) = url.split_once('@').expect("a user in the URL");
        let (_, after) = after.split_once(':').expect("a port in the URL");
        let target = after.split('/').next().expect("a port").parse().expect("a port");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of the proxy's");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        std::thread::spawn(move || accept(&listener, target, &shared));
        Proxy { port, target, state }
    }

    /// The URL with the proxy in place of the server.
    pub fn url(&self, url: &str) -> String {
        url.replacen(&format!(":{}/", self.target), &format!(":{}/", self.port), 1)
    }

    /// What happens to all data from now on.
    pub fn set(&self, link: Link) {
        lock(&self.state).link = link;
    }

    /// Swallows all that comes on the connections that there are, in both directions, and lets new ones be. Answers
    /// how many they are.
    pub fn blackhole(&self) -> usize {
        let state = lock(&self.state);
        for wire in &state.wires {
            wire.lost.iter().for_each(|lost| lost.store(true, Ordering::Relaxed));
        }
        state.wires.len()
    }

    /// Swallows what the server answers to the first packet that holds `text`, on that one connection.
    pub fn lose_answer_to(&self, text: &str) {
        lock(&self.state).trigger = Some(text.as_bytes().to_vec());
    }

    /// Puts `other`, which is as long, in place of `text` in the first packet that holds it.
    pub fn forge(&self, text: &str, other: &str) {
        assert_eq!(text.len(), other.len());
        lock(&self.state).forgery = Some((text.as_bytes().to_vec(), other.as_bytes().to_vec()));
    }

    /// Whether the packet of [`forge`](Self::forge) has been sent on.
    pub fn has_forged(&self) -> bool {
        lock(&self.state).forgery.is_none()
    }

    /// Whether the packet of [`lose_answer_to`](Self::lose_answer_to) has been sent on.
    pub fn has_lost_an_answer(&self) -> bool {
        let state = lock(&self.state);
        state.wires.iter().any(|wire| wire.lost[1].load(Ordering::Relaxed))
    }

    /// Ends all connections that there are.
    pub fn cut(&self) {
        lock(&self.state).wires.drain(..).for_each(|wire| wire.cut());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        lock(&self.state).ended = true;
        self.cut();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn accept(listener: &TcpListener, target: u16, state: &Arc<Mutex<State>>) {
    for client in listener.incoming() {
        if lock(state).ended {
            return;
        }
        // A server that is down refuses: the client's connection ends at once.
        let (Ok(client), Ok(server)) = (client, TcpStream::connect((Ipv4Addr::LOCALHOST, target))) else {
            continue;
        };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let wire = Arc::new(Wire { client, server, lost: Default::default() });
        lock(state).wires.push(wire.clone());
        for upstream in [true, false] {
            let (wire, state) = (wire.clone(), state.clone());
            std::thread::spawn(move || {
                carry(&wire, &state, upstream);
                // The end of a client is lost, too.
                if upstream && wire.lost[0].load(Ordering::Relaxed) {
                    return;
                }
                wire.cut();
                lock(&state).wires.retain(|other| !Arc::ptr_eq(other, &wire));
            });
        }
    }
}

/// Carries one direction until it ends.
fn carry(wire: &Wire, state: &Mutex<State>, upstream: bool) {
    let (mut from, mut to) =
        if upstream { (&wire.client, &wire.server) } else { (&wire.server, &wire.client) };
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let data = &mut buffer[..count];
        if upstream {
            watch(wire, state, data);
        }
        let link = pass(state);
        let piece = if link.piece == 0 { count } else { link.piece };
        for part in data.chunks(piece) {
            std::thread::sleep(link.delay);
            let lost = &wire.lost[usize::from(!upstream)];
            if !lost.load(Ordering::Relaxed) && to.write_all(part).is_err() {
                return;
            }
        }
    }
}

/// Loses the answers from now on, or changes the packet, when this is the one.
fn watch(wire: &Wire, state: &Mutex<State>, data: &mut [u8]) {
    let mut state = lock(state);
    let place = |data: &[u8], text: &[u8]| data.windows(text.len()).position(|window| window == text);
    if state.trigger.as_ref().is_some_and(|text| place(data, text).is_some()) {
        state.trigger = None;
        wire.lost[1].store(true, Ordering::Relaxed);
    }
    let Some((text, other)) = &state.forgery else { return };
    if let Some(place) = place(data, text) {
        data[place..place + text.len()].copy_from_slice(other);
        state.forgery = None;
    }
}

/// Waits while the link is stalled; answers what it does otherwise.
fn pass(state: &Mutex<State>) -> Link {
    loop {
        let link = lock(state).link;
        if !link.stalled {
            return link;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}
