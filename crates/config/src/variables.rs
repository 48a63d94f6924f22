//! The one table of all variables: names, defaults, forms and help texts.

use std::fmt::Write;

use crate::Variable;

const DURATION: &str = "a duration such as 500ms, 25s, 15m or 1h, at most 720h";
const PEM: &str = "the path of a PEM file";

macro_rules! variables {
    ($($ident:ident = $variable:expr;)*) => {
        $(
            #[doc = concat!("`QUERYFLEET_", stringify!($ident), "`")]
            pub const $ident: Variable = $variable;
        )*

        /// Every variable, in the order of the table in docs/environment.md.
        pub const VARIABLES: &[Variable] = &[$($ident),*];
    };
}

variables! {
    AMQP_URL = Variable::optional("QUERYFLEET_AMQP_URL",
        "amqp://USER:PASSWORD@HOST:5672/VHOST or amqps://… (several separated by commas), with special characters \
         percent-encoded",
        "The RabbitMQ nodes. A reconnect tries the next one.").secret();
    AMQP_CA = Variable::optional("QUERYFLEET_AMQP_CA", PEM,
        "The authorities that may have signed the broker's certificate. Default: those of the system.");
    AMQP_CERT = Variable::optional("QUERYFLEET_AMQP_CERT", PEM, "The client certificate shown to the broker.");
    AMQP_KEY = Variable::optional("QUERYFLEET_AMQP_KEY", PEM, "The key of that certificate, not encrypted.");
    MANAGEMENT_URL = Variable::optional("QUERYFLEET_MANAGEMENT_URL",
        "http://USER:PASSWORD@HOST:15672 or https://…, with special characters percent-encoded",
        "RabbitMQ's management page, where doctor reads the policies of the queues. The account needs the tag management; \
         without a user, the account of the broker's URL is used. Only doctor uses it.").secret();
    MYSQL_URL = Variable::optional("QUERYFLEET_MYSQL_URL",
        "mysql://USER:PASSWORD@HOST:3306/DATABASE or mariadb://…, with special characters percent-encoded",
        "The MySQL or MariaDB database that the jobs change and that holds the ledger.").secret();
    MYSQL_CA = Variable::optional("QUERYFLEET_MYSQL_CA", PEM,
        "The authorities that may have signed the database's certificate. Default: the public ones (Mozilla's list). \
         If it or one of the next two is set, TLS is used, whatever the URL says.");
    MYSQL_CERT = Variable::optional("QUERYFLEET_MYSQL_CERT", PEM, "The client certificate shown to the database.");
    MYSQL_KEY = Variable::optional("QUERYFLEET_MYSQL_KEY", PEM,
        "The key of that certificate, not encrypted.");
    REPLICAS = Variable::optional("QUERYFLEET_REPLICAS",
        "as QUERYFLEET_MYSQL_URL, several separated by commas",
        "The replicas of that database whose lag counts for limit --max-lag. Each account needs SELECT on queryfleet_governor \
         there. The workers need it, and who sets the limit.").secret();
    QUEUE = Variable::with_default("QUERYFLEET_QUEUE", "default",
        "1 to 100 of the characters a-z A-Z 0-9 . _ -, neither ending in .dead nor containing .retry.",
        "The queue to which runs are published and which a fleet of workers serves.");
    SLOTS = Variable::with_default("QUERYFLEET_SLOTS", "4", "a whole number from 1 to 1024",
        "How many statements a worker executes at the same time, each on its own connection.");
    STATEMENT_TIMEOUT = Variable::with_default("QUERYFLEET_STATEMENT_TIMEOUT", "15m", DURATION,
        "How long a statement may take before its connection is killed. Keep it below the broker's consumer timeout.");
    DRAIN_TIMEOUT = Variable::with_default("QUERYFLEET_DRAIN_TIMEOUT", "25s", DURATION,
        "How long a worker that was told to stop waits for its running statements before it kills them. Keep it \
         below the grace period of the orchestrator.");
    MAX_ATTEMPTS = Variable::with_default("QUERYFLEET_MAX_ATTEMPTS", "5", "a whole number from 1 to 1000",
        "The number of counted attempts after which a job is dead.");
    RETRY_TIERS = Variable::with_default("QUERYFLEET_RETRY_TIERS", "1s,10s,1m,10m",
        "durations separated by commas, each longer than the one before, such as 1s,10s,1m,10m",
        "The waits before the second, third, … attempt. Each is a queue of its own; the last one repeats. All producers \
         and workers of one queue need the same value.");
    SESSION_SQL = Variable::optional("QUERYFLEET_SESSION_SQL", "SQL text",
        "Executed on every connection to the database, after the settings that queryfleet makes itself.").lines_or_file();
    ALLOW = Variable::optional("QUERYFLEET_ALLOW",
        "kinds of statement separated by commas: insert, replace, update, delete, select, with, do, values, table, load, \
         and for jobs with --not-atomic call, ddl, outfile, other",
        "The only kinds of statement that a worker executes. Default: all.");
    METRICS_LISTEN = Variable::with_default("QUERYFLEET_METRICS_LISTEN", "127.0.0.1:9464",
        "an IP address and a port, such as 127.0.0.1:9464 or [::]:9464, or off",
        "The address at which a worker serves /metrics, /livez and /readyz. Port 0 takes a free one; off serves nothing; without this variable a worker takes one if the default port is taken.");
    SIGNING_KEY = Variable::optional("QUERYFLEET_SIGNING_KEY",
        "a key of at least 16 bytes (several separated by commas)",
        "Runs and messages are signed with the first key and verified with all. A worker executes only what one of its \
         keys has signed.")
        .secret();
    LOG = Variable::with_default("QUERYFLEET_LOG", "info",
        "error, warn, info, debug, trace or a tracing filter such as info,queryfleet_broker=debug",
        "What is logged, to standard error. The default is that of work; run and doctor log only errors, the other commands \
         errors and warnings.");
    LOG_FORMAT = Variable::with_default("QUERYFLEET_LOG_FORMAT", "text", "text or json", "The format of the log.");
    CONNECT_TIMEOUT = Variable::with_default("QUERYFLEET_CONNECT_TIMEOUT", "5s", DURATION,
        "How long one attempt to connect to the broker or the database may take.");
    SETUP_TIMEOUT = Variable::with_default("QUERYFLEET_SETUP_TIMEOUT", "1m", DURATION,
        "How long a starting worker waits for queryfleet's tables, and for its account's rights to them.");
    BACKOFF_MAX = Variable::with_default("QUERYFLEET_BACKOFF_MAX", "30s", DURATION,
        "The longest pause between two attempts to connect.");
    PRESSURE_TIMEOUT = Variable::with_default("QUERYFLEET_PRESSURE_TIMEOUT", "5m", DURATION,
        "How long a slot keeps its job while the database fails over or is short of resources, before it gives the \
         job back. Keep it below the broker's consumer timeout.");
    HEARTBEAT_INTERVAL = Variable::with_default("QUERYFLEET_HEARTBEAT_INTERVAL", "15s", DURATION,
        "The interval at which a worker renews its row in queryfleet_worker. It is never shorter than \
         QUERYFLEET_RUN_POLL_INTERVAL.");
    RUN_POLL_INTERVAL = Variable::with_default("QUERYFLEET_RUN_POLL_INTERVAL", "1s", DURATION,
        "The interval at which a worker reads the states of its runs.");
    MISSING_TIMEOUT = Variable::with_default("QUERYFLEET_MISSING_TIMEOUT", "60s", DURATION,
        "How long wait sees no message ready and no job in flight before it reports jobs as missing.");
    DELIVERY_LIMIT = Variable::with_default("QUERYFLEET_DELIVERY_LIMIT", "20", "a whole number from 1 to 1000",
        "How often a message may be delivered again because its worker died, before the broker moves it to the dead queue. \
         All producers and workers of one queue need the same value.");
    CONFIRM_WINDOW = Variable::with_default("QUERYFLEET_CONFIRM_WINDOW", "1024", "a whole number from 1 to 65536",
        "How many published messages may be unconfirmed before a producer waits for the broker's confirms.");
}

/// The table of all variables in Markdown, as docs/environment.md holds it: one row per variable, and a newline at the end.
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
