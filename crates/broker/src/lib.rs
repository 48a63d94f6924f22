//! The message broker: its topology as data, connections, confirmed publishing, subscriptions and their settling.
//!
//! lapin's automatic recovery stays off: it hides reconnects, and its consumer can hang forever. After any error the
//! caller drops what it holds, pauses, and asks again; the next URL is tried then. Nothing outside this crate sees
//! lapin.

mod client_error;
mod connection;
mod error;
mod error_class;
mod operation;
mod properties;
mod publisher;
mod queues;
mod subscription;

pub use client_error::ClientError;
pub use connection::{Broker, ConnectionFacts};
pub use error::Error;
pub use error_class::ErrorClass;
pub use operation::Operation;
pub use properties::{DeadLetterReason, DeadLettered};
pub use publisher::{Publisher, Route};
pub use queues::{Depth, Management, QueuePolicy, Topology};
pub use subscription::{Delivery, Subscription};
