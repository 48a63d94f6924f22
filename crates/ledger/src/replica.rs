//! A replica of the jobs' database, of which only the governor's beat is read.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};
use queryfleet_config::Config;

use crate::connect;
use crate::error::Error;
use crate::tables::Tables;

/// How long it may take to connect, and to read: what takes longer is not known in time.
const TIMEOUT: Duration = Duration::from_secs(1);

/// A replica, with its own connection.
pub struct Replica {
    name: String,
    opts: Opts,
    tables: Tables,
    conn: Option<Conn>,
}

impl Replica {
    /// The replicas that the configuration names; connects to none yet.
    ///
    /// # Errors
    /// When a URL is none that the driver takes, or a file for TLS is unusable.
    pub fn all(config: &Config) -> Result<Vec<Replica>, Error> {
        let replica = |url: &queryfleet_config::Secret| {
            let (opts, schema) = connect::options(url, &config.mysql_tls)?;
            Ok(Replica::new(opts, &schema))
        };
        config.replicas.iter().map(replica).collect()
    }

    /// The replica at another address, with account and database of the jobs' server; connects not yet.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub fn at(config: &Config, (host, port): (&str, u16)) -> Result<Replica, Error> {
        let (opts, schema) = connect::options(config.mysql_url()?, &config.mysql_tls)?;
        let opts = OptsBuilder::from_opts(opts).ip_or_hostname(host).tcp_port(port).into();
        Ok(Replica::new(opts, &schema))
    }

    fn new(opts: Opts, schema: &str) -> Replica {
        Replica {
            name: format!("{}:{}", opts.ip_or_hostname(), opts.tcp_port()),
            tables: Tables::of_schema(schema),
            opts,
            conn: None,
        }
    }

    /// host:port.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Term and beat of a queue's governor as the replica has them; `None` if it has no such row.
    ///
    /// # Errors
    /// If the replica cannot be reached within a second, or refuses the query.
    pub async fn beat(&mut self, queue: &str) -> Result<Option<(i64, i64)>, Error> {
        let query = format!("SELECT term, beat FROM {} WHERE queue = ?", self.tables.governor);
        let server = || self.name.clone();
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => match tokio::time::timeout(TIMEOUT, Conn::new(self.opts.clone())).await {
                Ok(connected) => {
                    connected.map_err(|source| Error::Connect { server: server(), source: source.into() })?
                }
                Err(_) => return Err(timed_out(server(), "connect")),
            },
        };
        match tokio::time::timeout(TIMEOUT, conn.exec_first(query, (queue,))).await {
            Ok(Ok(beat)) => {
                self.conn = Some(conn);
                Ok(beat)
            }
            Ok(Err(error)) => Err(Error::query("read the governor's beat on a replica")(error)),
            Err(_) => Err(timed_out(server(), "read the governor's beat on a replica")),
        }
    }
}

fn timed_out(server: String, doing: &'static str) -> Error {
    Error::Timeout { server, seconds: TIMEOUT.as_secs(), doing }
}
