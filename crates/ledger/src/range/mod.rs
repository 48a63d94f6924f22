//! Key ranges: which key can be walked, and where its ranges begin and end.

pub(crate) mod compare;
pub(crate) mod key;
pub(crate) mod key_value;
pub(crate) mod moves;
pub(crate) mod walk;
