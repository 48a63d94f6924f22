//! A GET that nobody may answer.

use queryfleet_devstack::scrape;

/// GETs `path` from `host:port`: status and body; status 0 if nobody answers.
pub fn get(address: &str, path: &str) -> (u16, String) {
    scrape::get(address, path).map_or((0, String::new()), |answer| (answer.status, answer.body))
}
