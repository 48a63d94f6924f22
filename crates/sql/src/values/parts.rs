//! What is known about a `?`, and about the expression around it.

use std::borrow::Cow;

/// In what use a `?` stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// As a text: assigned, compared, the argument of a function.
    Text,
    /// Beside an operator that computes.
    Number,
    /// How many rows: after LIMIT or OFFSET.
    Count,
    /// In an expression with this operator or function, and not beside it, or in another place that takes texts for
    /// floating-point numbers.
    Unclear(String),
    /// Where a value changes nothing: all of an ORDER BY or GROUP BY.
    Constant,
    /// Behind this character set, whose bytes it would be taken for.
    Introduced(String),
    /// As a text, for this column of bits: only who knows the table can tell.
    Bits(String),
    /// As a text, compared with this column of numbers and with other values at once: only who knows the table can tell.
    Among(String),
}

/// With what a `?` is compared, where that is no `=` with one column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// The names in the comparison, but for those of functions and tables.
    pub names: Vec<String>,
    /// A subquery is compared, whatever its columns are.
    pub has_query: bool,
    /// The list of a SELECT may have given a column another name.
    pub may_alias: bool,
    /// With several values at once: IN with a list, BETWEEN, a subquery.
    pub is_among: bool,
    /// These are more than one column before texts: rows, columns among them, a function.
    pub is_mixed: bool,
}

/// A part of a statement whose operands meet each other.
#[derive(Default)]
pub(crate) struct Expression<'a> {
    /// The first operator or function in it that computes.
    pub(crate) computes: Option<&'a str>,
    /// The marks in it, by their number.
    pub(crate) marks: Vec<usize>,
    /// Those that are compared themselves.
    pub(crate) direct: Vec<usize>,
    /// Those that may be the result of a function, CASE or SELECT.
    pub(crate) merged: Vec<usize>,
    /// A number is compared itself.
    pub(crate) number: bool,
    /// Something in it compares.
    pub(crate) tests: bool,
    /// The names in it, but for those of functions and tables.
    pub(crate) names: Vec<Cow<'a, str>>,
    /// It compares with a list or with both ends of a range.
    pub(crate) among: bool,
    /// More than a column stands before the list or the range, or rows in it; or it calls a function.
    pub(crate) mixed: bool,
    /// A subquery is a part of it.
    pub(crate) query: bool,
    /// It is a condition: what is around it does not reach into it.
    pub(crate) closed: bool,
    /// It begins with an assignment.
    pub(crate) assigns: bool,
    /// The number of its tokens, without ASC and DESC.
    pub(crate) length: usize,
}

/// How an expression is part of another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// As if it stood there without parentheses.
    Itself,
    /// As a value in the type of all.
    Merged,
    /// As an argument of a function, which makes something else of it.
    Argument,
}

impl<'a> Expression<'a> {
    /// Takes another in, as a part of it.
    pub(crate) fn take(&mut self, other: Expression<'a>, part: Part) {
        self.computes = self.computes.or(other.computes);
        self.marks.extend(other.marks);
        self.length += other.length;
        self.names.extend(other.names);
        self.query |= other.query;
        self.mixed |= other.mixed;
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
