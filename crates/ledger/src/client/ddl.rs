//! The statements that create the tables of queryfleet, and those that bring an older version up.

use queryfleet_job::RUN_NAME_LIMIT;

use crate::tables::Tables;

/// Where two inputs of one run part. New in version 2.
const MILESTONES: &str = "milestones MEDIUMBLOB NULL COMMENT 'digests along the way through the input'";
/// How what is compared as bytes is kept. New in version 3: `cafe` and `café` were one name before.
const AS_BYTES: &str = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL";
/// What a run was published as. New in version 3.
const MANIFEST: [&str; 2] = [
    "manifest MEDIUMBLOB NULL COMMENT 'what the run is published as: JSON, whose digest its messages carry'",
    "manifest_signature CHAR(64) NULL COMMENT 'HMAC of the manifest'",
];
/// The signature of a dead job's envelope. New in version 3.
const SIGNATURE: &str =
    "signature CHAR(64) NULL COMMENT 'HMAC of the envelope, made by a worker that had verified it'";
/// The signature of a range. New in version 3.
const RANGE_SIGNATURE: &str = "signature CHAR(64) NULL COMMENT 'HMAC of run, seq and both keys'";
/// For how long a worker's view of a run's state counts. New in version 3.
const VIEW_MS: &str =
    "view_ms BIGINT UNSIGNED NULL COMMENT 'milliseconds after which this worker has seen a change of a run'";

/// Which holds a worker obeys. New with holds, [`add_holds`].
const HOLDS: &str =
    "holds TEXT NULL COMMENT 'ids of the holds that this worker obeys; NULL: it knows of none'";

/// Which run a discarded job was replaced by. New with places, [`add_places`].
const REPLACED_BY: &str = "replaced_by BIGINT UNSIGNED NULL COMMENT 'the run that replaces this job'";

/// What a worker says of limits. New with them, [`add_limits`].
const LIMIT_COLUMNS: [&str; 3] = [
    "limit_version INT UNSIGNED NULL COMMENT 'version of the limit that this worker obeys; NULL: it knows of none'",
    "account VARCHAR(300) NULL COMMENT 'CURRENT_USER() of its sessions'",
    "sessions TEXT NULL COMMENT 'JSON: the sessions that may execute a statement under a permit'",
];

/// Who has approved the jobs after a canary. New with limits, [`add_limits`].
const APPROVED: &str = "approved VARCHAR(190) NULL COMMENT 'who has approved the jobs after the canary'";
/// At how many dead jobs a run holds its queue. New with limits, [`add_limits`].
const HALT: [&str; 2] = [
    "halt VARCHAR(20) NULL COMMENT 'dead jobs, or their share, at which the queue is held'",
    "halt_base VARCHAR(50) NULL COMMENT 'dead and ended jobs when somebody has last resumed it'",
];
/// What a hold is for that no person has placed. New with limits, [`add_limits`].
const MARK: &str = "mark VARCHAR(60) NULL COMMENT 'what the hold is for, if no two may be for it'";
/// The counts of a run that has ended. New with limits, [`add_limits`].
const KEPT: &str = "kept VARCHAR(400) NULL COMMENT 'JSON: counts of the jobs of a run that has ended'";

/// What adds the column of version 2.
pub(crate) fn add_milestones(tables: &Tables) -> String {
    format!("ALTER TABLE {} ADD COLUMN {MILESTONES}", tables.run)
}

/// What brings tables of version 2 up to version 3. Each is one statement for all of a table: of two setups at once the
/// second finds its first column there, and then all of them.
pub(crate) fn add_version_3(tables: &Tables) -> [String; 4] {
    let Tables { run, dead, worker, range, .. } = tables;
    let [manifest, signature] = MANIFEST;
    [
        format!(
            "ALTER TABLE {run} ADD COLUMN {manifest}, ADD COLUMN {signature}, \
             MODIFY name VARCHAR({RUN_NAME_LIMIT}) {AS_BYTES}, MODIFY queue VARCHAR(100) {AS_BYTES}"
        ),
        format!("ALTER TABLE {dead} ADD COLUMN {SIGNATURE}"),
        format!("ALTER TABLE {range} ADD COLUMN {RANGE_SIGNATURE}"),
        format!("ALTER TABLE {worker} ADD COLUMN {VIEW_MS}, MODIFY queue VARCHAR(100) {AS_BYTES}"),
    ]
}

/// What tables of version 3 lack that were made before there were holds. A program that knows of none runs beside it.
pub(crate) fn add_holds(tables: &Tables) -> [String; 2] {
    [create_hold(tables), format!("ALTER TABLE {} ADD COLUMN {HOLDS}", tables.worker)]
}

/// What tables of version 3 lack that were made before jobs had places. A program that knows of none runs beside it.
pub(crate) fn add_places(tables: &Tables) -> [String; 2] {
    [create_place(tables), format!("ALTER TABLE {} ADD COLUMN {REPLACED_BY}", tables.dead)]
}

