//! Templates: statements into which rows put their values.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use queryfleet_job::Job;
use queryfleet_ledger::{DataType, LedgerClient, TableColumn};
use queryfleet_sql::{Compared, Meets, SqlMode, Use};
use serde_json::value::RawValue;

use crate::input::value::Value;
use crate::input::{coerce, json};
use crate::location::Location;
use crate::problem::Problem;
use crate::{CsvDialect, Error};

/// How a template is named in errors.
const NAME: &str = "template";

/// A statement with `:name` placeholders.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    /// As it was given.
    text: String,
    /// What stands before, between and behind the placeholders.
    pieces: Vec<String>,
    /// The names, each once, in their first order.
    pub(crate) columns: Vec<String>,
    marks: Vec<Mark>,
    /// Its rows are ranges, which we have written.
    is_for_key_ranges: bool,
    /// How they are written, when they are CSV and it was said.
    pub(crate) dialect: Option<CsvDialect>,
}

/// A placeholder.
#[derive(Clone, Debug, PartialEq)]
struct Mark {
    column: usize,
    use_: Use,
    /// Where it stands.
    offset: usize,
}

/// A value that is not one for its placeholder.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) column: usize,
    pub(crate) why: String,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Returns [`Error::Statement`] if it is not one whole statement, has a `?` of its own, has no placeholder, or has
    /// one where no value may stand.
    pub(crate) fn parse(text: &str, mode: SqlMode) -> Result<Template, Error> {
        let text = match queryfleet_sql::inspect(text, mode) {
            Ok(inspected) => inspected.sql,
            Err(refusal) => {
                let at = Location::start(Path::new(NAME));
                return Err(Error::Statement { at, problem: Problem::Refused(refusal) });
            }
        };
        if let Some(mark) = queryfleet_sql::marks(text, mode).next() {
            return Err(error_at(text, mark, "`?` has no name: write it as :column".into()));
        }
        let mut pieces = Vec::new();
        let mut columns = Vec::<String>::new();
        let mut placed = Vec::new();
        let mut after = 0;
        for placeholder in queryfleet_sql::placeholders(text, mode) {
            let known = columns.iter().position(|name| name == placeholder.name);
            let column = known.unwrap_or_else(|| {
                columns.push(placeholder.name.to_owned());
                columns.len() - 1
            });
            placed.push((column, placeholder.range.start));
            pieces.push(text[after..placeholder.range.start].to_owned());
            after = placeholder.range.end;
        }
        pieces.push(text[after..].to_owned());
        if placed.is_empty() {
            return Err(error_at(
                text,
                0,
                "no placeholder such as :id, so every row would give the same job".into(),
            ));
        }
        let uses = queryfleet_sql::uses(&pieces.join("?"), mode).into_iter();
        let marks =
            placed.into_iter().zip(uses).map(|((column, offset), use_)| Mark { column, use_, offset });
        let template = Template {
            text: text.to_owned(),
            pieces,
            columns,
            marks: marks.collect(),
            is_for_key_ranges: false,
            dialect: None,
        };
        match template.marks.iter().find(|mark| coerce::is_never_right(&mark.use_)) {
            Some(mark) => Err(template.misuse_error(mark)),
            None => Ok(template),
        }
    }

    /// Its text, without a `;` at its end.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The same for rows that are ranges of a key.
    pub(crate) fn for_key_ranges(self) -> Template {
        Template { is_for_key_ranges: true, ..self }
    }

    /// A value of a row.
    ///
    /// # Errors
    /// Returns a text for people if it is no value.
    pub(crate) fn value(&self, json: &RawValue) -> Result<Value, String> {
        if self.is_for_key_ranges { json::key_value(json) } else { json::bindable(json) }
    }

    /// Asks the server which of the columns that texts meet are of a type that a text would miss there.
    ///
    /// # Errors
    /// Returns [`Error::Ledger`] if the database cannot be reached or rejects the query.
    pub(crate) async fn find_types(&mut self, client: &mut LedgerClient, mode: SqlMode) -> Result<(), Error> {
        let sql = self.pieces.join("?");
        let names: BTreeSet<String> = queryfleet_sql::names(&sql, mode).map(Cow::into_owned).collect();
        let columns = client.inspect().columns_of(&names.into_iter().collect::<Vec<_>>()).await?;
        // Where that is not sure, all of them may be.
        let written = queryfleet_sql::written_tables(&sql, mode);
        let is_written = |table: &str| {
            written.as_ref().is_none_or(|written| {
                written.iter().any(|name| name.table.to_lowercase() == table.to_lowercase())
            })
        };
        for (mark, meets) in self.marks.iter_mut().zip(queryfleet_sql::meets(&sql, mode)) {
            let missed = columns.iter().find(|column| match &meets {
                Meets::Nothing => false,
                Meets::Column(name) => column.data_type == DataType::Bit && is_same(name, &column.column),
                Meets::Place(place) => {
                    column.data_type == DataType::Bit && *place == column.place && is_written(&column.table)
                }
                Meets::Compared(compared) => misses(compared, column, &columns),
            });
            if let (Some(TableColumn { table, column, data_type, .. }), Use::Text) = (missed, &mark.use_) {
                let column = format!("{table}.{column}");
                mark.use_ = match data_type {
                    DataType::Bit => Use::Bits(column),
                    _ => Use::Among(column),
                };
            }
        }
        Ok(())
    }

    /// Refuses placeholders at which no text may stand, for rows that hold nothing else.
    ///
    /// # Errors
    /// Returns [`Error::Statement`] for the first of them.
    pub(crate) fn require_text_placeholders(&self) -> Result<(), Error> {
        let misused = self
            .marks
            .iter()
            .find(|mark| matches!(mark.use_, Use::Unclear(_) | Use::Bits(_) | Use::Among(_)));
        misused.map_or(Ok(()), |mark| Err(self.misuse_error(mark)))
    }

    fn misuse_error(&self, mark: &Mark) -> Error {
        let why = coerce::misuse(&mark.use_, &format!(":{}", self.columns[mark.column]));
        error_at(&self.text, mark.offset, why.unwrap_or_default())
    }

    /// The job of a row, not yet numbered; the values are in the order of [`columns`](Self::columns).
    ///
    /// # Errors
    /// Returns the value that would mean something else there than in the row.
    pub(crate) fn job(&self, values: &[Value]) -> Result<Job, Misfit> {
        let fitted: Result<Vec<Value>, Misfit> = self
            .marks
            .iter()
            .map(|Mark { column, use_, .. }| {
                // The name is for errors only, and a text in plain use has none.
                let name =
                    if *use_ == Use::Text { String::new() } else { format!(":{}", self.columns[*column]) };
                coerce::coerce(use_, &name, values[*column].clone())
                    .map_err(|why| Misfit { column: *column, why })
            })
            .collect();
        let (sql, params) = coerce::fill(self.pieces.iter().map(String::as_str), fitted?);
        Ok(Job { params, ..Job::new(0, sql) })
    }

    /// The column of a name.
    ///
    /// # Errors
    /// Returns a text for people if no placeholder has the name.
    pub(crate) fn column(&self, name: &str) -> Result<usize, String> {
        self.columns.iter().position(|column| column == name).ok_or_else(|| {
            format!(
                "column `{name}` has no placeholder in the template, which has {}: leave it out, or use it",
                self.placeholders()
            )
        })
    }

    /// The text for a row or header that lacks a column and has those of these names.
    pub(crate) fn missing_column(&self, column: usize, names: &[&str]) -> String {
        format!(
            "no column `{0}` for the placeholder :{0} of the template; the columns are {1}",
            self.columns[column],
            names.join(", ")
        )
    }

    fn placeholders(&self) -> String {
        self.columns.iter().map(|name| format!(":{name}")).collect::<Vec<_>>().join(", ")
    }
}

