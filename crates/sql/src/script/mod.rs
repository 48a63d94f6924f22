//! Scripts and dumps, read as the `mariadb` client reads them: cut into statements, with the client's own commands.

pub(crate) mod binary;
pub(crate) mod client;
pub(crate) mod idle;
pub(crate) mod position;
pub(crate) mod splitter;
