//! The names of queryfleet's tables.

use crate::quote::quoted;

/// The tables, schema-qualified and quoted: a job's `USE` must not move them.
pub(crate) struct Tables {
    pub(crate) run: String,
    pub(crate) ledger: String,
    pub(crate) dead: String,
    pub(crate) worker: String,
    pub(crate) meta: String,
    pub(crate) range: String,
    pub(crate) hold: String,
    pub(crate) place: String,
    pub(crate) limit: String,
    pub(crate) permit: String,
    pub(crate) rate: String,
    pub(crate) governor: String,
    pub(crate) event: String,
}

impl Tables {
    pub(crate) fn of_schema(schema: &str) -> Tables {
        let schema = quoted(schema);
        let table = |name: &str| format!("{schema}.queryfleet_{name}");
        Tables {
            run: table("run"),
            ledger: table("ledger"),
            dead: table("dead"),
            worker: table("worker"),
            meta: table("meta"),
            range: table("range"),
            hold: table("hold"),
            place: table("place"),
            limit: table("limit"),
            permit: table("permit"),
            rate: table("rate"),
            governor: table("governor"),
            event: table("event"),
        }
    }
}