/// Whether a text that is compared so would not be taken for what it is, if this column of all is in it. Beside one value it
/// is converted to the column's type, among several all may be doubles: tried on both servers by tests/e2e/values.rs.
fn misses(compared: &Compared, column: &TableColumn, all: &[TableColumn]) -> bool {
    let is_unknown = |name: &String| !all.iter().any(|column| is_same(name, &column.column));
    let is_in_it = compared.has_query
        || compared.names.iter().any(|name| is_same(name, &column.column))
        || compared.is_among && compared.may_alias && compared.names.iter().any(is_unknown);
    is_in_it
        && match column.data_type {
            DataType::Bit => true,
            DataType::Decimal => compared.is_among,
            DataType::Bigint => compared.is_among && compared.is_mixed,
            DataType::Other => false,
        }
}

fn is_same(name: &str, column: &str) -> bool {
    name.to_lowercase() == column.to_lowercase()
}

fn error_at(text: &str, offset: usize, why: String) -> Error {
    Error::at_byte(Path::new(NAME), 1, text.as_bytes(), offset, why)
}

#[cfg(test)]
mod tests {
    use queryfleet_job::Param;

    use super::*;

    fn text(text: &str) -> Value {
        Value::Bound(Param::Text(text.into()))
    }

    fn parse(text: &str) -> Result<Template, Error> {
        Template::parse(text, SqlMode::default())
    }

