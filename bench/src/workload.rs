//! What there is to do: its tables, its statements, and the look at what was done.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Fault;
use crate::ground::Ground;

/// Rows of the table that is purged, and how many of them go: those of 200 days of 365, which lie side by side with
/// those that stay.
const ROWS: usize = 1_000_000;
pub(crate) const PURGED: usize = 548_000;
/// The condition of the rows that go.
pub(crate) const OLD: &str = "created < '2025-07-20'";
/// A statement may still be running when the last one has been counted.
const SETTLE: Duration = Duration::from_secs(10);

/// What there is to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// Single-row UPDATEs by primary key, from the start of the command to its end.
    Whole,
    /// Single-row UPDATEs by primary key.
    Update,
    /// Single-row INSERTs.
    Insert,
    /// `DO SLEEP(0.01)`.
    Sleep,
    /// Messages taken from the queue, and nothing done.
    Take,
    /// Old rows of a large table, deleted.
    Purge,
    /// `DO SLEEP(0.01)` for more and more worker processes.
    Scale,
    /// One statement, waiting for a worker that is started now.
    Start,
    /// Ten million UPDATEs that are only published.
    Huge,
}

impl Workload {
    pub(crate) const ALL: [Workload; 9] = [
        Workload::Whole,
        Workload::Update,
        Workload::Insert,
        Workload::Sleep,
        Workload::Take,
        Workload::Purge,
        Workload::Scale,
        Workload::Start,
        Workload::Huge,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Workload::Whole => "whole",
            Workload::Update => "update",
            Workload::Insert => "insert",
            Workload::Sleep => "sleep",
            Workload::Take => "take",
            Workload::Purge => "purge",
            Workload::Scale => "scale",
            Workload::Start => "start",
            Workload::Huge => "huge",
        }
    }

    /// What a sample's value is.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Workload::Take => "messages/s",
            Workload::Purge => "rows/s",
            Workload::Start => "ms",
            _ => "statements/s",
        }
    }

    /// Measured in the first round only: it takes half a minute, and memory varies little.
    pub(crate) fn is_once(self) -> bool {
        self == Workload::Huge
    }

    /// In a heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Workload::Whole => "Whole commands: single-row UPDATEs by primary key",
            Workload::Update => "Single-row UPDATEs by primary key",
            Workload::Insert => "Single-row INSERTs",
            Workload::Sleep => "`DO SLEEP(0.01)`",
            Workload::Take => "The broker alone: messages taken and acknowledged at prefetch 1",
            Workload::Purge => "Purge of 548,000 of 1,000,000 rows",
            Workload::Scale => "Worker processes of one slot, `DO SLEEP(0.01)`",
            Workload::Start => "From the start of the process to the first job",
            Workload::Huge => "Publishing ten million UPDATEs",
        }
    }

    /// The server's counter of the statements of this kind.
    pub(crate) fn counter(self) -> &'static str {
        match self {
            Workload::Whole | Workload::Update | Workload::Take | Workload::Start | Workload::Huge => {
                "Com_update"
            }
            Workload::Insert => "Com_insert",
            Workload::Sleep | Workload::Scale => "Com_do",
            Workload::Purge => "Com_delete",
        }
    }

    fn statement(self, job: usize) -> String {
        match self {
            Workload::Whole | Workload::Update | Workload::Take | Workload::Huge => {
                format!("UPDATE t SET n = n + 1 WHERE id = {job};\n")
            }
            Workload::Insert => {
                format!("INSERT INTO t (job, name) VALUES ({job}, 'customer{job}@example.com');\n")
            }
            Workload::Sleep | Workload::Scale => "DO SLEEP(0.01);\n".into(),
            Workload::Start => "UPDATE t SET taken = SYSDATE(6) WHERE id = 1;\n".into(),
            Workload::Purge => String::new(),
        }
    }

    /// Makes fresh tables, an empty ledger and the script.
    pub(crate) fn prepare(self, ground: &Ground, jobs: usize, script: &Path) -> Result<(), Fault> {
        let tables = match self {
            Workload::Whole | Workload::Update => format!(
                "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0); \
                 INSERT INTO t (id) SELECT seq FROM seq_1_to_{jobs}"
            ),
            Workload::Insert => {
                "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, job INT NOT NULL, name VARCHAR(60))"
                    .into()
            }
            Workload::Start => {
                "CREATE TABLE t (id INT PRIMARY KEY, taken DATETIME(6)); INSERT INTO t VALUES (1, NULL)"
                    .into()
            }
            Workload::Purge => format!(
                "CREATE TABLE IF NOT EXISTS all_events AS SELECT CAST(seq AS INT) AS id, \
                 DATE '2025-01-01' + INTERVAL (seq - 1) % 365 DAY AS created, \
                 CONCAT('customer', seq, '@example.com') AS name FROM seq_1_to_{ROWS}; \
                 CREATE TABLE t (id INT PRIMARY KEY, created DATE NOT NULL, name VARCHAR(60)); \
                 INSERT INTO t SELECT id, created, name FROM all_events"
            ),
            Workload::Sleep | Workload::Take | Workload::Scale | Workload::Huge => "DO 0".into(),
        };
        let ledger = "TRUNCATE queryfleet_ledger; DELETE FROM queryfleet_run; DELETE FROM queryfleet_range";
        ground.sql.run(&format!("{ledger}; DROP TABLE IF EXISTS t; {tables}"))?;
        if self != Workload::Purge {
            let mut file = BufWriter::new(File::create(script)?);
            (1..=jobs).try_for_each(|job| file.write_all(self.statement(job).as_bytes()))?;
            file.flush()?;
        }
        Ok(())
    }

    /// Makes sure that every statement took effect exactly once.
    pub(crate) fn check(self, ground: &Ground, jobs: usize) -> Result<(), Fault> {
        let wrong = match self {
            Workload::Whole | Workload::Update => "SELECT COUNT(*) FROM t WHERE n <> 1".into(),
            Workload::Insert => {
                format!("SELECT ABS(COUNT(*) - {jobs}) + ABS(COUNT(DISTINCT job) - {jobs}) FROM t")
            }
            Workload::Purge => {
                format!("SELECT ABS(COUNT(*) - {ROWS} + {PURGED}) + COUNT(CASE WHEN {OLD} THEN 1 END) FROM t")
            }
            Workload::Start => "SELECT COUNT(*) FROM t WHERE taken IS NULL".into(),
            // They leave nothing behind but a count, which the side has awaited.
            Workload::Sleep | Workload::Take | Workload::Scale | Workload::Huge => "SELECT 0".into(),
        };
        let since = Instant::now();
        loop {
            let count = ground.sql.number(&wrong)?;
            if count == 0.0 {
                return Ok(());
            }
            if since.elapsed() > SETTLE {
                return Err(format!("{count} rows are wrong: `{wrong}`").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