/// What tables of version 3 lack that were made before there were limits. A program that knows of none runs beside it.
pub(crate) fn add_limits(tables: &Tables) -> [String; 8] {
    let [halt, halt_base] = HALT;
    let [version, account, sessions] = LIMIT_COLUMNS;
    [
        create_limit(tables),
        create_permit(tables),
        create_rate(tables),
        create_governor(tables),
        create_event(tables),
        format!(
            "ALTER TABLE {} ADD COLUMN {KEPT}, ADD COLUMN {APPROVED}, ADD COLUMN {halt}, ADD COLUMN {halt_base}",
            tables.run
        ),
        format!("ALTER TABLE {} ADD COLUMN {MARK}, ADD UNIQUE KEY mark (mark)", tables.hold),
        format!(
            "ALTER TABLE {} ADD COLUMN {version}, ADD COLUMN {account}, ADD COLUMN {sessions}",
            tables.worker
        ),
    ]
}

/// The statements that create all tables.
pub(crate) fn create(tables: &Tables) -> [String; 13] {
    [
        create_meta(tables),
        create_run(tables),
        create_ledger(tables),
        create_dead(tables),
        create_worker(tables),
        create_range(tables),
        create_hold(tables),
        create_place(tables),
        create_limit(tables),
        create_permit(tables),
        create_rate(tables),
        create_governor(tables),
        create_event(tables),
    ]
}

/// The version of the tables and the identity of the ledger.
fn create_meta(tables: &Tables) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (
           name VARCHAR(64) NOT NULL PRIMARY KEY,
           value VARCHAR(255) NOT NULL
         ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        tables.meta
    )
}

/// A row for each run, which stays after a purge so that its id is never used again.
fn create_run(tables: &Tables) -> String {
    let [manifest, manifest_signature] = MANIFEST;
    let [halt, halt_base] = HALT;
    format!(
        "CREATE TABLE IF NOT EXISTS {} (
           id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
           name VARCHAR({RUN_NAME_LIMIT}) {AS_BYTES} UNIQUE,
           queue VARCHAR(100) {AS_BYTES},
           state ENUM('publishing','published','cancelled','purged') NOT NULL DEFAULT 'publishing',
           total BIGINT UNSIGNED NULL COMMENT 'NULL until the end of the input is confirmed',
           confirmed BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'jobs whose publishing the broker has confirmed',
           digest BINARY(32) NOT NULL COMMENT 'SHA-256 of the whole input',
           {MILESTONES},
           chunk INT UNSIGNED NOT NULL,
           session_version INT UNSIGNED NOT NULL DEFAULT 0,
           session_sql MEDIUMTEXT NULL,
           not_atomic ENUM('park','repeat') NULL,
           cancel_now TINYINT NOT NULL DEFAULT 0 COMMENT 'running statements are ended too',
           created TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
           {manifest},
           {manifest_signature},
           {KEPT},
           {APPROVED},
           {halt},
           {halt_base},
           KEY digest (digest)
         ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        tables.run
    )
}

/// A row for each job that has ended, or that is not atomic and has begun.
fn create_ledger(tables: &Tables) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (
           run BIGINT UNSIGNED NOT NULL,
           seq BIGINT UNSIGNED NOT NULL,
           state ENUM('done','dead','cancelled','started') NOT NULL,
           time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
           PRIMARY KEY (run, seq)
         ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        tables.ledger
    )
}

/// A row for each job, or message, that will not be tried again.
fn create_dead(tables: &Tables) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (
           id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
           run BIGINT UNSIGNED NULL,
           seq BIGINT UNSIGNED NULL,
           digest CHAR(64) NULL COMMENT 'SHA-256 of the body, for what has no run and seq',
           queue VARCHAR(100) NOT NULL,
           state ENUM('dead','replaying','replayed','discarded') NOT NULL DEFAULT 'dead',
           reason VARCHAR(20) NOT NULL,
           code SMALLINT UNSIGNED NULL,
           sql_state CHAR(5) NULL,
           message TEXT NOT NULL,
           first_error TEXT NULL,
           attempts INT UNSIGNED NOT NULL,
           worker VARCHAR(190) NOT NULL,
           statement LONGTEXT NULL,
           envelope LONGBLOB NOT NULL,
           died TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
           {SIGNATURE},
           {REPLACED_BY},
           UNIQUE KEY job (run, seq),
           UNIQUE KEY digest (digest)
         ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        tables.dead
    )
}

/// A row for each worker.
fn create_worker(tables: &Tables) -> String {
    let [limit_version, account, sessions] = LIMIT_COLUMNS;
    format!(
        "CREATE TABLE IF NOT EXISTS {} (
           id CHAR(32) NOT NULL PRIMARY KEY,
           name VARCHAR(190) NOT NULL,
           queue VARCHAR(100) {AS_BYTES},
           slots INT UNSIGNED NOT NULL,
           in_flight INT UNSIGNED NOT NULL DEFAULT 0,
           started TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
           seen TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
           {VIEW_MS},
           {HOLDS},
           {limit_version},
           {account},
           {sessions},
           KEY seen (seen)
         ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        tables.worker
    )
}

