//! How a stack is started.

use std::path::PathBuf;

/// How to start a [`Stack`](crate::Stack).
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// An existing folder in which the stack's own folder is made; `None`: the system's temporary folder. Only the
    /// stack's own folder is deleted at the end. Keep the path short: that of a socket in it has at most 107 bytes.
    pub folder: Option<PathBuf>,
    /// Both servers also offer TLS: the database on the same port, the broker on
    /// [`RabbitMq::tls_url`](crate::RabbitMq::tls_url).
    pub tls: Option<Tls>,
    /// The number of virtual hosts `t1`, `t2`, … that the node has from the start, so that each test can own one.
    /// One costs some 0.15 s; a later [`RabbitMq::add_vhost`](crate::RabbitMq::add_vhost) costs 0.5 s each.
    pub vhosts: usize,
    /// The number of RabbitMQ nodes that form a cluster with the first one, at most 2; they cost some 4 s more.
    pub peers: usize,
    /// A second database server, which replicates the first one: [`Stack::replica`](crate::Stack::replica).
    pub replica: bool,
    /// The root folder of another system, such as a newer Debian, whose servers run instead of this system's. This needs
    /// root, /proc and /dev in that folder, and the stack's own folder at the same path in it.
    pub root: Option<PathBuf>,
    /// The broker's threads sleep at once when they have nothing to do, as RabbitMQ is shipped. For benchmarks: it
    /// boots more slowly and uses less CPU.
    pub sleepy_broker: bool,
}

/// The certificates of the servers, and the clients that they accept. All files are PEM.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The authorities that may have signed a client's certificate.
    pub ca: PathBuf,
    /// The servers' certificate.
    pub cert: PathBuf,
    /// The key of that certificate.
    pub key: PathBuf,
    /// Whether the broker accepts only clients with a certificate. The database asks per account: `REQUIRE X509`.
    pub clients_need_one: bool,
}
