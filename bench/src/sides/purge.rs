//! Old rows of a large table: this fleet by key ranges, pt-archiver, and one big DELETE.

use super::client::{client, shell};
use super::{Side, whole};
use crate::Fault;
use crate::case::Task;
use crate::ground::Ground;
use crate::results::Sample;
use crate::workload::{OLD, PURGED, Workload};

pub(crate) fn all() -> [Box<dyn Side>; 3] {
    [Box::new(Ranges), Box::new(Archiver), Box::new(OneDelete)]
}

/// `queryfleet run --range`, as a whole: cut, published, executed by 4 slots, awaited.
struct Ranges;

/// Rows a statement, both here and there: what was best for pt-archiver, see bench/README.md.
const SIZE: &str = "5000";

impl Side for Ranges {
    fn name(&self) -> String {
        "queryfleet run --range, 4 slots".into()
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        (workload == Workload::Purge).then_some(PURGED)
    }

    fn run(&self, ground: &Ground, _: &Task) -> Result<Sample, Fault> {
        let mut command = ground.built("queryfleet");
        command
            .args(["run", "--again", "--template", &format!("DELETE FROM t WHERE :range AND {OLD}")])
            .args(["--range", "t.id", "--size", SIZE, "--slots", "4"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        whole(ground, &mut command, PURGED)
    }
}

/// pt-archiver, whose whole work is one statement after the other.
struct Archiver;

impl Side for Archiver {
    fn name(&self) -> String {
        "pt-archiver --bulk-delete".into()
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        (workload == Workload::Purge).then_some(PURGED)
    }

    fn run(&self, ground: &Ground, _: &Task) -> Result<Sample, Fault> {
        let [user, password, host, port] = ground.address()?;
        let mut command = ground.command("pt-archiver");
        command
            .args(["--source", &format!("h={host},P={port},u={user},p={password},D=queryfleet,t=t")])
            .args(["--where", OLD, "--purge", "--bulk-delete", "--primary-key-only"])
            .args(["--limit", SIZE, "--commit-each", "--no-check-charset", "--no-version-check"]);
        whole(ground, &mut command, PURGED)
    }
}

/// Everything in one transaction: fast, but nobody else gets at the rows, and it is all or nothing.
struct OneDelete;

impl Side for OneDelete {
    fn name(&self) -> String {
        "one big DELETE".into()
    }

    fn jobs(&self, workload: Workload) -> Option<usize> {
        (workload == Workload::Purge).then_some(PURGED)
    }

    fn run(&self, ground: &Ground, _: &Task) -> Result<Sample, Fault> {
        let script = format!("{} -e \"DELETE FROM t WHERE {OLD}\"", client(ground)?);
        whole(ground, &mut shell(ground, &script)?, PURGED)
    }
}
