//! What one transaction does not hold, and whether a statement reaches it: tables of engines without transactions, of
//! all databases, sequences, and every view, table with a trigger, and routine that leads there.
//!
//! The rule needs no grammar: a statement is *suspect* when any of its words is the name of something in the list, in a
//! database that it can mean, or when it calls anything that is not certainly the server's own. Only what is suspect is
//! looked at more closely, and it passes when it is proven harmless: it only reads, or it writes other tables. What
//! this account cannot see is not taken for harmless.

mod filter;
mod grants;
mod judge;
mod links;
pub(super) mod load;
mod name;
mod reason;
mod schema_objects;
#[cfg(test)]
mod tests;

pub use judge::Explaining;
pub use reason::NotHeld;
pub use schema_objects::Catalog;
