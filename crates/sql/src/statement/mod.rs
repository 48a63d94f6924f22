//! One statement: whether it is exactly one, of which kind, and whether it stands by itself.

pub(crate) mod ambiguous;
pub(crate) mod fingerprint;
pub(crate) mod inspect;
pub(crate) mod keywords;
pub(crate) mod kind;
pub(crate) mod previous_statement;
pub(crate) mod refusal;
pub(crate) mod user_lock;
pub(crate) mod user_variable;
