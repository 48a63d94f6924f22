//! Dead jobs as an input: to be repaired, and published as a run of their own.

use std::collections::HashMap;

use queryfleet_job::{Job, NotAtomic, Param};
use queryfleet_sql::{Splitter, SqlMode};
use serde::Serialize;

use crate::{DeadDetails, DeadFilter, Error, Operator, Taken};

/// What an export is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// A script, bound values as literals; what else there is to know of a job stands in comments before it.
    Sql,
    /// A job per line, with its values, database and deadline.
    Ndjson,
}

impl std::str::FromStr for ExportFormat {
    type Err = String;

    fn from_str(word: &str) -> Result<ExportFormat, String> {
        match word {
            "sql" => Ok(ExportFormat::Sql),
            "ndjson" => Ok(ExportFormat::Ndjson),
            other => Err(format!("`{other}` is neither `sql` nor `ndjson`")),
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    sql: &'a str,
    #[serde(skip_serializing_if = "<[Param]>::is_empty")]
    params: &'a [Param],
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<String>,
    comment: String,
}

impl Operator {
    /// Writes the dead jobs of a filter, in their order. `write` takes whole lines. What a replay would not take is left out,
    /// since it may not be what the run was published with, and so is a job that the format has no form for.
    ///
    /// # Errors
    /// [`Error::NoRun`], or [`Error::Ledger`] when the database cannot be asked; what was written until then is complete.
    pub async fn export(
        &mut self,
        filter: &DeadFilter,
        format: ExportFormat,
        write: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Taken, Error> {
        let mut script = Script { schema: self.database.schema().to_owned(), ..Script::default() };
        let mut last = None;
        let mut exported = Taken::default();
        loop {
            let page = self.dead_jobs(filter, last.as_ref()).await?;
            if page.is_empty() {
                return Ok(exported);
            }
            for details in &page {
                let text = match (&details.replay.job, &details.replay.refused) {
                    (Some(job), None) => match format {
                        ExportFormat::Ndjson => Ok(line(details, job)),
                        ExportFormat::Sql => {
                            let session_sql = &details.replay.session_sql;
                            let mode = match script.modes.get(session_sql) {
                                Some(mode) => *mode,
                                None => {
                                    let mode = self.database.facts(session_sql.as_deref()).await?.sql_mode;
                                    script.modes.insert(session_sql.clone(), mode);
                                    mode
                                }
                            };
                            script.statement(details, job, mode)
                        }
                    },
                    (_, Some(why)) => Err(why.clone()),
                    (None, None) => Err("its envelope cannot be read".to_owned()),
                };
                match text {
                    Ok(text) => {
                        write(&text);
                        exported.jobs += 1;
                    }
                    Err(why) => exported.refuse(details.row.seq.unwrap_or(0), &details.name, &why),
                }
            }
            last = page.into_iter().next_back();
        }
    }
}

/// `job 17 of run job, file.sql:17:1: error 1062 (23000): Duplicate entry …`, on one line.
fn comment(details: &DeadDetails) -> String {
    let row = &details.row;
    let place = details.place.as_deref().map_or_else(String::new, |place| format!(", {place}"));
    let code = row.code.map_or_else(String::new, |code| format!(" {code}"));
    let state = row.sql_state.as_deref().map_or_else(String::new, |state| format!(" ({state})"));
    let seq = row.seq.unwrap_or(0);
    let mark = queryfleet_job::job_mark(&details.name, seq);
    let text = format!("{mark}{place}: {}{code}{state}: {}", row.reason, row.message);
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}

fn line(details: &DeadDetails, job: &Job) -> String {
    let line = Line {
        sql: &job.sql,
        params: &job.params,
        database: job.database.as_deref(),
        timeout: job.timeout_ms.map(|ms| format!("{ms}ms")),
        comment: comment(details),
    };
    // Text and numbers always have a form in JSON.
    serde_json::to_string(&line).unwrap_or_default()
}

/// A script in the making.
#[derive(Default)]
struct Script {
    /// The current database of a job that names none.
    schema: String,
    /// The sql_mode of the sessions that run with each session SQL.
    modes: HashMap<Option<String>, SqlMode>,
    /// What the last USE named.
    database: Option<String>,
    /// What the last job had.
    session_sql: Option<String>,
    not_atomic: Option<NotAtomic>,
    is_begun: bool,
}

impl Script {
    /// A statement with its comments.
    ///
    /// # Errors
    /// Returns why a script has no form for it.
    fn statement(&mut self, details: &DeadDetails, job: &Job, mode: SqlMode) -> Result<String, String> {
        let sql = delimited(&queryfleet_ledger::bound_statement(job, mode)?, mode)?;
        let mut lines = Vec::new();
        if !std::mem::replace(&mut self.is_begun, true) {
            let run = &details.name;
            lines.push(format!(
                "-- Repair, then: queryfleet publish FILE --run NAME --replaces {run}; jobs whose comments are taken out stay dead."
            ));
        }
        if self.session_sql != details.replay.session_sql {
            self.session_sql = details.replay.session_sql.clone();
            let sql = self.session_sql.as_deref().unwrap_or("(none)").replace(['\r', '\n'], " ");
            lines.push(format!("-- From here on published with --session-sql: {sql}"));
        }
        if self.not_atomic != details.replay.not_atomic {
            self.not_atomic = details.replay.not_atomic;
            let how = self.not_atomic.map_or("(none)", NotAtomic::as_str);
            lines.push(format!("-- From here on published with --not-atomic: {how}"));
        }
        lines.push(format!("-- {}", comment(details)));
        if let Some(ms) = job.timeout_ms {
            lines.push(format!("-- Its deadline of {ms} ms is lost here; --format ndjson keeps it."));
        }
        if self.database != job.database {
            let database = job.database.as_deref().unwrap_or(&self.schema);
            lines.push(format!("USE `{}`;", database.replace('`', "``")));
            self.database = job.database.clone();
        }
        lines.push(sql);
        Ok(lines.join("\n"))
    }
}

/// A statement with its delimiter, `;` if that cuts it nowhere.
fn delimited(sql: &str, mode: SqlMode) -> Result<String, String> {
    // A comment at the end may want a line of its own.
    for end in ["", "\n"] {
        let plain = format!("{sql}{end};");
        if is_one(&plain, sql, mode) {
            return Ok(plain);
        }
        for delimiter in ["$$", "//", "%%END%%"] {
            let text = format!("DELIMITER {delimiter}\n{sql}{end}{delimiter}\nDELIMITER ;");
            if is_one(&text, sql, mode) {
                return Ok(text);
            }
        }
    }
    Err("a script has no form for it: export it with --format ndjson".into())
}

/// Whether a script holds this statement and no other.
fn is_one(script: &str, sql: &str, mode: SqlMode) -> bool {
    let mut splitter = Splitter::new(mode, script.len() + 1);
    splitter.feed(script.as_bytes());
    splitter.finish();
    let is_it = matches!(splitter.next_statement(), Ok(Some(found)) if found.sql == sql.trim());
    is_it && matches!(splitter.next_statement(), Ok(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_cut_where_it_ends() {
        let mode = SqlMode::default();
        assert_eq!(delimited("DO 'a;b'", mode).unwrap(), "DO 'a;b';");
        assert_eq!(delimited("DO 1 -- one", mode).unwrap(), "DO 1 -- one\n;");
        let body = "CREATE PROCEDURE p() BEGIN DO 1; DO 2; END";
        assert_eq!(delimited(body, mode).unwrap(), format!("DELIMITER $$\n{body}$$\nDELIMITER ;"));
        let hard = "CREATE PROCEDURE p() BEGIN DO '$$'; DO 1 $$ // %%END%%; END";
        assert!(delimited(hard, mode).is_err());
    }
}
