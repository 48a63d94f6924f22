//! The statement of `--template`, into which rows put their values.

use std::path::Path;

use job::lexer::{self, SqlMode};
use job::{Job, Param};

use crate::Error;

/// How a template is named in errors.
const NAME: &str = "--template";

/// A statement with `:name` placeholders.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    /// Every placeholder is a `?` here.
    sql: String,
    /// The names, each once, in their first order.
    pub(crate) columns: Vec<String>,
    /// For every `?` its column.
    marks: Vec<usize>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When it is not one whole statement, has a `?` of its own, or no placeholder.
    pub(crate) fn parse(text: &str, mode: SqlMode) -> Result<Template, Error> {
        let text = match lexer::inspect(text, mode) {
            Ok(inspected) => inspected.sql,
            Err(source) => return Err(Error::Refused { path: NAME.into(), line: 1, column: 1, source }),
        };
        if let Some(mark) = lexer::marks(text, mode).next() {
            return Err(bad(text, mark, "`?` has no name: write it as :column".into()));
        }
        let mut template = Template { sql: String::new(), columns: Vec::new(), marks: Vec::new() };
        let mut after = 0;
        for placeholder in lexer::placeholders(text, mode) {
            let known = template.columns.iter().position(|name| name == placeholder.name);
            template.marks.push(known.unwrap_or_else(|| {
                template.columns.push(placeholder.name.to_owned());
                template.columns.len() - 1
            }));
            template.sql.push_str(&text[after..placeholder.range.start]);
            template.sql.push('?');
            after = placeholder.range.end;
        }
        template.sql.push_str(&text[after..]);
        if template.marks.is_empty() {
            return Err(bad(
                text,
                0,
                "no placeholder such as :id, so every row would give the same job".into(),
            ));
        }
        Ok(template)
    }

    /// The job of a row, not yet numbered; the values are by [`columns`](Self::columns).
    pub(crate) fn job(&self, values: &[Param]) -> Job {
        let params = self.marks.iter().map(|column| values[*column].clone()).collect();
        Job { params, ..Job::new(0, self.sql.clone()) }
    }

    /// The column of a name.
    ///
    /// # Errors
    /// A text for people, when no placeholder has the name.
    pub(crate) fn column(&self, name: &str) -> Result<usize, String> {
        self.columns.iter().position(|column| column == name).ok_or_else(|| {
            format!(
                "column `{name}` has no placeholder in the template, which has {}: leave it out, or use it",
                self.placeholders()
            )
        })
    }

    /// Why a row or a header will not do that lacks a column; the names are those that it has.
    pub(crate) fn lacks(&self, column: usize, names: &[&str]) -> String {
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

fn bad(text: &str, offset: usize, why: String) -> Error {
    Error::bad(Path::new(NAME), 1, text.as_bytes(), offset, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Template, Error> {
        Template::parse(text, SqlMode::default())
    }

    #[test]
    fn a_name_may_stand_more_than_once() {
        let template = parse("UPDATE t SET a = :a, b = ':b' WHERE id = :id AND a <> :a;").unwrap();
        let job = template.job(&[Param::Text("x".into()), Param::Int(7)]);
        assert_eq!(job.sql, "UPDATE t SET a = ?, b = ':b' WHERE id = ? AND a <> ?");
        assert_eq!(job.params, [Param::Text("x".into()), Param::Int(7), Param::Text("x".into())]);
    }

    #[test]
    fn what_is_no_template_is_refused_with_its_place() {
        for (text, wanted) in [
            ("UPDATE t\nSET a = ? WHERE id = :id", "--template:2:9: `?` has no name"),
            ("UPDATE t SET a = 1", "no placeholder"),
            ("UPDATE t SET a = ':a", "never closed"),
            ("DELETE FROM t WHERE id = :id; DROP TABLE t", "more than one statement"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
