//! What the server says of itself: rights, settings, tables and what they reach, plans of statements.

pub(crate) mod bits;
pub(crate) mod catalog;
pub(crate) mod collations;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod process_list;
pub(crate) mod rights;
pub(crate) mod trial;
pub(crate) mod writing;
