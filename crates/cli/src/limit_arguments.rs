//! The arguments of `queryfleet limit`.

use std::time::Duration;

use clap::Args;
use queryfleet_job::{Threshold, Window, WindowError};
use queryfleet_operator::{LimitChange, MOST_PERMITS};

#[derive(Args)]
pub(crate) struct LimitArgs {
    /// At most so many slots of all workers together have a message; `off`: as many as there are
    #[arg(long, value_name = "NUMBER|off", value_parser = slots)]
    slots: Option<Limited<u32>>,
    /// At most so many jobs begin on all workers together, such as 500/s, 100/min or 20/h; `off`: as fast as they can
    #[arg(long, value_name = "RATE|off", value_parser = rate)]
    rate: Option<Limited<f64>>,
    /// Spare the replicas of QUERYFLEET_REPLICAS: use as many slots as they bear, and none at this lag, such as 5s; `off`
    #[arg(long, value_name = "TIME|off", value_parser = lag)]
    max_lag: Option<Limited<f64>>,
    /// Look for replicas of the database, try to read each, and change nothing
    #[arg(long, conflicts_with_all = ["slots", "rate", "max_lag", "without", "max_load", "critical_load", "throttle_query", "throttle_http", "window", "window_margin", "ignore"])]
    pub(crate) discover: bool,
    /// Do not look at these replicas, as host:port; `off`: look at all
    #[arg(long, value_name = "REPLICAS|off", value_parser = names)]
    without: Option<Names>,
    /// Stop for as long as a status variable of the server, or others_running, is at its limit, such as Threads_running=25
    #[arg(long, value_name = "LOADS|off", value_parser = loads)]
    max_load: Option<Loads>,
    /// Hold the queue, until resume, when one reaches its limit in two looks
    #[arg(long, value_name = "LOADS|off", value_parser = loads)]
    critical_load: Option<Loads>,
    /// Stop for as long as the one value of this SELECT is above 0
    #[arg(long, value_name = "SELECT|off", value_parser = query)]
    throttle_query: Option<Limited<String>>,
    /// Stop unless HEAD of this URL answers 200, as freno does; without an answer for 15 s, too
    #[arg(long, value_name = "URL|off", value_parser = url)]
    throttle_http: Option<Limited<String>>,
    /// Begin jobs only in these hours, such as '22:00-06:00 Europe/Berlin' or 'mon-fri 22:00-06:00 UTC'; `off`: always
    #[arg(long, value_name = "HOURS|off", value_parser = window)]
    window: Option<Limited<String>>,
    /// Begin none in the last so many minutes of the window, such as 15m; `off`
    #[arg(long, value_name = "TIME|off", value_parser = time)]
    window_margin: Option<Limited<Duration>>,
    /// Let lag, loads and the query restrict nothing for a time, such as 15m; `off`
    #[arg(long, value_name = "TIME|off", value_parser = time)]
    ignore: Option<Limited<Duration>>,
    /// Set it as the default of a deployment: keep a limit that somebody else (--by) has set, and wait for no worker
    #[arg(long, requires = "by")]
    pub(crate) default: bool,
    /// Why, for whoever finds the queue limited
    #[arg(long, value_name = "REASON")]
    pub(crate) because: Option<String>,
    /// Who limits it; the login name unless it is said
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// Print data as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A limit, or none.
#[derive(Clone, Debug, PartialEq)]
enum Limited<T> {
    To(T),
    Off,
}

impl LimitArgs {
    /// Whether nothing is to be changed.
    pub(crate) fn only_shows(&self) -> bool {
        self.change().is_none()
    }

