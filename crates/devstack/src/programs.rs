//! Where the servers' programs are.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Error;

/// Searched before PATH: on Debian PATH has scripts by these names that switch to the user `rabbitmq`.
const BEFORE_PATH: [&str; 1] = ["/usr/lib/rabbitmq/bin"];
/// Searched after PATH: a plain user's PATH lacks the first on Debian.
const AFTER_PATH: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/usr/lib/erlang/bin"];

/// The programs of both servers.
pub(crate) struct Programs {
    pub(crate) broker: Broker,
    pub(crate) database: Database,
}

/// A program, and the system in whose files it is to be run.
#[derive(Clone)]
pub struct Program {
    /// As seen from `root`.
    pub(crate) path: PathBuf,
    /// Where another system is, such as a newer Debian in a folder; `None` for ours.
    pub(crate) root: Option<Arc<Path>>,
}

impl From<&Path> for Program {
    fn from(path: &Path) -> Self {
        Self { path: path.to_owned(), root: None }
    }
}

/// RabbitMQ's programs, and Erlang's name server.
pub(crate) struct Broker {
    pub(crate) server: Program,
    pub(crate) ctl: Program,
    pub(crate) epmd: Program,
}

/// The database server that is installed, MariaDB first.
#[derive(Clone)]
pub(crate) enum Database {
    MariaDb { server: Program, client: Program, install: Program },
    MySql { server: Program, client: Program },
}

impl Programs {
    /// Those of the system whose root folder is given, or of ours.
    pub(crate) fn find(root: Option<&Path>) -> Result<Self, Error> {
        let root: Option<Arc<Path>> = root.map(Arc::from);
        let find = |program| find(root.as_ref(), program);
        let broker =
            Broker { server: find("rabbitmq-server")?, ctl: find("rabbitmqctl")?, epmd: find("epmd")? };
        Ok(Self { broker, database: Database::find(find)? })
    }
}

impl Database {
    fn find(find: impl Fn(&'static str) -> Result<Program, Error>) -> Result<Self, Error> {
        match (find("mariadbd"), find("mysqld")) {
            (Err(_), Ok(server)) => Ok(Self::MySql { server, client: find("mysql")? }),
            (server, _) => Ok(Self::MariaDb {
                server: server?,
                client: find("mariadb")?,
                install: find("mariadb-install-db")?,
            }),
        }
    }

    pub(crate) fn server(&self) -> &Program {
        match self {
            Self::MariaDb { server, .. } | Self::MySql { server, .. } => server,
        }
    }

    pub(crate) fn client(&self) -> &Program {
        match self {
            Self::MariaDb { client, .. } | Self::MySql { client, .. } => client,
        }
    }
}

/// The PATH in which the programs, and the scripts among them, find others.
pub(crate) fn search_path() -> OsString {
    let mut path = OsString::new();
    for folder in folders(env::var_os("PATH")) {
        if !path.is_empty() {
            path.push(":");
        }
        path.push(folder);
    }
    path
}

fn find(root: Option<&Arc<Path>>, program: &'static str) -> Result<Program, Error> {
    find_in(folders(env::var_os("PATH")), root, program).ok_or(Error::Missing { program })
}

fn find_in(
    mut folders: impl Iterator<Item = PathBuf>,
    root: Option<&Arc<Path>>,
    program: &str,
) -> Option<Program> {
    let is_file = |path: &Path| match root {
        // A link in another system may lead to an absolute path, which means something else here.
        Some(root) => root.join(path.strip_prefix("/").unwrap_or(path)).symlink_metadata().is_ok(),
        None => path.is_file(),
    };
    folders
        .find_map(|folder| Some(folder.join(program)).filter(|path| is_file(path)))
        .map(|path| Program { path, root: root.cloned() })
}

fn folders(path: Option<OsString>) -> impl Iterator<Item = PathBuf> {
    let on_path: Vec<PathBuf> =
        env::split_paths(path.as_deref().unwrap_or(OsStr::new("/usr/bin:/bin"))).collect();
    let fixed = |names: &'static [&'static str]| names.iter().map(PathBuf::from);
    fixed(&BEFORE_PATH).chain(on_path).chain(fixed(&AFTER_PATH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_scripts_that_switch_user_are_passed_over() {
        let mut folders = folders(Some("/usr/local/bin:/usr/sbin".into()));
        assert_eq!(folders.next(), Some(PathBuf::from("/usr/lib/rabbitmq/bin")));
    }

    #[test]
    fn the_first_folder_that_has_the_program_wins() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(second.path().join("mysqld"), "").unwrap();
        let folders = || [first.path().to_owned(), second.path().to_owned()].into_iter();
        assert_eq!(find_in(folders(), None, "mysqld").unwrap().path, second.path().join("mysqld"));
        assert!(find_in(folders(), None, "mariadbd").is_none());
    }

    #[test]
    fn a_missing_program_says_how_to_install_it_and_how_to_do_without() {
        let text = find(None, "queryfleet-no-such-program").err().unwrap().to_string();
        for part in [
            "queryfleet-no-such-program is not installed",
            "apt-get install rabbitmq-server mariadb-server",
            "deploy/install-servers.sh",
            "docker run",
            "export QUERYFLEET_AMQP_URL=",
            "export QUERYFLEET_MYSQL_URL=",
        ] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }
}
