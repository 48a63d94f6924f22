//! Which `?` an operator reaches: through functions, parentheses, CASE and the list of a subquery, but not across a
//! comparison inside of them, AND, OR, or the clauses of a statement.

use super::super::token::{Token, What};
use super::operators::{Role, unit};
use super::{Use, is_mark};

/// Words between two expressions. All are reserved: a column that has such a name stands in quotes.
const CLAUSES: &[&str] = &[
    "select",
    "distinct",
    "from",
    "where",
    "set",
    "values",
    "on",
    "having",
    "group",
    "order",
    "by",
    "limit",
    "union",
    "except",
    "intersect",
    "into",
    "using",
    "join",
    "inner",
    "cross",
    "natural",
    "straight_join",
    "update",
    "for",
    "returning",
    "partition",
];
/// Words that a parenthesis may follow without being called.
const NO_FUNCTIONS: &[&str] = &[
    "and", "or", "xor", "not", "when", "then", "else", "case", "div", "mod", "between", "like", "rlike",
    "regexp", "is", "as", "all", "any", "some", "exists",
];
/// Functions that compute: of a text, in floating point.
const COMPUTING: &[&str] = &[
    "abs",
    "ceil",
    "ceiling",
    "floor",
    "round",
    "truncate",
    "mod",
    "pow",
    "power",
    "sign",
    "sqrt",
    "sum",
    "avg",
    "exp",
    "ln",
    "log",
    "log2",
    "log10",
    "greatest",
    "least",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bit_count",
    "format",
    "conv",
    "std",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "variance",
    "var_pop",
    "var_samp",
    "field",
    "interval",
];

/// Functions that take each argument as what it is by itself: it does not matter to one what another is.
const APART: &[&str] = &[
    "json_set",
    "json_insert",
    "json_replace",
    "json_object",
    "json_array",
    "json_array_append",
    "json_array_insert",
    "concat",
    "concat_ws",
];

/// A part of a statement whose operands meet each other.
#[derive(Default)]
struct Expression<'a> {
    /// The first operator or function in it that computes.
    computes: Option<&'a str>,
    /// The marks in it, by their number.
    marks: Vec<usize>,
    /// Something in it compares: what is around it does not reach into it.
    compares: bool,
    /// Tokens that it has, but ASC and DESC.
    length: usize,
}

impl<'a> Expression<'a> {
    fn take(&mut self, other: Expression<'a>) {
        self.computes = self.computes.or(other.computes);
        self.marks.extend(other.marks);
        self.length += other.length;
    }
}

/// What a level of parentheses is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// The statement itself, or a subquery.
    Query,
    /// A row of VALUES: its columns have nothing to do with each other.
    Row,
    /// The arguments of one of [`APART`].
    Apart,
    /// Those of any other function, a list, or only parentheses.
    Inside,
}

struct Walk<'a, 't> {
    tokens: &'t [Token<'a>],
    roles: &'t [Role],
    at: usize,
    marks: usize,
    found: Vec<Use>,
}