    pub(crate) fn change(&self) -> LimitChange {
        LimitChange {
            slots: self.slots.clone().map(Into::into),
            rate: self.rate.clone().map(Into::into),
            max_lag: self.max_lag.clone().map(Into::into),
            without: self.without.clone().map(|names| names.0),
            max_load: self.max_load.clone().map(|loads| loads.0),
            critical_load: self.critical_load.clone().map(|loads| loads.0),
            throttle_query: self.throttle_query.clone().map(Into::into),
            throttle_http: self.throttle_http.clone().map(Into::into),
            window: self.window.clone().map(Into::into),
            window_margin: self.window_margin.clone().map(|margin| {
                Option::<Duration>::from(margin)
                    .map(|margin| u32::try_from(margin.as_secs()).unwrap_or(u32::MAX))
            }),
            ignore: self.ignore.clone().map(Into::into),
        }
    }
}

/// The change that `--slots` makes.
///
/// # Errors
/// A text for people.
pub(crate) fn slots_change(text: &str) -> Result<LimitChange, String> {
    Ok(LimitChange { slots: Some(slots(text)?.into()), ..LimitChange::default() })
}

/// The change that `--rate` makes.
///
/// # Errors
/// A text for people.
pub(crate) fn rate_change(text: &str) -> Result<LimitChange, String> {
    Ok(LimitChange { rate: Some(rate(text)?.into()), ..LimitChange::default() })
}

impl<T> From<Limited<T>> for Option<T> {
    fn from(limited: Limited<T>) -> Option<T> {
        match limited {
            Limited::To(limit) => Some(limit),
            Limited::Off => None,
        }
    }
}

fn slots(text: &str) -> Result<Limited<u32>, String> {
    match text.parse() {
        _ if text == "off" => Ok(Limited::Off),
        Ok(0) => Err("a fleet without slots is held: queryfleet pause".to_owned()),
        Ok(slots) if slots <= MOST_PERMITS => Ok(Limited::To(slots)),
        _ => Err(format!("a number from 1 to {MOST_PERMITS}, or off")),
    }
}

/// Names; none if the limit is taken away.
#[derive(Clone, Debug, PartialEq)]
struct Names(Vec<String>);

/// Loads; none if the limit is taken away.
#[derive(Clone, Debug, PartialEq)]
struct Loads(Vec<Threshold>);

fn names(text: &str) -> Result<Names, String> {
    let names = || text.split(',').map(|name| name.trim().to_owned()).collect();
    Ok(Names(if text == "off" { Vec::new() } else { names() }))
}

fn loads(text: &str) -> Result<Loads, String> {
    let load = |text: &str| {
        let wrong = || {
            "a status variable and its limit above 0, such as Threads_running=25,others_running=10; or off"
                .to_owned()
        };
        let (variable, limit) = text.trim().split_once('=').ok_or_else(wrong)?;
        let limit: f64 = limit.parse().map_err(|_| wrong())?;
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if variable.is_empty() || !variable.bytes().all(is_word) || !limit.is_finite() || limit <= 0.0 {
            return Err(wrong());
        }
        Ok(Threshold { variable: variable.to_owned(), limit })
    };
    let loads = || text.split(',').map(load).collect::<Result<Vec<Threshold>, String>>();
    Ok(Loads(if text == "off" { Vec::new() } else { loads()? }))
}

/// What is below this cannot be told from the time between two looks.
const LEAST_LAG: Duration = Duration::from_secs(1);

fn lag(text: &str) -> Result<Limited<f64>, String> {
    match time(text)? {
        Limited::Off => Ok(Limited::Off),
        Limited::To(lag) if lag >= LEAST_LAG => Ok(Limited::To(lag.as_secs_f64())),
        Limited::To(_) => Err("a lag from 1s".to_owned()),
    }
}

fn time(text: &str) -> Result<Limited<Duration>, String> {
    match queryfleet_config::parse_duration(text) {
        _ if text == "off" => Ok(Limited::Off),
        Some(time) => Ok(Limited::To(time)),
        None => Err("a time such as 5s or 15m, or off".to_owned()),
    }
}

fn window(text: &str) -> Result<Limited<String>, String> {
    if text == "off" {
        return Ok(Limited::Off);
    }
    let window: Window = text.parse().map_err(|error: WindowError| error.to_string())?;
    Ok(Limited::To(window.to_string()))
}

// clap wants a Result.
#[allow(clippy::unnecessary_wraps)]
fn query(text: &str) -> Result<Limited<String>, String> {
    Ok(if text == "off" { Limited::Off } else { Limited::To(text.to_owned()) })
}

fn url(text: &str) -> Result<Limited<String>, String> {
    if text == "off" {
        return Ok(Limited::Off);
    }
    let rest = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let rest = rest.ok_or("a URL that begins with http:// or https://, or off")?;
    let server = rest.split(['/', '?']).next().unwrap_or_default();
    match server.contains('@') {
        true => Err("a URL without a user: everybody may read the limit".to_owned()),
        false if server.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err("a URL with a host, and without spaces".to_owned())
        }
        false => Ok(Limited::To(text.to_owned())),
    }
}