/// What version 2 has in addition to version 1.
pub(crate) fn create_range(tables: &Tables) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (
           run BIGINT UNSIGNED NOT NULL,
           seq BIGINT UNSIGNED NOT NULL COMMENT '0 for the whole extent, then that of the job',
           lo MEDIUMTEXT NOT NULL COMMENT 'the first key of the range, as a JSON array',
           hi MEDIUMTEXT NOT NULL COMMENT 'the last one',
           {RANGE_SIGNATURE},
           PRIMARY KEY (run, seq)
         ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        tables.range
    )
}

/// A row for each hold. All times in UTC.
fn create_hold(tables: &Tables) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (
           id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
           queue VARCHAR(100) {AS_BYTES},
           placed DATETIME(3) NOT NULL,
           expires DATETIME(3) NULL COMMENT 'NULL: it is lifted by somebody',
           ends_running TINYINT NOT NULL DEFAULT 0 COMMENT 'running statements are ended too',
           placed_by VARCHAR(190) NOT NULL,
           because TEXT NOT NULL,
           {MARK},
           KEY queue (queue),
           UNIQUE KEY mark (mark)
         ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        tables.hold
    )
}

/// A row for the places of some thousand consecutive jobs of a run in its input.
fn create_place(tables: &Tables) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (
           run BIGINT UNSIGNED NOT NULL,
           block BIGINT UNSIGNED NOT NULL COMMENT 'block n has the jobs 4096 n + 1 to 4096 (n + 1)',
           places MEDIUMTEXT NOT NULL COMMENT 'JSON: [input, [[line, column, jobs, lines between them], ...]]',
           PRIMARY KEY (run, block)
         ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        tables.place
    )
}

/// A row for each queue whose fleet somebody has limited, once. A limit that is taken back is a row, too.
fn create_limit(tables: &Tables) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (
           queue VARCHAR(100) {AS_BYTES} PRIMARY KEY,
           version INT UNSIGNED NOT NULL COMMENT 'one more with each change',
           terms TEXT NOT NULL COMMENT 'JSON: what is allowed',
           changed DATETIME(3) NOT NULL COMMENT 'in UTC',
           changed_by VARCHAR(190) NOT NULL,
           because TEXT NOT NULL,
           signature CHAR(64) NULL COMMENT 'HMAC of queue, version and terms'
         ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        tables.limit
    )
}

/// A row for each slot that a fleet may use at once.
fn create_permit(tables: &Tables) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (
           queue VARCHAR(100) {AS_BYTES},
           id INT UNSIGNED NOT NULL COMMENT 'from 0; valid below the number of slots that is allowed',
           owner CHAR(32) NOT NULL DEFAULT '' COMMENT 'id of the worker that uses it; empty: nobody',
           PRIMARY KEY (queue, id),
           KEY owner (owner)
         ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        tables.permit
    )
}

/// A row for each queue whose rate somebody has limited, once. Times in microseconds since 1970, by the server's clock.
fn create_rate(tables: &Tables) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (
           queue VARCHAR(100) {AS_BYTES} PRIMARY KEY,
           paid_until BIGINT NOT NULL DEFAULT 0 COMMENT 'the jobs that workers have claimed have all begun by then',
           claimed BIGINT NOT NULL DEFAULT 0 COMMENT 'when the last of them were claimed'
         ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        tables.rate
    )
}

/// A row for each queue whose limit has had checks: which of its workers makes them, and what they say. It is replicated, and
/// what a replica shows of it is the replica's lag.
fn create_governor(tables: &Tables) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (
           queue VARCHAR(100) {AS_BYTES} PRIMARY KEY,
           worker CHAR(32) NOT NULL DEFAULT '' COMMENT 'id of the worker that makes the checks',
           term BIGINT NOT NULL DEFAULT 0 COMMENT 'one more with each worker that takes over',
           beat BIGINT NOT NULL DEFAULT 0 COMMENT 'one more twice a second',
           allowed INT UNSIGNED NULL COMMENT 'slots that the checks allow; NULL: not known yet',
           reasons TEXT NULL COMMENT 'what allows no more',
           checks TEXT NULL COMMENT 'JSON: each check with its value and its limit'
         ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        tables.governor
    )
}

/// A row for each thing that somebody has done. Appended to only; deleted after 30 days.
fn create_event(tables: &Tables) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (
           id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
           at DATETIME(3) NOT NULL COMMENT 'in UTC',
           queue VARCHAR(100) {AS_BYTES},
           run BIGINT UNSIGNED NULL,
           who VARCHAR(190) NOT NULL,
           what VARCHAR(40) NOT NULL,
           detail TEXT NOT NULL,
           KEY at (at),
           KEY queue (queue),
           KEY run (run)
         ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        tables.event
    )
}
