//! Where the servers are, by the command line and the client's option file, besides the environment.

use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::option_file::OptionFile;
use crate::variables::{AMQP_URL, MYSQL_CA, MYSQL_CERT, MYSQL_KEY, MYSQL_URL};
use crate::{Error, url};

/// What the command line says of the servers; it takes precedence over the environment. No `Debug`: a URL that is refused
/// may hold a password.
#[derive(Default)]
pub struct Servers {
    /// The broker's URLs without a password, as QUERYFLEET_AMQP_URL has them.
    pub amqp_url: Option<String>,
    /// The file of the broker's password.
    pub amqp_password_file: Option<PathBuf>,
    /// The database's URL without a password. What it leaves out is taken from the option file.
    pub mysql_url: Option<String>,
    /// The file of the database's password.
    pub mysql_password_file: Option<PathBuf>,
    /// The option file in place of `~/.my.cnf`.
    pub defaults_file: Option<PathBuf>,
}

impl Servers {
    /// Puts what was given into the environment, in place of what it has; and what an option file has, where it has
    /// nothing. `home` is the folder of `.my.cnf`, which need not be there.
    pub(crate) fn apply(&self, env: &mut Environment, home: Option<&Path>) -> Result<(), Error> {
        if let Some(urls) = &self.amqp_url {
            let password = self.amqp_password_file.as_deref().map(password_in).transpose()?;
            let urls = urls.split(',').map(|url| broker_url(url.trim(), password.as_deref()));
            let urls = urls.collect::<Option<Vec<_>>>().ok_or(Error::PasswordInUrl { server: "broker" })?;
            let urls = urls.join(",");
            url::amqp_urls(&urls).ok_or(Error::Url { server: "broker", form: AMQP_FORM })?;
            env.replace(&AMQP_URL, urls);
        }
        let is_given = self.mysql_url.is_some() || self.defaults_file.is_some();
        if !is_given && env.has(&MYSQL_URL) {
            return Ok(());
        }
        let mut file = self.option_file(home)?.unwrap_or_default();
        if let Some(path) = &self.mysql_password_file {
            file.password = Some(password_in(path)?);
        }
        let given = match &self.mysql_url {
            Some(text) => GivenUrl::parse(text)?,
            // Without a database it is not meant for this.
            None if file.database.is_none() && self.defaults_file.is_none() => return Ok(()),
            None => GivenUrl::default(),
        };
        let url = given.with(&file)?;
        env.replace(&MYSQL_URL, url);
        for (variable, path) in [(&MYSQL_CA, file.ca), (&MYSQL_CERT, file.cert), (&MYSQL_KEY, file.key)] {
            env.add(variable, path);
        }
        Ok(())
    }

    fn option_file(&self, home: Option<&Path>) -> Result<Option<OptionFile>, Error> {
        if let Some(path) = &self.defaults_file {
            return OptionFile::read(path).map(Some);
        }
        let path = home.map(|home| home.join(".my.cnf")).filter(|path| path.exists());
        path.map(|path| OptionFile::read(&path)).transpose()
    }
}

const AMQP_FORM: &str = "amqp://USER@HOST:5672/VHOST or amqps://…";
const MYSQL_FORM: &str = "mysql://USER@HOST:3306/DATABASE or mariadb://…";

