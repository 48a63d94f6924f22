//! Which `?` an operator reaches: through functions, parentheses, CASE and the list of a subquery, but not across a
//! comparison inside of them, AND, OR, or the clauses of a statement.

use crate::lexer::token::{Token, TokenKind};
use crate::values::operators::{Role, unit};
use crate::values::parts::{Compared, Expression, Part, Use};
use crate::values::words::{
    APART, CLAUSES, COMPUTING, MERGING, TABLES, is_call, is_function, is_mark, is_typed,
};

/// Why a text is no number there, beside operators and functions.
const WITH_NUMBER: &str = "a comparison with a number";
const OF_RESULT: &str = "a comparison of what a function, CASE or SELECT makes of it";
const DERIVED: &str = "the list of a derived table";
/// MySQL compares all values of one as the type that holds them all: of a number and a text a floating-point one.
const OF_CASE: &str = "a CASE that compares one value with others";

/// What a level of parentheses is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// The statement itself, or a subquery.
    Query,
    /// A subquery in place of a table: its columns have the types of its list, and may be used in any way.
    Derived,
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
    answers: Vec<bool>,
    compared: Vec<Option<Compared>>,
    /// The list of a SELECT may give a column another name.
    may_alias: bool,
}

/// What is known of the marks of a statement.
pub(crate) struct Reached {
    /// For each what reaches it.
    pub(crate) uses: Vec<Use>,
    /// For each whether it may be the result of its expression.
    pub(crate) answers: Vec<bool>,
    /// For each with what it is compared, if it is.
    pub(crate) compared: Vec<Option<Compared>>,
}

