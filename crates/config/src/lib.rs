//! The configuration that producer and workers share, read from the environment.
