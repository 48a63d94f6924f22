//! What a statement names: the tables that it writes, the functions that it calls.

pub(crate) mod builtins;
pub(crate) mod calls;
pub(crate) mod literals;
pub(crate) mod mentions;
pub(crate) mod moves;
pub(crate) mod verb;
pub(crate) mod written;