/// For every mark what reaches it.
pub(super) fn reached(tokens: &[Token<'_>], roles: &[Role]) -> Vec<Use> {
    let marks = tokens.iter().filter(|token| is_mark(token)).count();
    let mut walk = Walk { tokens, roles, at: 0, marks: 0, found: vec![Use::Text; marks] };
    while walk.at < tokens.len() {
        let rest = walk.level(Level::Query);
        walk.end(rest, false);
    }
    walk.found
}

impl<'a> Walk<'a, '_> {
    /// An expression has ended; `by` when it is an item of ORDER BY or GROUP BY.
    fn end(&mut self, expression: Expression<'a>, by: bool) {
        let Expression { computes, marks, length, .. } = expression;
        for mark in &marks {
            match computes {
                Some(operator) => self.found[*mark] = Use::Unclear(operator.to_owned()),
                None if by && length == 1 => self.found[*mark] = Use::Constant,
                None => {}
            }
        }
    }

    /// Goes over a level up to its closing parenthesis, which is passed, and returns what the level around it meets.
    fn level(&mut self, level: Level) -> Expression<'a> {
        let (mut whole, mut current) = (Expression::default(), Expression::default());
        let (mut clause, mut is_list) = ("", false);
        while let Some(token) = self.tokens.get(self.at).copied() {
            if token.is_symbol(")") {
                self.at += 1;
                break;
            }
            let is_clause = self.is_clause();
            if !is_clause && !token.is_symbol(",") {
                let rows = level == Level::Query && clause == "values";
                self.piece(&mut current, rows, clause == "limit");
                continue;
            }
            self.at += 1;
            let ended = std::mem::take(&mut current);
            is_list |= token.is_symbol(",") && clause == "select";
            self.close(ended, &mut whole, level, clause, is_list);
            if is_clause {
                clause = CLAUSES.iter().find(|clause| token.is(clause)).copied().unwrap_or_default();
                is_list &= clause != "select";
            }
        }
        self.close(current, &mut whole, level, clause, is_list);
        whole
    }

    /// An expression of a level has ended: it is the level's own, or what the level around it meets.
    fn close(
        &mut self,
        ended: Expression<'a>,
        whole: &mut Expression<'a>,
        level: Level,
        clause: &str,
        is_list: bool,
    ) {
        if level == Level::Apart && !ended.compares {
            whole.marks.extend(&ended.marks);
            return self.end(ended, false);
        }
        let outer = match level {
            Level::Query => matches!(clause, "select" | "distinct") && !is_list,
            Level::Row | Level::Apart => false,
            Level::Inside => true,
        };
        if outer && !ended.compares { whole.take(ended) } else { self.end(ended, clause == "by") }
    }

    /// Takes the next token, or all that it opens, into an expression.
    fn piece(&mut self, into: &mut Expression<'a>, rows: bool, counts: bool) {
        let (at, token) = (self.at, self.tokens[self.at]);
        self.at += 1;
        into.length += usize::from(!token.is_any(&["asc", "desc"]));
        match self.roles[at] {
            Role::Computes => into.computes = into.computes.or(Some(token.text)),
            Role::Compares => {
                into.compares = true;
                // The AND of a BETWEEN is none that parts: what is between them is read here.
                if token.is("between") {
                    self.between(into);
                }
            }
            Role::Parts => {
                let condition = std::mem::take(into);
                self.end(condition, false);
                into.compares = true;
            }
            Role::None => self.operand(into, at, rows, counts),
        }
    }

    fn operand(&mut self, into: &mut Expression<'a>, at: usize, rows: bool, counts: bool) {
        let token = self.tokens[at];
        match () {
            () if is_mark(&token) => {
                if counts {
                    self.found[self.marks] = Use::Count;
                } else {
                    into.marks.push(self.marks);
                }
                self.marks += 1;
            }
            () if token.is_symbol("(") => {
                let is_query =
                    self.tokens.get(self.at).is_some_and(|next| next.is_any(&["select", "with", "values"]));
                let level = match () {
                    () if is_query => Level::Query,
                    () if rows => Level::Row,
                    () if at > 0 && self.tokens[at - 1].is_any(APART) => Level::Apart,
                    () => Level::Inside,
                };
                let inner = self.level(level);
                into.take(inner);
            }
            () if token.is("case") => {
                let result = self.case();
                into.take(result);
            }
            () if token.is("interval") && unit(self.tokens, at).is_some() => self.interval(at),
            () if is_function(self.tokens, at) && token.is_any(COMPUTING) => {
                into.computes = into.computes.or(Some(token.text));
            }
            () => {}
        }
    }

    /// What stands between BETWEEN and its AND.
    fn between(&mut self, into: &mut Expression<'a>) {
        while let Some(token) = self.tokens.get(self.at).copied() {
            if token.is_symbol(")") || token.is_symbol(",") || self.is_clause() {
                return;
            }
            if token.is("and") {
                self.at += 1;
                return;
            }
            self.piece(into, false, false);
        }
    }

    /// The number of an INTERVAL and its unit: what is around it does not compute with them.
    fn interval(&mut self, at: usize) {
        let end = unit(self.tokens, at).unwrap_or(at);
        let mut number = Expression::default();
        while self.at < end {
            self.piece(&mut number, false, false);
        }
        self.at = self.at.max(end + 1);
        self.end(number, false);
    }

    /// CASE … END: its conditions are their own, its results meet what is around it.
    fn case(&mut self) -> Expression<'a> {
        const ENDS: &[&str] = &["when", "then", "else", "end"];
        let mut result = Expression::default();
        let mut operand = self.until(ENDS);
        let is_simple = operand.length > 0;
        while let Some(token) = self.tokens.get(self.at).copied().filter(|token| token.is_any(ENDS)) {
            self.at += 1;
            if token.is("end") {
                break;
            }
            let part = self.until(ENDS);
            match () {
                () if token.is("when") && is_simple => operand.take(part),
                () if token.is("when") || part.compares => self.end(part, false),
                () => result.take(part),
            }
        }
        self.end(operand, false);
        result
    }

    /// What stands before one of these words, or the end of the level.
    fn until(&mut self, ends: &[&str]) -> Expression<'a> {
        let mut found = Expression::default();
        while let Some(token) = self.tokens.get(self.at) {
            if token.is_any(ends) || token.is_symbol(")") || token.is_symbol(",") {
                break;
            }
            self.piece(&mut found, false, false);
        }
        found
    }

    /// Whether a clause begins here.
    fn is_clause(&self) -> bool {
        let token = &self.tokens[self.at];
        if token.is("values") {
            // In ON DUPLICATE KEY UPDATE it is a function: an operator, a comma or a parenthesis stands before it.
            let before = self.at.checked_sub(1).map(|before| &self.tokens[before]);
            return before.is_none_or(|before| {
                before.is_symbol(")") || matches!(before.what, What::Word | What::Name) && !before.is("div")
            });
        }
        token.is_any(CLAUSES)
    }
}

/// Whether a word is the name of a function that is called here.
pub(super) fn is_function(tokens: &[Token<'_>], at: usize) -> bool {
    let is_called = tokens.get(at + 1).is_some_and(|next| next.is_symbol("("));
    let is_operand = |token: &Token<'_>| {
        token.is_symbol(")")
            || is_mark(token)
            || matches!(token.what, What::Number | What::String | What::Variable | What::Name)
            || token.what == What::Word && !token.is_any(NO_FUNCTIONS) && !token.is_any(CLAUSES)
    };
    let follows_operand = at.checked_sub(1).is_some_and(|before| is_operand(&tokens[before]));
    is_called && !(tokens[at].is("mod") && follows_operand)
}

/// Whether the parenthesis at this place holds arguments, a list or a row.
pub(super) fn is_call(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| &tokens[before]) else { return false };
    match before.what {
        What::Name => true,
        What::Word => before.is("values") || !(before.is_any(NO_FUNCTIONS) || before.is_any(CLAUSES)),
        What::Number | What::String | What::Variable | What::Symbol => false,
    }
}
