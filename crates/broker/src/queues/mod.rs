//! The queues of a fleet: as data, declared, counted, and under which policies they are.

mod declare;
mod depth;
mod policies;
mod topology;

pub use depth::Depth;
pub use policies::{Management, QueuePolicy};
pub(crate) use topology::EXCHANGE;
pub use topology::Topology;
