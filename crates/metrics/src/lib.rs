//! Every metric series of queryfleet, and the HTTP server for /metrics, /livez and /readyz.
//!
//! A process has one [`Metrics`], with its own registry. Each slot has its [`SlotMetrics`], whose series are looked up
//! once, so that a job costs a few atomic additions. Label values are types ([`queryfleet_job::Class`], [`Dependency`]
//! and others): a value without a series cannot be counted by mistake. [`serve`] answers three paths:
//!
//! | path | 200 | 503 |
//! | --- | --- | --- |
//! | `/metrics` | the text exposition of all series | – |
//! | `/livez` | the supervising loop turns, see [`Health::beat`] | it has not turned for too long |
//! | `/readyz` | connected to both servers, fit, and not draining | one line for each thing that is missing |
//!
//! The server is read-only: no path changes anything, and no series carries a statement, a URL or a secret.

mod by_word;
mod error;
mod health;
mod labels;
mod metrics;
mod reference;
mod render;
mod respond;
mod series;
mod server;
mod slot;

pub use error::Error;
pub use health::Health;
pub use labels::{Dependency, KillReason, Labels, PublishResult};
pub use metrics::{CheckSample, Metrics, Totals};
pub use reference::reference;
pub use server::{Server, serve};
pub use slot::{InFlight, SlotMetrics};
