//! The client's option file (`~/.my.cnf`): the groups that count here, read as the `mariadb` client reads them.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::Error;

/// The groups that are read; of an option that stands several times, the last one counts.
const GROUPS: [&str; 2] = ["client", "queryfleet"];
/// A longer file is another file.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What an option file says of the database. No `Debug`: it holds a password.
#[derive(Default)]
pub(crate) struct OptionFile {
    pub(crate) path: PathBuf,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) ca: Option<String>,
    pub(crate) cert: Option<String>,
    pub(crate) key: Option<String>,
    /// Whether TLS is asked for.
    pub(crate) tls: bool,
}

impl OptionFile {
    /// Reads a file, which must not be writable for everybody: the client does not take such a one either.
    pub(crate) fn read(path: &Path) -> Result<OptionFile, Error> {
        let failed = |source| Error::OptionFile { path: path.into(), source };
        let file = File::open(path).map_err(failed)?;
        if is_writable_for_all(&file.metadata().map_err(failed)?) {
            return Err(Error::OptionFileWritable { path: path.into() });
        }
        let mut text = String::new();
        file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(failed)?;
        let mut options = OptionFile { path: path.into(), ..OptionFile::default() };
        options.take_all(&text)?;
        Ok(options)
    }

    fn take_all(&mut self, text: &str) -> Result<(), Error> {
        let path = self.path.clone();
        let mut is_ours = false;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            let fail = |why: String| Error::OptionLine { path: path.clone(), line: index + 1, why };
            if line.starts_with("!include") {
                return Err(fail("!include is not followed: write what it includes into this file".into()));
            }
            if let Some(group) = line.strip_prefix('[') {
                let Some((group, _)) = group.split_once(']') else {
                    return Err(fail("expected `]` at the end of the group's name".into()));
                };
                is_ours = GROUPS.contains(&group.trim());
            } else if is_ours && !line.is_empty() && !line.starts_with(['#', ';']) {
                self.take(line).map_err(fail)?;
            }
        }
        Ok(())
    }

    /// Takes one option. Those that are not of the connection are passed over.
    fn take(&mut self, line: &str) -> Result<(), String> {
        let line = without_comment(line);
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value_of(value.trim()))),
            None => (line.trim(), None),
        };
        let name = name.replace('_', "-");
        let name = name.strip_prefix("loose-").unwrap_or(&name);
        let is_on =
            value.as_deref().is_none_or(|value| !matches!(value, "0" | "off" | "OFF" | "false" | "FALSE"));
        match name {
            "host" => self.host = value,
            "user" => self.user = value,
            // Without a value the client asks for one; here there is nobody to ask.
            "password" => self.password = value,
            "database" => self.database = value,
            "port" => {
                let port = value.and_then(|text| text.parse().ok()).filter(|port| *port != 0);
                self.port = Some(port.ok_or("port: expected a number from 1 to 65535")?);
            }
            "ssl-ca" => self.ca = value,
            "ssl-cert" => self.cert = value,
            "ssl-key" => self.key = value,
            "ssl" | "ssl-verify-server-cert" => self.tls |= is_on,
            "ssl-mode" => {
                self.tls |=
                    !matches!(value.as_deref(), Some("DISABLED" | "disabled" | "PREFERRED" | "preferred"));
            }
            "skip-ssl" | "disable-ssl" | "skip-ssl-verify-server-cert" | "disable-ssl-verify-server-cert" => {
            }
            // Left out, it would be a connection that is less safe than the one that was asked for.
            _ if name.starts_with("ssl-") || name.starts_with("tls-") => {
                return Err(format!(
                    "{name} is not known here: leave it out, or put it into a group of the client alone ([mariadb])"
                ));
            }
            _ => {}
        }
        Ok(())
    }
}

