//! Every metric series of queryfleet, and the HTTP server for /metrics, /livez and /readyz.
//!
//! One process has one [`Metrics`], with a registry of its own. It hands every slot its [`SlotMetrics`], whose
//! series are looked up once, so that a job costs a few atomic additions. [`serve`] answers three paths:
//!
//! | path | 200 | 503 |
//! | --- | --- | --- |
//! | `/metrics` | the text exposition of all series | – |
//! | `/livez` | the supervising loop turns, see [`Health::beat`] | it has not turned for too long |
//! | `/readyz` | connected to both sides, fit, and not draining | one line for each thing that is missing |
//!
//! Metrics are read only: no path changes anything, and no series carries a statement, a URL or another secret.

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
pub use metrics::Metrics;
pub use reference::reference;
pub use server::{Server, serve};
pub use slot::{InFlight, SlotMetrics};
