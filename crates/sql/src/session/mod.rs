//! SET statements: what they set, and to which values.

pub(crate) mod assignment;
pub(crate) mod cursor;
pub(crate) mod set;
pub(crate) mod value;
pub(crate) mod variables;
