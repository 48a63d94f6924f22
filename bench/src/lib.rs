//! What several programs of the benchmarks need. First of all the CPU part of a job's way, without any I/O: what
//! `make instructions` counts and `make bench-micro` times.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

mod say;
pub mod way;

pub use say::say;
