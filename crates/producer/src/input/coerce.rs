//! Values and the uses in which they stand: the [`Use`] comes from the statement, the value from a row.

use queryfleet_job::Param;
use queryfleet_sql::{Use, splice};

use crate::input::value::{Value, decimal_literal, is_decimal};

/// Bytes of a value that an error shows.
const SHOWN_BYTES: usize = 40;

/// The value as it goes into the statement, at a placeholder of this name.
///
/// # Errors
/// Returns a text for people if the value would mean something else there than in the file.
pub(crate) fn coerce(use_: &Use, name: &str, value: Value) -> Result<Value, String> {
    let Value::Bound(param) = &value else { return Ok(value) };
    match (use_, param) {
        (Use::Text, _) => Ok(value),
        (Use::Number, Param::Text(text)) if is_decimal(text) => Ok(decimal_literal(text)),
        (Use::Number, Param::Text(text)) => Err(format!(
            "{:?} is no number for {name}, which stands beside an operator: expected such as -12.50, with 65 digits at \
             most, 30 of them behind the point (NULL is \\N in CSV, null in NDJSON)",
            queryfleet_job::shorten(text.clone(), SHOWN_BYTES)
        )),
        (Use::Number, Param::Bytes(_)) => {
            Err(format!("bytes are no number for {name}, which stands beside an operator"))
        }
        (Use::Count, Param::Text(text)) if is_count(text) => Ok(Value::Literal(text.clone())),
        (Use::Count, Param::UInt(_)) => Ok(value),
        (Use::Count, Param::Int(count)) if *count >= 0 => Ok(value),
        (Use::Count, _) => Err(format!("{name} says how many rows: expected a whole number, without a sign")),
        (Use::Unclear(_) | Use::Bits(_) | Use::Among(_), Param::Text(_) | Param::Bytes(_)) => {
            Err(misuse(use_, name).unwrap_or_default())
        }
        (Use::Constant | Use::Introduced(_), _) => Err(misuse(use_, name).unwrap_or_default()),
        (Use::Number | Use::Unclear(_) | Use::Bits(_) | Use::Among(_), _) => Ok(value),
    }
}

/// What is wrong with a use for any text; `None` if nothing is.
pub(crate) fn misuse(use_: &Use, name: &str) -> Option<String> {
    match use_ {
        Use::Text | Use::Number | Use::Count => None,
        Use::Unclear(what) => Some(format!(
            "{name} stands in an expression with {what}, where a text is taken for a floating-point number: write {name} + \
             0 where it is a number, CONCAT({name}) where it is a text"
        )),
        Use::Constant => Some(format!(
            "{name} is a value, and no name of a column: to sort or group by it changes nothing"
        )),
        Use::Bits(column) => Some(format!(
            "{name} meets {column}, a column of bits, which takes a text for its characters (`1` for 49): write {name} + 0"
        )),
        Use::Among(column) => Some(format!(
            "{name} is compared with {column} and other values at once, where a text is taken for a floating-point number: \
             write {name} + 0 where it is a number, CONCAT({name}) where it is a text"
        )),
        Use::Introduced(charset) => Some(format!(
            "{name} would be taken for bytes of {charset}: leave that out, every text is utf8mb4"
        )),
    }
}

/// Whether the use is a mistake whatever the value is.
pub(crate) fn is_never_right(use_: &Use) -> bool {
    matches!(use_, Use::Constant | Use::Introduced(_))
}

fn is_count(text: &str) -> bool {
    (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A statement from its pieces and the values between them: with a `?` for each that is bound.
pub(crate) fn fill<'a>(
    pieces: impl IntoIterator<Item = &'a str>,
    values: impl IntoIterator<Item = Value>,
) -> (String, Vec<Param>) {
    let mut sql = String::new();
    let mut params = Vec::new();
    let mut pieces = pieces.into_iter();
    sql.push_str(pieces.next().unwrap_or_default());
    for value in values {
        let next = pieces.next().unwrap_or_default();
        match value {
            Value::Bound(param) => {
                sql.push('?');
                params.push(param);
            }
            Value::Literal(literal) => splice(&mut sql, &literal, next.bytes().next()),
        }
        sql.push_str(next);
    }
    (sql, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Bound(Param::Text(text.into()))
    }

    #[test]
    fn a_text_is_written_bare_only_where_it_is_a_number() {
        let bare = |text: &str| Ok(Value::Literal(text.into()));
        let of = |use_: &Use, value: &str| coerce(use_, ":x", text(value)).map_err(|_| ());
        for value in ["5", "007", "1e3", "+1", "", "NaN", "0x1F", "-5"] {
            assert_eq!(of(&Use::Text, value), Ok(text(value)));
            assert_eq!(of(&Use::Unclear("+".into()), value), Err(()));
        }
        assert_eq!(of(&Use::Number, "007"), bare("007"));
        assert_eq!(of(&Use::Number, "-5"), bare("(-5)"));
        for value in ["1e3", "+1", "", "NaN", "0x1F", " 5"] {
            assert_eq!(of(&Use::Number, value), Err(()), "{value}");
        }
        assert_eq!(of(&Use::Count, "10"), bare("10"));
        for value in ["-5", "1.5", "", "99999999999999999999"] {
            assert_eq!(of(&Use::Count, value), Err(()), "{value}");
        }
    }

    #[test]
    fn a_number_of_json_is_one_in_every_use() {
        for param in [Param::Null, Param::Int(-7), Param::UInt(7), Param::Float(0.5)] {
            for use_ in [Use::Text, Use::Number, Use::Unclear("+".into())] {
                let value = Value::Bound(param.clone());
                assert_eq!(coerce(&use_, ":x", value.clone()), Ok(value));
            }
        }
    }

    #[test]
    fn what_is_bound_keeps_its_mark() {
        let values = [text("a"), Value::Literal("5".into()), Value::Literal("(-3)".into()), text("b")];
        let (sql, params) = fill(["SET a = ", ", n = n DIV", ", m = 5-", " WHERE b=", ""], values);
        assert_eq!(sql, "SET a = ?, n = n DIV 5, m = 5-(-3) WHERE b=?");
        assert_eq!(params, [Param::Text("a".into()), Param::Text("b".into())]);
    }
}
