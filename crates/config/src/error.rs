//! Why a configuration could not be used.

use std::path::PathBuf;

/// Names the variable and the remedy. Holds no value of a variable, except the path of a file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A `QUERYFLEET_` variable that nothing reads: most often a misspelt one.
    #[error("unknown variable {name}: did you mean {nearest}?")]
    Unknown {
        /// The variable as it was found.
        name: String,
        /// The known variable whose name is nearest.
        nearest: String,
    },
    /// A value that cannot be read in the form that the variable has. An empty value counts as one.
    #[error("{name} cannot be read: expected {form}")]
    Value {
        /// The variable.
        name: &'static str,
        /// What it expects, see [`crate::Variable::form`].
        form: &'static str,
    },
    /// A value of one line with a line break or another control character in it.
    #[error(
        "{name} holds a control character, such as the carriage return at the end of a line from Windows: expected {form}"
    )]
    Control {
        /// The variable; with `_FILE` when it is the path of its file.
        name: String,
        /// What it expects, see [`crate::Variable::form`].
        form: &'static str,
    },
    /// A value that is not UTF-8.
    #[error("{name} cannot be read: expected UTF-8 text")]
    NotUnicode {
        /// The variable.
        name: String,
    },
    /// A variable that the command at hand needs.
    #[error("{name} is not set: expected {form}")]
    NotSet {
        /// The variable.
        name: &'static str,
        /// What it expects, see [`crate::Variable::form`].
        form: &'static str,
    },
    /// A value given both in the variable and through a file.
    #[error("{name} and {name}_FILE are both set: unset one of them")]
    Twice {
        /// The variable, without `_FILE`.
        name: &'static str,
    },
    /// A `…_FILE` variable whose file cannot be read.
    #[error("cannot read {}, which {name}_FILE names", path.display())]
    File {
        /// The variable, without `_FILE`.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A client certificate without its key, or a key without its certificate.
    #[error("{given} is set but {missing} is not: a client certificate needs both")]
    HalfIdentity {
        /// The variable that is set.
        given: &'static str,
        /// The variable that is not.
        missing: &'static str,
    },
    /// A file for TLS that cannot be read.
    #[error("cannot read {}, which {name} names", path.display())]
    TlsFile {
        /// The variable.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file for TLS that does not hold what it should.
    #[error("{}, which {name} names, {fault}", path.display())]
    TlsContent {
        /// The variable.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and the remedy.
        fault: &'static str,
    },
    /// Files for TLS, and a URL that does not ask for TLS: the connection would silently be in the clear.
    #[error("{given} is set but a URL in QUERYFLEET_AMQP_URL starts with amqp://: write amqps://")]
    TlsUnused {
        /// The variable that is set.
        given: &'static str,
    },
    /// No authority to verify a server by.
    #[error("this system has no certificates of authorities: name those of the server with {name}")]
    NoAuthorities {
        /// The variable that names them.
        name: &'static str,
        /// What was looked for.
        source: std::io::Error,
    },
    /// A URL of the command line that is none.
    #[error("the URL of the {server} is not usable: expected {form}")]
    Url {
        /// `broker` or `database`.
        server: &'static str,
        /// What is expected.
        form: &'static str,
    },
    /// A URL of the command line with a password in it.
    #[error(
        "the URL of the {server} holds a password, which the list of processes shows to everybody on this machine: leave it \
         out of the command line"
    )]
    PasswordInUrl {
        /// `broker` or `database`.
        server: &'static str,
    },
    /// An option file, or the file of a password, that cannot be read.
    #[error("cannot read {}", path.display())]
    OptionFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// An option file that anybody may have written.
    #[error("{} is writable for everybody, so it is not read: chmod o-w it", path.display())]
    OptionFileWritable {
        /// The file.
        path: PathBuf,
    },
    /// A line of an option file.
    #[error("{}:{line}: {why}", path.display())]
    OptionLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// An option file that names no database.
    #[error("{} names no database: write `database = NAME` into its group [queryfleet]", path.display())]
    NoDatabase {
        /// The file.
        path: PathBuf,
    },
    /// The environment could not be deserialized. Cannot happen while every variable is read as text.
    #[error("cannot read the environment")]
    Environment(#[source] envy::Error),
}

impl Error {
    /// Whether it is about the files of TLS.
    pub fn is_tls(&self) -> bool {
        matches!(self, Error::TlsFile { .. } | Error::TlsContent { .. } | Error::NoAuthorities { .. })
    }
}
