//! The words that matter to what an expression is.

use crate::lexer::token::{Token, TokenKind};

/// Words between two expressions. All are reserved: a column that has such a name stands in quotes.
pub(crate) const CLAUSES: &[&str] = &[
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
pub(crate) const NO_FUNCTIONS: &[&str] = &[
    "and", "or", "xor", "not", "when", "then", "else", "case", "div", "mod", "between", "like", "rlike",
    "regexp", "is", "as", "all", "any", "some", "exists",
];
/// Functions that compute: of a text, in floating point.
pub(crate) const COMPUTING: &[&str] = &[
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
pub(crate) const APART: &[&str] = &[
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

/// Functions whose result is one of their arguments, in a type that all of them decide.
pub(crate) const MERGING: &[&str] = &["coalesce", "ifnull", "nvl", "nvl2", "if", "nullif"];
/// Clauses whose parentheses hold tables.
pub(crate) const TABLES: &[&str] =
    &["from", "join", "inner", "cross", "natural", "straight_join", "update", "using"];

/// Whether a word is the name of a function that is called here.
pub(crate) fn is_function(tokens: &[Token<'_>], at: usize) -> bool {
    let is_called = tokens.get(at + 1).is_some_and(|next| next.is_symbol("("));
    let is_operand = |token: &Token<'_>| {
        token.is_symbol(")")
            || is_mark(token)
            || matches!(
                token.kind,
                TokenKind::Number | TokenKind::String | TokenKind::Variable | TokenKind::Name
            )
            || token.kind == TokenKind::Word && !token.is_any(NO_FUNCTIONS) && !token.is_any(CLAUSES)
    };
    let follows_operand = at.checked_sub(1).is_some_and(|before| is_operand(&tokens[before]));
    is_called && !(tokens[at].is("mod") && follows_operand)
}

/// Whether the parenthesis at this place holds arguments, a list or a row.
pub(crate) fn is_call(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| &tokens[before]) else { return false };
    match before.kind {
        TokenKind::Name => true,
        TokenKind::Word => before.is("values") || !(before.is_any(NO_FUNCTIONS) || before.is_any(CLAUSES)),
        TokenKind::Number | TokenKind::String | TokenKind::Variable | TokenKind::Symbol => false,
    }
}

/// Whether its type is written beside it: `CAST(? AS …)`, `CONVERT(?, …)`, `CONCAT(?)`, `DATE ?`.
pub(crate) fn is_typed(tokens: &[Token<'_>], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|at| tokens[at]);
    let is_next = |is: fn(&Token<'_>) -> bool| tokens.get(at + 1).is_some_and(is);
    if before(1).is_some_and(|token| token.is_any(&["date", "time", "timestamp"])) {
        return true;
    }
    before(1).is_some_and(|token| token.is_symbol("("))
        && before(2).is_some_and(|token| {
            token.is("cast") && is_next(|next| next.is("as"))
                || token.is("convert") && is_next(|next| next.is_symbol(",") || next.is("using"))
                || token.is("concat") && is_next(|next| next.is_symbol(")"))
        })
}

pub(crate) fn is_mark(token: &Token<'_>) -> bool {
    token.is_symbol("?")
}
