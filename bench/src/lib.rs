//! What several programs of the benchmarks need. First of all the CPU part of a job's way, without any I/O: what
//! `make instructions` counts and `make bench-micro` times.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

mod say;
pub mod way;

pub use say::say;

/// The packet is no public part of its crate: its source is built once more here.
#[path = "../../crates/ledger/src/session/packet.rs"]
#[allow(dead_code)] // no server answers here, and nothing asks for the rest of a packet
mod packet;

/// What the packet's source wants of its crate.
mod connect {
    /// Of a `USE`, which no statement here needs.
    pub(crate) fn quoted(name: &str) -> String {
        format!("`{name}`")
    }
}