/// What reaches the marks of a statement.
pub(crate) fn reached(tokens: &[Token<'_>], roles: &[Role]) -> Reached {
    let marks = tokens.iter().filter(|token| is_mark(token)).count();
    let mut walk = Walk {
        tokens,
        roles,
        at: 0,
        marks: 0,
        found: vec![Use::Text; marks],
        answers: vec![false; marks],
        compared: vec![None; marks],
        may_alias: tokens.iter().any(|token| token.is_any(&["select", "with"])),
    };
    while walk.at < tokens.len() {
        let rest = walk.level(Level::Query, "");
        walk.end(rest, "");
    }
    Reached { uses: walk.found, answers: walk.answers, compared: walk.compared }
}

impl<'a> Walk<'a, '_> {
    /// An expression has ended.
    fn end(&mut self, expression: Expression<'a>, clause: &str) {
        if expression.tests {
            self.compare(&expression);
        }
        let Expression { computes, marks, direct, merged, number, tests, closed, length, .. } = expression;
        if !closed {
            direct.iter().chain(&merged).for_each(|mark| self.answers[*mark] = true);
        }
        if let Some(operator) = computes {
            self.unclear(&marks, &format!("`{operator}`"));
        } else if tests {
            self.unclear(&merged, OF_RESULT);
            if number {
                self.unclear(&direct, WITH_NUMBER);
            }
        }
        if clause == "by" && length == 1 && marks.len() == 1 {
            self.found[marks[0]] = Use::Constant;
        }
    }

    /// Notes with what the marks of a comparison are compared.
    fn compare(&mut self, Expression { names, direct, among, mixed, query, .. }: &Expression<'a>) {
        let compared = Compared {
            names: names.iter().map(|name| name.clone().into_owned()).collect(),
            has_query: *query,
            may_alias: self.may_alias,
            is_among: *among || *query,
            is_mixed: *mixed || *query || names.len() != 1,
        };
        direct.iter().for_each(|mark| self.compared[*mark] = Some(compared.clone()));
    }

    fn unclear(&mut self, marks: &[usize], why: &str) {
        marks.iter().for_each(|mark| self.found[*mark] = Use::Unclear(why.to_owned()));
    }

    /// Reads a level up to its closing parenthesis, which is passed, and returns what the level around it meets.
    fn level(&mut self, level: Level, mut clause: &'static str) -> Expression<'a> {
        let mut whole = Expression::default();
        let mut current = Expression::default();
        let mut is_list = false;
        while let Some(token) = self.tokens.get(self.at).copied() {
            if token.is_symbol(")") {
                self.at += 1;
                break;
            }
            let is_clause = self.is_clause();
            if !is_clause && !token.is_symbol(",") {
                self.piece(&mut current, level, clause);
                continue;
            }
            self.at += 1;
            let ended = std::mem::take(&mut current);
            is_list |= token.is_symbol(",") && clause == "select";
            self.close(ended, &mut whole, level, clause, is_list);
            if is_clause {
                clause = CLAUSES.iter().find(|clause| token.is(clause)).copied().unwrap_or_default();
                if clause == "update" && self.at > 1 && self.tokens[self.at - 2].is("key") {
                    // ON DUPLICATE KEY UPDATE
                    clause = "set";
                }
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
        let is_answer = matches!(clause, "select" | "distinct");
        if level == Level::Derived && (is_answer || clause == "values") && !ended.closed {
            return self.unclear(&ended.marks, DERIVED);
        }
        if level == Level::Apart && !ended.closed {
            whole.marks.extend(&ended.marks);
            return self.end(ended, clause);
        }
        let outer = match level {
            Level::Query => is_answer && !is_list,
            Level::Row | Level::Apart | Level::Derived => false,
            Level::Inside => true,
        };
        if outer && !ended.closed { whole.take(ended, Part::Itself) } else { self.end(ended, clause) }
    }

    /// Takes the next token, or all that it opens, into an expression.
    fn piece(&mut self, into: &mut Expression<'a>, level: Level, clause: &'static str) {
        let at = self.at;
        let token = self.tokens[at];
        self.at += 1;
        into.length += usize::from(!token.is_any(&["asc", "desc"]));
        let may_assign = level == Level::Query && matches!(clause, "set" | "update");
        match self.roles[at] {
            Role::Computes => into.computes = into.computes.or(Some(token.text)),
            Role::Compares if may_assign && token.is_symbol("=") && !into.assigns && !into.tests => {
                // What is left of it, a name, has no part in it.
                *into = Expression { assigns: true, ..Expression::default() };
            }
            Role::Compares => {
                (into.tests, into.closed) = (true, true);
                // The AND of a BETWEEN is none that parts: what is between them is read here.
                if token.is("between") {
                    into.among = true;
                    into.mixed |= !into.direct.is_empty();
                    self.between(into);
                } else if token.is("in") {
                    let (has_more, has_rows) = self.list();
                    into.among |= has_more || has_rows;
                    into.mixed |= has_rows || !into.direct.is_empty();
                }
            }
            Role::Parts => {
                let condition = std::mem::take(into);
                self.end(condition, "");
                into.closed = true;
            }
            Role::None => self.operand(into, at, level, clause),
        }
    }

    fn operand(&mut self, into: &mut Expression<'a>, at: usize, level: Level, clause: &'static str) {
        let token = self.tokens[at];
        if is_mark(&token) {
            self.mark(into, at, clause);
        } else if token.is_symbol("(") {
            self.parenthesis(into, at, level, clause);
        } else if token.is("case") {
            let result = self.case();
            into.take(result, Part::Merged);
        } else if token.is("interval") && unit(self.tokens, at).is_some() {
            self.interval(at);
        } else if is_function(self.tokens, at) && token.is_any(COMPUTING) {
            into.computes = into.computes.or(Some(token.text));
        } else {
            into.number |= token.kind == TokenKind::Number;
            let is_before =
                |symbol: &str| self.tokens.get(self.at).is_some_and(|next| next.is_symbol(symbol));
            if is_before("(") {
                into.mixed = true;
            } else if !token.is("not") && !is_before(".") {
                into.names.extend(token.identifier());
            }
        }
    }

    /// Takes the `?` at this token.
    fn mark(&mut self, into: &mut Expression<'a>, at: usize, clause: &str) {
        let mark = self.marks;
        self.marks += 1;
        if clause == "limit" {
            self.found[mark] = Use::Count;
        } else if !is_typed(self.tokens, at) {
            into.marks.push(mark);
            into.direct.push(mark);
        }
        // Where its type is written beside it, it is what it is wherever it stands.
    }

    /// Takes what stands in a parenthesis.
    fn parenthesis(&mut self, into: &mut Expression<'a>, at: usize, level: Level, clause: &'static str) {
        let before = at.checked_sub(1).map(|before| self.tokens[before]);
        let is_before = |words: &[&str]| before.is_some_and(|before| before.is_any(words));
        let of_tables = level != Level::Row && TABLES.contains(&clause);
        let next = self.tokens.get(self.at);
        // Elsewhere VALUES is a function.
        let is_values = of_tables && next.is_some_and(|next| next.is("values"));
        let is_query = is_values || next.is_some_and(|next| next.is_any(&["select", "with"]));
        let inner = if is_query && (of_tables || is_before(&["as"])) {
            Level::Derived
        } else if is_query {
            Level::Query
        } else if clause == "values" && level == Level::Query {
            Level::Row
        } else if is_before(APART) {
            Level::Apart
        } else {
            Level::Inside
        };
        let part = if is_query || is_before(MERGING) {
            Part::Merged
        } else if is_before(&["in"]) || !is_call(self.tokens, at) {
            Part::Itself
        } else {
            Part::Argument
        };
        let within = if is_values {
            "values"
        } else if of_tables && !is_query {
            "from"
        } else {
            ""
        };
        self.at += usize::from(is_values);
        let inside = self.level(inner, within);
        into.take(inside, part);
        into.query |= is_query;
    }

    /// Whether the list of an IN, which begins here, has several values, and whether these are rows.
    fn list(&self) -> (bool, bool) {
        let list = &self.tokens[self.at..];
        let Some(open) = list.first().filter(|open| open.is_symbol("(")) else { return (false, false) };
        let inside = list[1..].iter().take_while(|token| token.depth > open.depth);
        let has_more = inside.clone().any(|token| token.is_symbol(",") && token.depth == open.depth + 1);
        (has_more, list.get(1).is_some_and(|first| first.is_symbol("(")))
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
            self.piece(into, Level::Inside, "");
        }
    }

    /// The number of an INTERVAL and its unit: what is around it does not compute with them.
    fn interval(&mut self, at: usize) {
        let end = unit(self.tokens, at).unwrap_or(at);
        let mut number = Expression::default();
        while self.at < end {
            self.piece(&mut number, Level::Inside, "");
        }
        self.at = self.at.max(end + 1);
        self.end(number, "");
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
            if token.is("when") && is_simple {
                operand.take(part, Part::Itself);
            } else if token.is("when") || part.closed {
                self.end(part, "");
            } else {
                result.take(part, Part::Itself);
            }
        }
        if is_simple {
            self.unclear(&operand.marks, OF_CASE);
        }
        operand.tests = true;
        self.end(operand, "");
        result
    }

    /// What stands before one of these words, or the end of the level.
    fn until(&mut self, ends: &[&str]) -> Expression<'a> {
        let mut found = Expression::default();
        while let Some(token) = self.tokens.get(self.at) {
            if token.is_any(ends) || token.is_symbol(")") || token.is_symbol(",") {
                break;
            }
            self.piece(&mut found, Level::Inside, "");
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
                before.is_symbol(")")
                    || matches!(before.kind, TokenKind::Word | TokenKind::Name) && !before.is("div")
            });
        }
        token.is_any(CLAUSES)
    }
}