/// A line up to a `#` that is in no quotes.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut is_escaped = false;
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            (_, '\'' | '"') if is_escaped => {}
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            (None, '#') => return line[..at].trim_end(),
            _ => {}
        }
        is_escaped = quote.is_some() && letter == '\\' && !is_escaped;
    }
    line
}

/// A value without its quotes and with its escapes resolved.
fn value_of(text: &str) -> String {
    let inner = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    let text = inner('"').or_else(|| inner('\'')).unwrap_or(text);
    let mut value = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            value.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => value.push('\n'),
            Some('t') => value.push('\t'),
            Some('r') => value.push('\r'),
            Some('b') => value.push('\u{8}'),
            Some('s') => value.push(' '),
            Some(same @ ('"' | '\'' | '\\')) => value.push(same),
            Some(other) => value.extend(['\\', other]),
            None => value.push('\\'),
        }
    }
    value
}

#[cfg(unix)]
fn is_writable_for_all(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.is_file() && metadata.permissions().mode() & 0o002 != 0
}

#[cfg(not(unix))]
fn is_writable_for_all(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Result<OptionFile, Error> {
        let mut options = OptionFile { path: "my.cnf".into(), ..OptionFile::default() };
        options.take_all(text).map(|()| options)
    }

    #[test]
    fn the_groups_of_the_client_and_of_queryfleet_count() {
        let read = options(
            "user = nobody\n[client]\n# a comment\n; another\nhost=db.example # why\nport = 3307\nuser=app\n\
             loose-default_character_set = utf8mb4\n[mysqld]\nport=1\nssl-cipher=x\n[queryfleet]\ndatabase = shop\nuser=fleet\n",
        )
        .unwrap_or_default();
        assert_eq!(read.host.as_deref(), Some("db.example"));
        assert_eq!(read.port, Some(3307));
        assert_eq!(read.user.as_deref(), Some("fleet"));
        assert_eq!(read.database.as_deref(), Some("shop"));
        assert!(!read.tls && read.password.is_none());
    }

    #[test]
    fn a_value_is_the_client_s() {
        for (line, wanted) in [
            ("password=plain", "plain"),
            ("password = two words ", "two words"),
            ("password=a#b", "a"),
            ("password='a#b'", "a#b"),
            ("password=\"a'b\"", "a'b"),
            (r#"password="a\"b#c""#, r#"a"b#c"#),
            (r"password=a\\b\sc", r"a\b c"),
            (r"password=a\xb", r"a\xb"),
            ("password=a=b", "a=b"),
            ("password=", ""),
        ] {
            let read = options(&format!("[client]\n{line}\n")).unwrap_or_default();
            assert_eq!(read.password.as_deref(), Some(wanted), "{line}");
        }
        assert!(options("[client]\npassword\n").is_ok_and(|read| read.password.is_none()));
    }

    #[test]
    fn tls_is_asked_for_or_not() {
        for (line, tls) in [
            ("ssl", true),
            ("ssl=1", true),
            ("ssl=0", false),
            ("skip-ssl", false),
            ("ssl-mode=REQUIRED", true),
            ("ssl_mode = VERIFY_IDENTITY", true),
            ("ssl-mode=PREFERRED", false),
            ("ssl-verify-server-cert", true),
        ] {
            assert_eq!(options(&format!("[client]\n{line}")).unwrap_or_default().tls, tls, "{line}");
        }
    }

    #[test]
    fn what_would_be_left_out_in_silence_is_refused_with_its_line() {
        for (text, says) in [
            ("[client]\n!includedir /etc/my.cnf.d/", "my.cnf:2: !include is not followed"),
            ("[client]\nssl-crl=x.pem", "my.cnf:2: ssl-crl is not known here"),
            ("[client]\nport=many", "my.cnf:2: port: expected a number"),
            ("[client", "my.cnf:1: expected `]`"),
        ] {
            let error = options(text).map(|_| ()).map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|error| error.starts_with(says)), "{text}: {error:?}");
        }
    }
}
