//! The end-to-end tests, one module a theme.

// Helpers of tests count as code for clippy; a test that cannot go on panics: that is how it fails.
#![allow(clippy::unwrap_used)]

mod builtins;
mod cancel;
mod chunk;
mod clock;
mod cluster;
mod crash;
mod dead;
mod disk;
mod docs;
mod doctor;
mod double;
mod drain;
mod dump;
mod engines;
mod flood;
mod forged;
mod frozen;
mod hammer;
mod health;
mod inputs;
mod layers;
mod link;
mod memory;
mod message;
mod metrics;
mod mutants;
mod oracle;
mod outage;
mod outside;
mod pace;
mod pipe;
mod plan;
mod poison;
mod pressure;
mod queue;
mod range;
mod refuse;
mod resume;
mod retry;
mod rows;
mod second_net;
mod secrets;
mod session;
mod storm;
mod tls;
mod tls_client;
mod unfit;
mod unseen;
mod waiting;
mod whole;
