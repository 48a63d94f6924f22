//! Values in a statement: where they go, and in which use each stands.

pub(crate) mod column;
pub(crate) mod expression;
pub(crate) mod operators;
pub(crate) mod parts;
pub(crate) mod placeholder;
pub(crate) mod usage;
pub(crate) mod words;
