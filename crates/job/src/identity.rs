//! Who is who: runs and ledgers.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// 2024-01-01T00:00:00Z in milliseconds, the zero of run ids.
const EPOCH_MS: u64 = 1_704_067_200_000;
const RANDOM_BITS: u32 = 12;

/// The id of a run: milliseconds since 2024, then 12 random bits.
///
/// Never reused, also not after a failover that lost the newest run rows (an AUTO_INCREMENT would be); grows with
/// time, so the ledger's primary key is written at its end; below 2^53 until 2093, so every JSON reader keeps it.
/// Two runs that are made in the same millisecond may draw the same id: the run table's primary key decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

impl RunId {
    /// A fresh id from the clock and the system's random source.
    pub fn fresh() -> RunId {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let random = fastrand::u64(0..1 << RANDOM_BITS);
        RunId((now.saturating_sub(EPOCH_MS) << RANDOM_BITS) | random)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RunId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<RunId, Self::Err> {
        text.parse().map(RunId)
    }
}

/// The identity of one ledger, drawn by `queryfleet setup` and kept in `queryfleet_meta`. A message names the ledger
/// that it was published for, so a staging producer on a production broker changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LedgerId(pub String);

impl LedgerId {
    /// A fresh identity, a [`random_id`].
    ///
    /// # Errors
    /// Returns an error if the random source of the system fails.
    pub fn fresh() -> Result<LedgerId, getrandom::Error> {
        random_id().map(LedgerId)
    }
}

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An id that nobody else draws: 128 random bits as 32 hexadecimal digits. Ledgers and workers have one.
///
/// # Errors
/// Returns an error if the random source of the system fails.
pub fn random_id() -> Result<String, getrandom::Error> {
    Ok(format!("{:016x}{:016x}", getrandom::u64()?, getrandom::u64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_is_exact_in_json_readers() {
        assert!(RunId::fresh().0 < 1 << 53);
    }

    #[test]
    fn run_ids_grow_with_time() {
        let first = RunId::fresh();
        let start = std::time::Instant::now();
        while start.elapsed().as_millis() < 2 {}
        assert!(RunId::fresh() > first);
    }
}
