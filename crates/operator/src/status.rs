//! How runs stand.

use queryfleet_ledger::Standing;

use crate::{Error, Operator};

impl Operator {
    /// How one run, given by its name or id, stands now.
    ///
    /// # Errors
    /// [`Error::NoRun`], or [`Error::Ledger`] when the database cannot be asked.
    pub async fn status(&mut self, name_or_id: &str) -> Result<Standing, Error> {
        let standing = self.ledger.runs().standing(name_or_id).await?;
        standing.ok_or_else(|| Error::NoRun(name_or_id.to_owned()))
    }

    /// How the newest `count` runs stand, newest first.
    ///
    /// # Errors
    /// [`Error::Ledger`] when the database cannot be asked.
    pub async fn newest_runs(&mut self, count: u32) -> Result<Vec<Standing>, Error> {
        let mut standings = Vec::new();
        for run in self.ledger.runs().newest(count).await? {
            let counts = self.ledger.jobs().count_run(&run).await?;
            standings.push(self.ledger.standing(run, counts).await?);
        }
        Ok(standings)
    }
}
