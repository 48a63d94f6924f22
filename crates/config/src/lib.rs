//! The configuration that producer and workers share, read from the environment.
//!
//! Every variable has the prefix `QUERYFLEET_`. [`VARIABLES`] is the one place of names, defaults, forms and help
//! texts; [`Config::from_env`] reads them all at once and refuses what it does not know:
//!
//! ```
//! use queryfleet_config::Config;
//!
//! let vars = [("QUERYFLEET_SLOTS", "8"), ("QUERYFLEET_STATEMENT_TIMEOUT", "20m")];
//! let config = Config::from_vars(vars.map(|(name, value)| (name.to_owned(), value.to_owned())))?;
//! assert_eq!(config.slots, 8);
//! assert_eq!(config.queue, "default");
//!
//! let misspelt = [("QUERYFLEET_SLOT".to_owned(), "8".to_owned())];
//! let error = Config::from_vars(misspelt).unwrap_err();
//! assert_eq!(error.to_string(), "unknown variable QUERYFLEET_SLOT: did you mean QUERYFLEET_SLOTS?");
//! # Ok::<(), queryfleet_config::Error>(())
//! ```
//!
//! A bad value is an error that names the variable and the form expected, never the value: it may be a secret that
//! was put into the wrong variable.

mod config;
mod duration;
mod environment;
mod error;
mod host;
mod option_file;
mod parse;
mod secret;
mod servers;
mod tls;
mod url;
mod variable;
pub mod variables;

pub use config::{Config, MAX_SLOTS};
pub use duration::{MAX_DURATION, format_duration, parse_duration};
pub use error::Error;
pub use host::{host_name, login_name};
pub use parse::{LogFormat, parse_queue};
pub use secret::Secret;
pub use servers::Servers;
pub use tls::{Identity, Tls, TlsFault, TlsFiles};
pub use variable::Variable;
pub use variables::{VARIABLES, markdown_table};
