//! Private RabbitMQ and MariaDB servers in a folder, on free ports of the loopback address.
//!
//! For `queryfleet demo`, `queryfleet dev`, the end-to-end tests and the benches: [`Stack::start`] brings both
//! servers up in some 4 s, and nothing of them outlives the process that started them:
//!
//! | the process | its servers and their folder |
//! | --- | --- |
//! | calls [`Stack::stop`], or drops the [`Stack`] | gone when the call returns |
//! | ends without a drop (`exit`, a `static` stack) | gone within a second |
//! | is killed, SIGKILL included | gone within a second |
//! | gets Ctrl-C from the terminal | untouched: the process decides when they stop |
//!
//! A watchdog sees to that: a small shell script that waits for the end of a pipe which only this process holds.
//! Ending the pipe is also how a [`Stack`] stops, so there is one way down, and every test walks it.
//!
//! Everything here blocks; under an async runtime call it from a blocking thread.

mod command;
mod error;
mod folder;
mod mariadb;
mod names;
mod port;
mod programs;
mod rabbitmq;
mod rabbitmq_files;
mod secret;
mod server;
mod stack;
mod tls;
mod wait;

pub use error::Error;
pub use mariadb::MariaDb;
pub use port::Port;
pub use programs::Program;
pub use rabbitmq::RabbitMq;
pub use server::Server;
pub use stack::{Options, Stack};
pub use tls::Tls;
