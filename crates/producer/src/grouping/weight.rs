//! What a job is to its message.

/// What a job is to its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weight {
    /// What it takes, in microseconds, by the estimate; 0 where nobody asks.
    pub(super) time_us: u64,
    /// Jobs of the same shape have the same number.
    pub(super) shape: u64,
    pub(super) is_alone: bool,
}

impl Weight {
    /// That of a job that has a message of its own.
    pub(super) const ALONE: Weight = Weight { time_us: 0, shape: 0, is_alone: true };
}
