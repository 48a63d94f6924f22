//! Rows for a template, one job each: CSV with a header, or NDJSON objects.

use std::path::PathBuf;
use std::sync::Arc;

use queryfleet_job::{Job, Param};
use queryfleet_sql::Position;

use crate::Error;
use crate::input::csv::Csv;
use crate::input::csv::rfc4180::Field;
use crate::input::lines::Bytes;
use crate::input::objects::Objects;
use crate::input::sniff;
use crate::input::template::Template;
use crate::input::value::Value;
use crate::location::Location;
use crate::problem::Problem;
use crate::request::InputFormat;

/// The jobs of a template and a file of rows.
pub(crate) struct Rows {
    template: Arc<Template>,
    table: Table,
}

enum Table {
    /// For each field of the file its column in the template; empty before the header is read.
    Csv {
        csv: Csv,
        columns: Vec<usize>,
    },
    Objects(Objects),
}

impl Rows {
    /// Rows under this name, none of them longer than `limit` bytes. Without a format they are NDJSON when their first
    /// character is `{`, which begins no name of a column; otherwise CSV.
    ///
    /// # Errors
    /// Returns an error if reading fails, or if NDJSON was given a CSV dialect.
    pub(crate) fn new(
        name: PathBuf,
        mut bytes: Bytes,
        format: Option<InputFormat>,
        template: Arc<Template>,
        limit: usize,
    ) -> Result<Rows, Error> {
        let first = bytes.fill_buf().map_err(|source| Error::Read { path: name.clone(), source })?;
        let is_ndjson = match format {
            Some(format) => format == InputFormat::Ndjson,
            None => sniff::begins_an_object(first),
        };
        let table = match is_ndjson {
            true if template.dialect.is_some() => {
                let at = Location::start(&name);
                return Err(Error::Statement { at, problem: Problem::DialectOfNdjson });
            }
            true => Table::Objects(Objects::new(name, bytes, limit)),
            false => Table::Csv { csv: Csv::new(name, bytes, template.dialect, limit), columns: Vec::new() },
        };
        Ok(Rows { template, table })
    }

    /// The job of the next row, not yet numbered, and the row's place; `None` at the end.
    ///
    /// # Errors
    /// Returns an error if reading fails, or if a row does not fit the template.
    pub(crate) fn next(&mut self) -> Result<Option<(Job, Position)>, Error> {
        match &mut self.table {
            Table::Objects(objects) => objects.next(&self.template),
            Table::Csv { csv, columns } => {
                if columns.is_empty() {
                    let Some(header) = csv.next()? else { return Ok(None) };
                    *columns = header_columns(csv, &header, &self.template)?;
                    csv.columns = columns.len();
                    self.template.require_text_placeholders()?;
                }
                job_of_record(csv, columns, &self.template)
            }
        }
    }
}

/// For every field its column in the template.
fn header_columns(csv: &Csv, header: &[Field], template: &Template) -> Result<Vec<usize>, Error> {
    let mut columns: Vec<usize> = Vec::with_capacity(header.len());
    let mut names: Vec<&str> = Vec::with_capacity(header.len());
    for field in header {
        let Param::Text(name) = &field.value else {
            return Err(csv.error_at(field.offset, r"\N is no name of a column".into()));
        };
        if let Some(separator) = name.chars().find(|char| header.len() == 1 && ";\t|".contains(*char)) {
            let why = format!(
                "header has no comma but {separator:?}: fields are separated by commas, convert the file"
            );
            return Err(csv.error_at(field.offset, why));
        }
        let column = template.column(name).map_err(|why| csv.error_at(field.offset, why))?;
        if columns.contains(&column) {
            return Err(csv.error_at(field.offset, format!("column `{name}` stands twice")));
        }
        columns.push(column);
        names.push(name);
    }
    match (0..template.columns.len()).find(|column| !columns.contains(column)) {
        Some(column) => Err(csv.error_at(0, template.missing_column(column, &names))),
        None => Ok(columns),
    }
}

/// The job of the next record.
fn job_of_record(
    csv: &mut Csv,
    columns: &[usize],
    template: &Template,
) -> Result<Option<(Job, Position)>, Error> {
    let Some(fields) = csv.next()? else { return Ok(None) };
    if fields.len() != columns.len() {
        let why =
            format!("the fields of this row are {}, those of the header {}", fields.len(), columns.len());
        return Err(csv.error_at(0, why));
    }
    let mut values = vec![(Value::Bound(Param::Null), 0); columns.len()];
    for (field, column) in fields.into_iter().zip(columns) {
        values[*column] = (Value::Bound(field.value), field.offset);
    }
    let (values, offsets): (Vec<Value>, Vec<usize>) = values.into_iter().unzip();
    let job = template.job(&values).map_err(|misfit| csv.error_at(offsets[misfit.column], misfit.why))?;
    Ok(Some((job, Position { offset: 0, line: csv.line, column: 1 })))
}
