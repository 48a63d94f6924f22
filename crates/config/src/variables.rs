//! The one table of all variables.

use std::fmt::Write;

use crate::Variable;

const DURATION: &str = "a duration such as 500ms, 25s, 15m or 1h, 720h at most";
const PEM: &str = "the path of a PEM file";

macro_rules! variables {
    ($($ident:ident = $variable:expr;)*) => {
        $(pub(crate) const $ident: Variable = $variable;)*

        /// Every variable, in the order of the table in docs/environment.md.
        pub const VARIABLES: &[Variable] = &[$($ident),*];
    };
}

variables! {
    AMQP_URL = Variable::optional("QUERYFLEET_AMQP_URL",
        "amqp://USER:PASSWORD@HOST:5672/VHOST or amqps://… (several: comma between), with special characters \
         percent-encoded",
        "The RabbitMQ nodes; a reconnect tries the next one.").secret();
    AMQP_CA = Variable::optional("QUERYFLEET_AMQP_CA", PEM,
        "The authorities that may have signed the broker's certificate, instead of the system's.");
    AMQP_CERT = Variable::optional("QUERYFLEET_AMQP_CERT", PEM, "The client certificate shown to the broker.");
    AMQP_KEY = Variable::optional("QUERYFLEET_AMQP_KEY", PEM, "The key of that certificate, not encrypted.");
    MANAGEMENT_URL = Variable::optional("QUERYFLEET_MANAGEMENT_URL",
        "http://USER:PASSWORD@HOST:15672 or https://…, with special characters percent-encoded",
        "RabbitMQ's management page, where doctor reads the policies of the queues; an account with the tag management. \
         Without a user the broker's. Nothing else uses it.").secret();
    MYSQL_URL = Variable::optional("QUERYFLEET_MYSQL_URL",
        "mysql://USER:PASSWORD@HOST:3306/DATABASE or mariadb://…, with special characters percent-encoded",
        "The MySQL or MariaDB database that the jobs change and that holds the ledger.").secret();
    MYSQL_CA = Variable::optional("QUERYFLEET_MYSQL_CA", PEM,
        "The authorities that may have signed the database's certificate, instead of the public ones (Mozilla's list). \
         Asks for TLS, as the other two do, whatever the URL says.");
    MYSQL_CERT = Variable::optional("QUERYFLEET_MYSQL_CERT", PEM, "The client certificate shown to the database.");
    MYSQL_KEY = Variable::optional("QUERYFLEET_MYSQL_KEY", PEM,
        "The key of that certificate, not encrypted.");
    QUEUE = Variable::new("QUERYFLEET_QUEUE", "default",
        "1 to 100 of the characters a-z A-Z 0-9 . _ -, neither ending in .dead nor containing .retry.",
        "The queue that a run is published to and that a fleet of workers serves.");
    SLOTS = Variable::new("QUERYFLEET_SLOTS", "4", "a whole number from 1 to 1024",
        "How many statements a worker executes at once, each on its own connection.");
    STATEMENT_TIMEOUT = Variable::new("QUERYFLEET_STATEMENT_TIMEOUT", "15m", DURATION,
        "How long a statement may take before its connection is killed. Keep it below the broker's consumer timeout.");
    DRAIN_TIMEOUT = Variable::new("QUERYFLEET_DRAIN_TIMEOUT", "25s", DURATION,
        "How long a worker that was told to stop waits for its running statements before it kills them. Keep it \
         below the time that the orchestrator grants.");
    MAX_ATTEMPTS = Variable::new("QUERYFLEET_MAX_ATTEMPTS", "5", "a whole number from 1 to 1000",
        "After how many counted attempts a job is dead.");
    RETRY_TIERS = Variable::new("QUERYFLEET_RETRY_TIERS", "1s,10s,1m,10m",
        "durations with commas between, each longer than the one before, such as 1s,10s,1m,10m",
        "The waits before the second, third, … attempt; each is a queue of its own, the last one repeats. The same \
         everywhere on one queue.");
    SESSION_SQL = Variable::optional("QUERYFLEET_SESSION_SQL", "SQL text",
        "Runs on every connection to the database, after its own settings.").lines_or_file();
    ALLOW = Variable::optional("QUERYFLEET_ALLOW",
        "kinds of statement with commas between: insert, replace, update, delete, select, with, do, values, table, load, \
         and with --not-atomic call, ddl, outfile, other",
        "The only kinds of statement that a worker executes; all when not set.");
    METRICS_LISTEN = Variable::new("QUERYFLEET_METRICS_LISTEN", "127.0.0.1:9464",
        "an IP address and a port, such as 127.0.0.1:9464 or [::]:9464",
        "Where a worker serves /metrics, /livez and /readyz; port 0 takes a free one.");
    SIGNING_KEY = Variable::optional("QUERYFLEET_SIGNING_KEY",
        "a key of at least 16 bytes (several: comma between)",
        "Signs runs and messages with the first key and accepts all; a worker executes nothing that none of them signed.")
        .secret();
    LOG = Variable::new("QUERYFLEET_LOG", "info",
        "error, warn, info, debug, trace or a tracing filter such as info,queryfleet_broker=debug",
        "What is logged, to stderr. The default is that of work; run and doctor log errors only, the others warnings too.");
    LOG_FORMAT = Variable::new("QUERYFLEET_LOG_FORMAT", "text", "text or json", "The form of a log line.");
    CONNECT_TIMEOUT = Variable::new("QUERYFLEET_CONNECT_TIMEOUT", "5s", DURATION,
        "How long one attempt to connect to the broker or the database may take.");
    BACKOFF_MAX = Variable::new("QUERYFLEET_BACKOFF_MAX", "30s", DURATION,
        "The longest pause between two attempts to connect.");
    PRESSURE_TIMEOUT = Variable::new("QUERYFLEET_PRESSURE_TIMEOUT", "5m", DURATION,
        "How long a slot keeps its job while the database is failing over or short of resources, before it gives the \
         job back. Keep it below the broker's consumer timeout.");
    HEARTBEAT_INTERVAL = Variable::new("QUERYFLEET_HEARTBEAT_INTERVAL", "15s", DURATION,
        "How often a worker renews its row in queryfleet_worker; no more often than QUERYFLEET_RUN_POLL_INTERVAL.");
    RUN_POLL_INTERVAL = Variable::new("QUERYFLEET_RUN_POLL_INTERVAL", "1s", DURATION,
        "How often a worker reads the states of its runs.");
    MISSING_TIMEOUT = Variable::new("QUERYFLEET_MISSING_TIMEOUT", "60s", DURATION,
        "How long a waiting producer sees nothing ready and nothing in flight before it reports jobs as missing; \
         how long it waits for a database that is away.");
    DELIVERY_LIMIT = Variable::new("QUERYFLEET_DELIVERY_LIMIT", "20", "a whole number from 1 to 1000",
        "How many workers a message may take down with it before the broker moves it to the dead queue. The same \
         everywhere on one queue.");
    CONFIRM_WINDOW = Variable::new("QUERYFLEET_CONFIRM_WINDOW", "1024", "a whole number from 1 to 65536",
        "How many messages a producer has published before it waits for the broker's oldest confirm.");
}

/// The table of all variables in Markdown, as docs/environment.md holds it: one row a variable, a newline at the end.
pub fn markdown_table() -> String {
    let mut table = String::from("| variable | default | expected | meaning |\n| --- | --- | --- | --- |\n");
    for variable in VARIABLES {
        let default = variable.default.map(|text| format!("`{text}`")).unwrap_or_else(|| "–".to_owned());
        let file = if variable.file { " Also as `…_FILE`." } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "| `{}` | {default} | {} | {}{file} |",
            variable.name, variable.form, variable.help
        );
    }
    table
}
