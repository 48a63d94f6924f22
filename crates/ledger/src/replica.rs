//! A replica of the jobs' database, of which only the governor's beat is read.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};
use queryfleet_config::Config;
use tokio::task::JoinSet;

use crate::connect;
use crate::error::Error;
use crate::tables::Tables;

/// How long it may take to read: what takes longer is not known in time.
const TIMEOUT: Duration = Duration::from_secs(1);
const READ: &str = "read the governor's beat on a replica";

/// Term and beat of a queue's governor.
type Beat = (i64, i64);

/// A replica, with its own connection.
pub struct Replica {
    name: String,
    opts: Opts,
    tables: Tables,
    conn: Option<Conn>,
    connect_timeout: Duration,
    /// Asks once, and connects before if there is no connection.
    asking: JoinSet<Result<(Conn, Option<Beat>), Error>>,
}

impl Replica {
    /// The replicas that the configuration names; connects to none yet.
    ///
    /// # Errors
    /// When a URL is none that the driver takes, or a file for TLS is unusable.
    pub fn all(config: &Config) -> Result<Vec<Replica>, Error> {
        let replica = |url: &queryfleet_config::Secret| {
            let (opts, schema) = connect::options(url, &config.mysql_tls)?;
            Ok(Replica::new(config, opts, &schema))
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
        Ok(Replica::new(config, opts, &schema))
    }

    fn new(config: &Config, opts: Opts, schema: &str) -> Replica {
        Replica {
            name: format!("{}:{}", opts.ip_or_hostname(), opts.tcp_port()),
            tables: Tables::of_schema(schema),
            opts,
            conn: None,
            connect_timeout: config.connect_timeout,
            asking: JoinSet::new(),
        }
    }

    /// host:port.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The beat of a queue's governor as the replica has it; `None` if it has no such row. Who gives up before the answer
    /// is there has it the next time: to a replica that is far away it takes longer to connect than anybody waits.
    ///
    /// # Errors
    /// If the replica cannot be reached within the configured time, does not answer within a second, or refuses the query.
    pub async fn beat(&mut self, queue: &str) -> Result<Option<Beat>, Error> {
        if self.asking.is_empty() {
            let (server, opts, limit) = (self.name.clone(), self.opts.clone(), self.connect_timeout);
            let query = format!("SELECT term, beat FROM {} WHERE queue = ?", self.tables.governor);
            let (conn, queue) = (self.conn.take(), queue.to_owned());
            self.asking.spawn(async move {
                let mut conn = match conn {
                    Some(conn) => conn,
                    None => connect(server.clone(), opts, limit).await?,
                };
                match tokio::time::timeout(TIMEOUT, conn.exec_first(query, (queue,))).await {
                    Ok(Ok(beat)) => Ok((conn, beat)),
                    Ok(Err(error)) => Err(Error::query(READ)(error)),
                    Err(_) => Err(Error::Timeout { server, seconds: TIMEOUT.as_secs(), doing: READ }),
                }
            });
        }
        match self.asking.join_next().await {
            Some(Ok(Ok((conn, beat)))) => {
                self.conn = Some(conn);
                Ok(beat)
            }
            Some(Ok(Err(error))) => Err(error),
            // It panicked, or the runtime ends.
            _ => Err(Error::Timeout { server: self.name.clone(), seconds: 0, doing: READ }),
        }
    }
}

async fn connect(server: String, opts: Opts, limit: Duration) -> Result<Conn, Error> {
    match tokio::time::timeout(limit, Conn::new(opts)).await {
        Ok(connected) => connected.map_err(|source| Error::Connect { server, source: source.into() }),
        Err(_) => Err(Error::Timeout { server, seconds: limit.as_secs().max(1), doing: "connect" }),
    }
}
