//! The arguments of `queryfleet pause`.

use std::time::Duration;

use clap::Args;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

#[derive(Args)]
pub(crate) struct PauseArgs {
    /// Resume by itself: after a time such as 90s or 2h, or at one such as 2030-01-31T06:00:00Z
    #[arg(long, value_parser = hold_end)]
    pub(crate) until: Option<HoldEnd>,
    /// End running statements instead of letting them end, except those with --not-atomic; their jobs go back to the queue
    #[arg(long)]
    pub(crate) now: bool,
    /// Why, for whoever finds the queue held
    #[arg(long, value_name = "REASON")]
    pub(crate) because: Option<String>,
    /// Who holds it; the login name unless it is said
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// Print data as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// When a hold ends by itself.
#[derive(Clone, Debug)]
pub(crate) enum HoldEnd {
    /// After this time.
    After(Duration),
    /// At this time in UTC, as SQL has it.
    At(String),
}

fn hold_end(text: &str) -> Result<HoldEnd, String> {
    if let Some(after) = queryfleet_config::parse_duration(text) {
        return Ok(HoldEnd::After(after));
    }
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "a time such as 90s or 2h, or one such as 2030-01-31T06:00:00Z".to_owned())?
        .to_offset(UtcOffset::UTC);
    let date = at.date();
    let time = at.time();
    Ok(HoldEnd::At(format!("{date} {:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())))
}
