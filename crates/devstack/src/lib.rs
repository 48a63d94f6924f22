//! Private RabbitMQ and MariaDB servers in a folder, on free ports of the loopback address.
//!
//! For `queryfleet demo`, `queryfleet dev`, the end-to-end tests and the benchmarks: [`Stack::start`] starts both servers
//! in some 4 s, and nothing of them outlives the process that started them:
//!
//! | the process | its servers and their folder |
//! | --- | --- |
//! | calls [`Stack::stop`], or drops the [`Stack`] | gone when the call returns |
//! | ends without a drop (`exit`, a `static` stack) | gone within a second |
//! | is killed, SIGKILL included | gone within a second |
//! | gets Ctrl-C from the terminal | not affected: the process decides when they stop |
//!
//! A watchdog ensures this: a small shell script that waits for the end of a pipe which only this process holds.
//! A [`Stack`] also stops by ending the pipe, so there is one way to stop, and every test uses it.
//!
//! Everything here blocks: in an async runtime, call it from a blocking thread.

mod bounded_wait;
mod command;
mod error;
mod folder;
mod mariadb;
mod options;
mod port;
mod process;
mod programs;
mod rabbitmq;
mod random;
pub mod scrape;
mod stack;

pub use error::Error;
pub use mariadb::MariaDb;
pub use options::{Options, Tls};
pub use port::Port;
pub use process::Process;
pub use programs::Program;
pub use rabbitmq::RabbitMq;
pub use stack::Stack;
