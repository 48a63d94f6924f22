//! All of the message broker: topology as data, declaring it, connecting, confirmed publishing, subscribing, settling.
//!
//! lapin's automatic recovery stays off (it hides reconnects, and its consumer can hang for ever): on any error the
//! caller drops what it holds, pauses, and asks again; the next URL is tried then. Nothing outside this crate sees
//! lapin.

mod alarm;
mod attempt;
mod class;
mod connect;
mod declare;
mod depth;
mod error;
mod fate;
mod look;
mod management;
mod properties;
mod publish;
mod subscribe;
mod tls;
mod topology;

pub use class::Class;
pub use connect::Broker;
pub use depth::Depth;
pub use error::Error;
pub use look::Link;
pub use management::{Management, QueuePolicy};
pub use properties::{Death, Why};
pub use publish::{Publisher, Route};
pub use subscribe::{Delivery, Subscription};
pub use topology::Topology;