/// The password in a file, without the end of its line.
fn password_in(path: &Path) -> Result<String, Error> {
    let text =
        std::fs::read_to_string(path).map_err(|source| Error::OptionFile { path: path.into(), source })?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

/// A URL with the password in it; `None` if it has one already. What is no URL is left as it is.
fn broker_url(url: &str, password: Option<&str>) -> Option<String> {
    let Some((scheme, rest)) = url.split_once("://") else { return Some(url.to_owned()) };
    match (rest.split_once('@'), password) {
        (Some((user, _)), _) if user.contains(':') => None,
        (Some((user, rest)), Some(password)) => {
            Some(format!("{scheme}://{user}:{}@{rest}", encoded(password)))
        }
        _ => Some(url.to_owned()),
    }
}

/// A database URL of which each part may be missing. All parts are as a URL has them.
#[derive(Default)]
struct GivenUrl {
    user: Option<String>,
    /// With the port, if there is one.
    host: Option<String>,
    database: Option<String>,
    query: String,
}

impl GivenUrl {
    fn parse(text: &str) -> Result<GivenUrl, Error> {
        let bad = Error::Url { server: "database", form: MYSQL_FORM };
        let Some(rest) = text.strip_prefix("mysql://").or_else(|| text.strip_prefix("mariadb://")) else {
            return Err(bad);
        };
        // A password that is not percent-encoded may hold any of the signs that end the host.
        if rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) {
            return Err(Error::PasswordInUrl { server: "database" });
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = match authority.split_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (host, database) = (part(host), part(database));
        Ok(GivenUrl { user: user.and_then(part), host, database, query: query.to_owned() })
    }

    /// The whole URL, with what the option file has where this has nothing.
    fn with(self, file: &OptionFile) -> Result<String, Error> {
        let database = self.database.or_else(|| file.database.as_deref().map(encoded));
        let Some(database) = database else {
            return Err(match file.path.as_os_str().is_empty() {
                true => Error::Url { server: "database", form: MYSQL_FORM },
                false => Error::NoDatabase { path: file.path.clone() },
            });
        };
        let host =
            self.host.unwrap_or_else(|| match (file.host.as_deref().unwrap_or("localhost"), file.port) {
                (host, Some(port)) => format!("{}:{port}", bracketed(host)),
                (host, None) => bracketed(host),
            });
        let mut user = self.user.or_else(|| file.user.as_deref().map(encoded)).unwrap_or_default();
        if let Some(password) = &file.password {
            user = format!("{user}:{}", encoded(password));
        }
        let mut url = match user.is_empty() {
            true => format!("mysql://{host}/{database}"),
            false => format!("mysql://{user}@{host}/{database}"),
        };
        let tls = if file.tls && !self.query.contains("require_ssl") { "require_ssl=true" } else { "" };
        for (index, part) in [self.query.as_str(), tls].iter().filter(|part| !part.is_empty()).enumerate() {
            url = format!("{url}{}{part}", if index == 0 { '?' } else { '&' });
        }
        match url::mysql_url(&url) {
            Some(_) => Ok(url),
            None => Err(Error::Url { server: "database", form: MYSQL_FORM }),
        }
    }
}

/// An IPv6 address in the brackets that it has in a URL.
fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

/// Percent-encoded, all but what no URL gives a meaning to.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> OptionFile {
        OptionFile {
            path: "my.cnf".into(),
            host: Some("db".into()),
            port: Some(3307),
            user: Some("app".into()),
            password: Some("p@ss/:word".into()),
            database: Some("shop".into()),
            ..OptionFile::default()
        }
    }

    #[test]
    fn what_a_url_leaves_out_is_the_option_file_s() {
        for (given, wanted) in [
            ("mysql://", "mysql://app:p%40ss%2F%3Aword@db:3307/shop"),
            ("mysql://other", "mysql://app:p%40ss%2F%3Aword@other/shop"),
            (
                "mariadb://me@other:1/stock?require_ssl=true",
                "mysql://me:p%40ss%2F%3Aword@other:1/stock?require_ssl=true",
            ),
        ] {
            let url = GivenUrl::parse(given).and_then(|given| given.with(&file()));
            assert_eq!(url.ok().as_deref(), Some(wanted), "{given}");
        }
        let tls = OptionFile { tls: true, host: Some("::1".into()), password: None, ..file() };
        let url = GivenUrl::default().with(&tls);
        assert_eq!(url.ok().as_deref(), Some("mysql://app@[::1]:3307/shop?require_ssl=true"));
        let bare = GivenUrl::parse("mysql://h/d").and_then(|given| given.with(&OptionFile::default()));
        assert_eq!(bare.ok().as_deref(), Some("mysql://h/d"));
    }

    #[test]
    fn a_password_on_the_command_line_is_refused_and_not_repeated() {
        for url in [
            "mysql://me:secret@h/d",
            "mysql://me:se/cret@h/d",
            "mysql://me:se?cret@h/d",
            "mysql://:secret@h/d",
        ] {
            let error = GivenUrl::parse(url).map(|_| ()).map_err(|error| error.to_string());
            assert!(
                error.as_ref().is_err_and(|error| error.contains("password") && !error.contains("cret")),
                "{url}"
            );
        }
        assert_eq!(broker_url("amqp://me:secret@h", None), None);
        assert_eq!(broker_url("amqp://me@h/v", Some("a/b")).as_deref(), Some("amqp://me:a%2Fb@h/v"));
        assert_eq!(broker_url("amqp://me@h/v", None).as_deref(), Some("amqp://me@h/v"));
    }
}
