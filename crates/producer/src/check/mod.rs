//! From statements to numbered jobs: what no worker would run is refused here, with its place.

pub(crate) mod preamble;
pub(crate) mod rules;
pub(crate) mod settings;
pub mod statement;
pub(crate) mod use_command;

use std::path::{Path, PathBuf};

use queryfleet_job::Job;
use queryfleet_sql::{Kind, Position};

use crate::Error;
use crate::check::preamble::Preamble;
use crate::check::rules::RunRules;
use crate::check::statement::Statement;
use crate::input::{Input, InputBytes, Reading};
use crate::location::Location;
use crate::problem::PlacedProblem;

/// The jobs of all inputs, in order and numbered from 1.
pub(crate) struct Jobs<'a> {
    inputs: &'a [Input],
    /// Those that are not opened yet.
    unopened: std::slice::Iter<'a, Input>,
    reading: Option<(PathBuf, Reading)>,
    rules: &'a RunRules,
    /// The USEs and SETs of the input that is being read.
    preamble: Preamble,
    /// A statement that is looked at again, after an error about the SETs before it.
    ahead: Option<(Job, Position)>,
    seq: u64,
}

/// A job, and what the publisher must know of it.
pub(crate) struct Checked {
    pub(crate) job: Job,
    /// Where it stands in the input.
    pub(crate) place: Position,
    pub(crate) kind: Kind,
    /// Whether it can be committed together with its ledger row.
    pub(crate) is_atomic: bool,
}

impl<'a> Jobs<'a> {
    /// Begins at the start of the first input.
    pub(crate) fn new(inputs: &'a [Input], rules: &'a RunRules) -> Jobs<'a> {
        Jobs {
            inputs,
            unopened: inputs.iter(),
            reading: None,
            rules,
            preamble: Preamble::default(),
            ahead: None,
            seq: 0,
        }
    }

    /// The location of a place in the input that is being read.
    pub(crate) fn location(&self, place: Position) -> Location {
        Location::new(self.input(), place)
    }

    /// The input that is being read.
    pub(crate) fn input(&self) -> &Path {
        self.reading.as_ref().map_or(Path::new(""), |(path, _)| path)
    }

    /// Where a job stands, read from the start of the first input; `None` if there is no such job.
    ///
    /// # Errors
    /// Returns an error if the inputs can no longer be read.
    pub(crate) fn location_of(&self, seq: u64) -> Result<Option<Location>, Error> {
        let mut jobs = Jobs::new(self.inputs, self.rules);
        while let Some(checked) = jobs.next()? {
            if checked.job.seq == seq {
                return Ok(Some(jobs.location(checked.place)));
            }
        }
        Ok(None)
    }

    /// Maximum bytes of a job in its message, and of a message of several jobs.
    pub(crate) fn limit_bytes(&self) -> usize {
        self.rules.statement.limit_bytes
    }

    /// How much of the inputs has been read.
    pub(crate) fn read_so_far(&self) -> InputBytes {
        let opened = &self.inputs[..self.inputs.len() - self.unopened.len()];
        InputBytes {
            read: opened.iter().map(|input| input.read_so_far().read).sum(),
            total: self.inputs.iter().map(|input| input.read_so_far().total).sum(),
        }
    }

    /// The next job; `None` at the end of the last input.
    ///
    /// # Errors
    /// Returns why an input cannot be read, or a statement is refused. After [`Error::Statement`] reading can continue.
    pub(crate) fn next(&mut self) -> Result<Option<Checked>, Error> {
        while let Some((job, place)) = self.read()? {
            if let Some(checked) = self.check(job, place)? {
                return Ok(Some(checked));
            }
        }
        Ok(None)
    }

    fn read(&mut self) -> Result<Option<(Job, Position)>, Error> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        loop {
            if let Some((_, reading)) = &mut self.reading {
                match reading.next() {
                    Ok(Some(next)) => return Ok(Some(next)),
                    Ok(None) => {}
                    Err(error @ Error::Split { .. }) => {
                        self.preamble.before_unsplit(self.rules).map_err(|problem| self.refused(problem))?;
                        return Err(error);
                    }
                    Err(error) => return Err(error),
                }
            }
            let Some(input) = self.unopened.next() else { return Ok(None) };
            self.preamble = Preamble::default();
            let reading = input.open(self.rules.statement.mode, self.limit_bytes())?;
            self.reading = Some((input.name().to_owned(), reading));
        }
    }

    /// The job of a statement; `None` for what becomes part of the jobs that follow it.
    fn check(&mut self, mut job: Job, place: Position) -> Result<Option<Checked>, Error> {
        let rules = self.rules;
        let inspected = self.preamble.absorb(&job.sql, place, rules);
        let Some(inspected) = inspected.map_err(|problem| self.refused(problem))? else { return Ok(None) };
        let length = match self.preamble.apply(&mut job, inspected.length, place, rules) {
            Ok(length) => length,
            Err(problem) => {
                self.ahead = Some((job, place));
                return Err(self.refused(problem));
            }
        };
        let kind = inspected.kind;
        let database = job.database.as_deref().or(self.preamble.database());
        let statement = Statement { job: &job, kind, length, database };
        let is_atomic = statement::check(&statement, &rules.statement, &rules.catalog)
            .map_err(|problem| self.refused(PlacedProblem { place, problem }))?;
        let mut job = statement::into_job(job, length, self.preamble.database(), &rules.statement)
            .map_err(|problem| self.refused(PlacedProblem { place, problem }))?;
        self.seq += 1;
        job.seq = self.seq;
        Ok(Some(Checked { job, place, kind, is_atomic }))
    }

    fn refused(&self, refused: PlacedProblem) -> Error {
        Error::Statement { at: self.location(refused.place), problem: refused.problem }
    }
}
