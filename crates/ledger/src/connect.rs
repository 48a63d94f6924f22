//! How connections are made: the one place that knows the URL.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mysql_async::{Conn, DriverError, Opts, OptsBuilder, SslOpts, UrlError};
use queryfleet_config::Config;

use crate::error::Error;
use crate::error_code::{ACCESS_DENIED, TLS_REQUIRED};
use crate::facts::{SessionFacts, client_host};
use crate::init::InitStep;
use crate::session_sql;
use crate::tables::Tables;

/// Where the jobs' database is and how a session on it begins. Shared by all that connect.
pub struct Database {
    pub(crate) opts: Opts,
    pub(crate) schema: String,
    pub(crate) tables: Tables,
    pub(crate) connect_timeout: Duration,
    pub(crate) lock_wait: Duration,
    pub(crate) session_sql: Option<String>,
    /// The keys that ranges are signed with.
    pub(crate) signer: Option<queryfleet_job::Signer>,
    tls: queryfleet_config::Tls,
    /// How many connections were lost: whatever ended one may have ended all of them.
    epoch: AtomicU64,
}

impl Database {
    /// Reads the configuration; connects to nothing yet.
    ///
    /// # Errors
    /// When QUERYFLEET_MYSQL_URL is missing or none that the driver takes.
    pub fn new(config: &Config) -> Result<Database, Error> {
        let (opts, schema) = options(config.mysql_url()?, &config.mysql_tls)?;
        // Whoever starts with a bad one is told so before anything else.
        session_sql::statements(config.session_sql.as_deref())?;
        Ok(Database {
            opts,
            tables: Tables::of_schema(&schema),
            connect_timeout: config.connect_timeout,
            lock_wait: config.lock_wait_timeout(),
            session_sql: config.session_sql.clone(),
            signer: queryfleet_job::Signer::new(
                config.signing_keys.iter().map(|key| key.expose().as_bytes()),
            ),
            tls: config.mysql_tls.clone(),
            epoch: AtomicU64::new(0),
            schema,
        })
    }

    /// How many connections of this process have been lost until now.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// Notes a lost connection: every session whose last answer is older is asked before it is used.
    pub(crate) fn lost(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
    }

    /// `host:port`, for people; never user or password.
    pub fn server(&self) -> String {
        format!("{}:{}", self.opts.ip_or_hostname(), self.opts.tcp_port())
    }

    /// Whether the server has to prove who it is, when TLS is used: `verify_ca=false` in the URL waives its certificate,
    /// `verify_identity=false` that it is for this host.
    pub fn is_verified(&self) -> bool {
        let waived = |ssl: &SslOpts| ssl.accept_invalid_certs() || ssl.skip_domain_validation();
        !self.opts.ssl_opts().is_some_and(waived)
    }

    /// The database that the URL names.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// A connection after the whole init step, with the session SQL of the configuration and then `session_sql`.
    pub(crate) async fn connect(&self, session_sql: Option<&str>) -> Result<(Conn, SessionFacts), Error> {
        let connecting = async {
            let mut conn = Conn::new(self.opts.clone()).await.map_err(|error| self.refused(error))?;
            // A reset does not run the server's init_connect again: without one here, sessions would differ.
            let failed = Error::query("set up the session");
            conn.reset().await.map_err(&failed)?;
            let mut facts = self.init_step(session_sql).run(&mut conn).await?;
            let host = client_host(&mut conn, facts.connection_id).await.map_err(&failed)?;
            facts.host = host.unwrap_or_default();
            Ok((conn, facts))
        };
        match tokio::time::timeout(self.connect_timeout, connecting).await {
            Ok(result) => result,
            Err(_) => Err(self.timed_out(self.connect_timeout, "connect")),
        }
    }

    /// What makes a new session, or one that was reset, a session of a run with this session SQL.
    pub(crate) fn init_step<'a>(&'a self, run_sql: Option<&'a str>) -> InitStep<'a> {
        InitStep { lock_wait: self.lock_wait, fleet_sql: self.session_sql.as_deref(), run_sql }
    }

    fn refused(&self, error: mysql_async::Error) -> Error {
        let fault = match &error {
            mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer) => {
                Some(self.tls.not_offered())
            }
            // All that MariaDB and MySQL say of a missing certificate is that the account is refused.
            mysql_async::Error::Server(error) if error.code == ACCESS_DENIED => {
                Some(self.tls.refused_account())
            }
            mysql_async::Error::Server(error) if error.code == TLS_REQUIRED => Some(self.tls.required()),
            _ => self.opts.ssl_opts().and_then(|_| self.tls.fault(&error)),
        };
        let server = self.server();
        match fault {
            Some(fault) => Error::Tls { server, fault: fault.into(), source: error.into() },
            None => Error::Connect { server, source: error.into() },
        }
    }

    /// What a session with this session SQL is, from a connection made for this question.
    ///
    /// # Errors
    /// If the database cannot be reached, or the session is not as the init step has set it.
    pub async fn facts(&self, session_sql: Option<&str>) -> Result<SessionFacts, Error> {
        let (conn, facts) = self.connect(session_sql).await?;
        let _ = tokio::time::timeout(self.connect_timeout, conn.disconnect()).await;
        Ok(facts)
    }

    pub(crate) fn timed_out(&self, limit: Duration, doing: &'static str) -> Error {
        Error::Timeout { server: self.server(), seconds: limit.as_secs().max(1), doing }
    }
}

/// How to connect to the server of a URL, and the database that it names.
pub(crate) fn options(
    url: &queryfleet_config::Secret,
    tls: &queryfleet_config::Tls,
) -> Result<(Opts, String), Error> {
    let parsed = Opts::from_url(url.expose()).map_err(|error| Error::Url(url_fault(&error)))?;
    let schema = parsed.db_name().ok_or_else(|| Error::Url("it names no database".into()))?.to_owned();
    // For its errors: the driver reads the files again, and names neither them nor the variables.
    tls.load()?;
    let ssl = with_files(parsed.ssl_opts().cloned(), tls);
    // The socket would go past every proxy and firewall between us and the address that was asked for.
    let opts = OptsBuilder::from_opts(parsed).prefer_socket(false).tcp_nodelay(true).ssl_opts(ssl);
    Ok((opts.into(), schema))
}

/// Which parameter of the URL is wrong. The driver's own words hold its value, and as a name whatever follows a `?` in a
/// password that was not percent-encoded.
fn url_fault(error: &UrlError) -> String {
    let name = match error {
        UrlError::FeatureRequired { param, .. }
        | UrlError::InvalidParamValue { param, .. }
        | UrlError::UnknownParameter { param } => param.as_str(),
        _ => return "it cannot be read".into(),
    };
    if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
        format!("parameter {name} is unknown or has a bad value")
    } else {
        "it has a parameter of no name that there is".into()
    }
}

fn with_files(ssl: Option<SslOpts>, tls: &queryfleet_config::Tls) -> Option<SslOpts> {
    if tls.ca.is_none() && tls.identity.is_none() {
        return ssl;
    }
    let mut ssl = ssl.unwrap_or_default();
    if let Some(ca) = &tls.ca {
        // The given authority replaces the built-in ones: that is what naming it means.
        ssl = ssl.with_root_certs(vec![ca.clone().into()]).with_disable_built_in_roots(true);
    }
    if let Some(identity) = &tls.identity {
        let identity =
            mysql_async::ClientIdentity::new(identity.cert.clone().into(), identity.key.clone().into());
        ssl = ssl.with_client_identity(Some(identity));
    }
    Some(ssl)
}
