//! What is known of an expression.

/// A part of a statement whose operands meet each other.
#[derive(Default)]
pub(super) struct Expression<'a> {
    /// The first operator or function in it that computes.
    pub(super) computes: Option<&'a str>,
    /// The marks in it, by their number.
    pub(super) marks: Vec<usize>,
    /// Those that are compared themselves.
    pub(super) direct: Vec<usize>,
    /// Those that may be what a function, CASE or SELECT answers.
    pub(super) merged: Vec<usize>,
    /// A number is compared itself.
    pub(super) number: bool,
    /// Something in it compares.
    pub(super) tests: bool,
    /// It is a condition: what is around it does not reach into it.
    pub(super) closed: bool,
    /// It begins with an assignment.
    pub(super) assigns: bool,
    /// Tokens that it has, but ASC and DESC.
    pub(super) length: usize,
}

/// How an expression is part of another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// As if it stood there without parentheses.
    Itself,
    /// As a value in the type of all.
    Merged,
    /// As an argument of a function, which makes something else of it.
    Argument,
}

impl<'a> Expression<'a> {
    /// Takes another in, as a part of it.
    pub(super) fn take(&mut self, other: Expression<'a>, part: Part) {
        self.computes = self.computes.or(other.computes);
        self.marks.extend(other.marks);
        self.length += other.length;
        match part {
            Part::Itself => {
                self.direct.extend(other.direct);
                self.merged.extend(other.merged);
            }
            Part::Merged => {
                self.merged.extend(other.direct);
                self.merged.extend(other.merged);
            }
            Part::Argument => {}
        }
        self.number |= part != Part::Argument && other.number;
    }
}