/// The units of a rate, and their seconds.
const UNITS: [(&str, f64); 3] = [("s", 1.0), ("min", 60.0), ("h", 3600.0)];
/// The slowest and the fastest rate: what is slower is a hold, and nothing is faster.
const RATES: std::ops::RangeInclusive<f64> = 0.001..=1_000_000.0;

fn rate(text: &str) -> Result<Limited<f64>, String> {
    if text == "off" {
        return Ok(Limited::Off);
    }
    let wrong =
        || "jobs per time, from 0.001/s to 1000000/s, such as 500/s, 100/min or 20/h; or off".to_owned();
    let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
    let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    let rate = number.parse::<f64>().map_err(|_| wrong())? / seconds;
    if rate == 0.0 {
        return Err("a fleet at rate 0 is held: queryfleet pause".to_owned());
    }
    if RATES.contains(&rate) { Ok(Limited::To(rate)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_its_unit() {
        for (text, expected) in [("500/s", 500.0), ("30/min", 0.5), ("36/h", 0.01), ("0.5/s", 0.5)] {
            assert_eq!(rate(text), Ok(Limited::To(expected)), "{text}");
        }
        assert_eq!(rate("off"), Ok(Limited::Off));
        for wrong in ["500", "0/s", "-1/s", "x/s", "5/day", "NaN/s", "inf/s", "1e9/s", ""] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_load_has_a_name_and_a_limit() {
        let load = |variable: &str, limit| Threshold { variable: variable.into(), limit };
        assert_eq!(
            loads("Threads_running=25, others_running=10.5"),
            Ok(Loads(vec![load("Threads_running", 25.0), load("others_running", 10.5)]))
        );
        assert_eq!(loads("off"), Ok(Loads(Vec::new())));
        for wrong in ["Threads_running", "=5", "x=0", "x=-1", "x=y", "a'b=1", "x=1,", ""] {
            assert!(loads(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_url_has_a_host_and_no_user() {
        let freno = "http://freno:8888/check/app/mysql/c1?p=low";
        assert_eq!(url(freno), Ok(Limited::To(freno.to_owned())));
        assert_eq!(url("off"), Ok(Limited::Off));
        for wrong in ["", "freno:8888", "ftp://a/", "http://", "http:///x", "https://u:p@a/", "http://a b/"] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_lag_has_its_unit() {
        assert_eq!(lag("5s"), Ok(Limited::To(5.0)));
        assert_eq!(lag("off"), Ok(Limited::Off));
        for wrong in ["5", "500ms", "0s", "-1s", ""] {
            assert!(lag(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_limit_is_a_number_or_off() {
        assert_eq!(slots("40"), Ok(Limited::To(40)));
        assert_eq!(slots("off"), Ok(Limited::Off));
        for wrong in ["0", "-1", "10001", "many", "", "4.5"] {
            assert!(slots(wrong).is_err(), "{wrong}");
        }
    }
}
