//! What the words of a statement make of it.

use super::{Kind, Refusal};

/// What to do instead of setting a user variable.
const VARIABLE: &str = "use a subquery where the value is needed";

/// The keywords of one statement, gathered in its order. Those in version comments count only where they make it
/// worse: the server at hand may skip them.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// The kind by the first keyword met, in a version comment or not.
    kind: Option<Kind>,
    /// Where a first keyword stands that names another kind; set when there are version comments before it.
    other_kind: Option<usize>,
    /// Some first keyword is of a kind that must not be mistaken for another.
    risky: bool,
    /// The first keyword outside of version comments was met.
    settled: bool,
    in_version: bool,
    /// The first keyword of this version comment was met.
    version_settled: bool,
    /// Later words have a say.
    unsettled_kind: bool,
    /// `@name` was met.
    pub(super) variable: bool,
    /// `:=` was met.
    pub(super) assigns: bool,
    /// INTO was met outside of INSERT and REPLACE.
    into: bool,
    file: bool,
    infile: bool,
    local: bool,
    /// The word after the first, OR REPLACE passed over, was met.
    past_second: bool,
    temporary: bool,
    data: bool,
}

impl Words {
    /// Whether the next word is a first one.
    pub(super) fn wants_first(&self) -> bool {
        !(self.settled || self.in_version && self.version_settled)
    }

    /// Whether words after the first matter.
    pub(super) fn wants_more(&self) -> bool {
        self.unsettled_kind
    }

    pub(super) fn enter_version(&mut self) {
        self.in_version = true;
        self.version_settled = false;
    }

    pub(super) fn leave_version(&mut self) {
        self.in_version = false;
    }

    /// Takes the kind that a first keyword at `offset` names.
    pub(super) fn first(&mut self, kind: Kind, offset: usize) {
        if *self.kind.get_or_insert(kind) != kind {
            self.other_kind.get_or_insert(offset);
        }
        self.risky |= kind.is_atomic() || kind.is_session_state();
        self.unsettled_kind |= !kind.is_settled();
        if self.in_version {
            self.version_settled = true;
        } else {
            self.settled = true;
        }
    }

    /// Takes a word that is not the first.
    pub(super) fn later(&mut self, word: &[u8]) {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword.as_bytes());
        self.into |= is("into");
        self.file |= self.into && (is("outfile") || is("dumpfile"));
        self.local |= !self.infile && is("local");
        self.temporary |= !self.past_second && is("temporary");
        if !self.in_version {
            self.infile |= is("infile");
            self.data |= !self.past_second && (is("data") || is("xml"));
            self.past_second |= !(is("or") || is("replace"));
        }
    }

    /// The statement's kind.
    pub(super) fn kind(&self) -> Result<Kind, Refusal> {
        let kind = self.kind.ok_or(Refusal::Empty)?;
        if let Some(offset) = self.other_kind.filter(|_| self.risky) {
            return Err(Refusal::Ambiguous { what: "the keyword with a version comment before it", offset });
        }
        if self.variable && self.assigns {
            return Err(Refusal::SessionState { what: "assigning a user variable", instead: VARIABLE });
        }
        match kind {
            Kind::LoadData if self.local => Err(Refusal::LocalInfile),
            Kind::LoadData if !self.data => Ok(Kind::Other),
            Kind::Ddl if self.temporary => Ok(Kind::Temporary),
            _ if kind.selects() && self.file => Ok(Kind::SelectIntoFile),
            _ if kind.selects() && self.into => {
                Err(Refusal::SessionState { what: "SELECT … INTO a variable", instead: VARIABLE })
            }
            _ => Ok(kind),
        }
    }
}