    #[test]
    fn a_name_may_stand_more_than_once() {
        let template = parse("UPDATE t SET a = :a, b = ':b' WHERE id = :id AND a <> :a;").unwrap();
        let job = template.job(&[text("x"), Value::Bound(Param::Int(7))]).unwrap();
        assert_eq!(job.sql, "UPDATE t SET a = ?, b = ':b' WHERE id = ? AND a <> ?");
        assert_eq!(job.params, [Param::Text("x".into()), Param::Int(7), Param::Text("x".into())]);
    }

    #[test]
    fn a_placeholder_may_be_a_number_here_and_a_text_there() {
        let template = parse("UPDATE t SET n = n + :n, a = :n WHERE id = :id LIMIT :l").unwrap();
        let job = template.job(&[text("-007"), text("7"), text("1")]).unwrap();
        assert_eq!(job.sql, "UPDATE t SET n = n + (-007), a = ? WHERE id = ? LIMIT 1");
        assert_eq!(job.params, [Param::Text("-007".into()), Param::Text("7".into())]);
        let misfit = template.job(&[text("x"), text("7"), text("1")]).unwrap_err();
        assert_eq!(misfit.column, 0);
        assert!(misfit.why.contains(":n, which stands beside an operator"), "{}", misfit.why);
        assert!(template.require_text_placeholders().is_ok());
    }

    #[test]
    fn a_text_that_an_operator_reaches_is_refused_with_the_idiom() {
        let template = parse("UPDATE t\nSET n = n + COALESCE(:n, 0)").unwrap();
        let error = template.require_text_placeholders().unwrap_err().to_string();
        assert!(error.contains("template:2:22: :n stands in an expression with `+`"), "{error}");
        assert!(error.contains("write :n + 0 where it is a number, CONCAT(:n)"), "{error}");
        assert!(template.job(&[text("5")]).is_err());
        assert!(template.job(&[Value::Bound(Param::Int(5))]).is_ok());
    }

    #[test]
    fn what_is_no_template_is_refused_with_its_place() {
        for (text, wanted) in [
            ("UPDATE t\nSET a = ? WHERE id = :id", "template:2:9: `?` has no name"),
            ("UPDATE t SET a = 1", "no placeholder"),
            ("DELETE FROM t ORDER BY :a LIMIT 1", "template:1:24: :a is a value, and no name of a column"),
            ("UPDATE t SET a = _latin1 :a", ":a would be taken for bytes of _latin1"),
            ("UPDATE t SET a = ':a", "never closed"),
            ("DELETE FROM t WHERE id = :id; DROP TABLE t", "more than one statement"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
