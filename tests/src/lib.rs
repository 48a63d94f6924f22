//! What the end-to-end tests stand on: private servers, a world for each test, the program as processes.
//!
//! [`Fleet`] is one test's world: a virtual host and a database of its own on servers that all tests of a process
//! share, and a folder for scripts and logs. The program is run as its users run it, with arguments and environment;
//! what it printed must never hold a password, and that is checked of every process. Nothing here sleeps for a fixed
//! time: [`eventually()`] polls a condition until its deadline.

// A test that cannot go on panics: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

mod certificates;
mod client;
mod eventually;
mod fleet;
mod http;
mod output;
mod proxy;
mod queue;
mod servers;
mod sessions;
mod shell;
pub mod storm;
mod terminal;
mod worker;

pub use certificates::{Authority, Pair};
pub use client::Client;
pub use eventually::eventually;
pub use fleet::{Fleet, program};
pub use http::get;
pub use output::{Output, interrupted};
pub use proxy::{Link, Proxy};
pub use queue::Taken;
/// A key that a certificate is for.
pub use rcgen::KeyPair;
pub use rustix::process::Signal;
pub use servers::Servers;
pub use sessions::Session;
pub use shell::shell;
pub use terminal::Terminal;
pub use worker::Worker;
