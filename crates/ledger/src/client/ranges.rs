//! The ranges of a run, written down before any of them is published: the jobs shrink the table they were cut from.

use mysql_async::prelude::Queryable;
use mysql_async::{Params, Value};
use queryfleet_job::RunId;
use serde::{Deserialize, Serialize};

use crate::connection::LedgerClient;
use crate::error_code::DUPLICATE_KEY;
use crate::{Error, KeyValue, Range};

/// A key as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    /// Keys of a walk from the smallest to the largest in every column: all that earlier versions know.
    Ascending(Vec<KeyValue>),
    /// Keys of any other walk.
    Directed { key: Vec<KeyValue>, descending: Vec<bool> },
}

impl Written {
    fn parts(self) -> (Vec<KeyValue>, Vec<bool>) {
        match self {
            Written::Ascending(key) => (key, Vec::new()),
            Written::Directed { key, descending } => (key, descending),
        }
    }
}

fn json(key: &[KeyValue], descending: &[bool]) -> String {
    let key = key.to_vec();
    let descending = descending.to_vec();
    let written = match descending.contains(&true) {
        true => Written::Directed { key, descending },
        false => Written::Ascending(key),
    };
    serde_json::to_string(&written).unwrap_or_default()
}

/// The ranges of a run; see [`LedgerClient::ranges`].
pub struct Ranges<'a> {
    pub(super) client: &'a mut LedgerClient,
}

impl Ranges<'_> {
    /// The ranges of a run from this seq on, `count` at most, with their seqs. That of seq 0 is the whole extent.
    ///
    /// # Errors
    /// [`Error::Schema`] for a row that this version cannot read, or whose signature does not verify; or if the query fails.
    pub async fn read(&mut self, run: RunId, from: u64, count: u64) -> Result<Vec<(u64, Range)>, Error> {
        let query = format!(
            "SELECT seq, lo, hi, signature FROM {} WHERE run = {run} AND seq >= {from} ORDER BY seq LIMIT {count}",
            self.client.database.tables.range
        );
        self.query(run, query).await
    }

    /// The last range of a run that is written; `None` before the extent is.
    ///
    /// # Errors
    /// [`Error::Schema`] for a row that this version cannot read, or whose signature does not verify; or if the query fails.
    pub async fn last(&mut self, run: RunId) -> Result<Option<(u64, Range)>, Error> {
        let query = format!(
            "SELECT seq, lo, hi, signature FROM {} WHERE run = {run} ORDER BY seq DESC LIMIT 1",
            self.client.database.tables.range
        );
        Ok(self.query(run, query).await?.pop())
    }

    /// The seq of the last range that is written, whoever has written it.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn last_seq(&mut self, run: RunId) -> Result<Option<u64>, Error> {
        let query = format!("SELECT MAX(seq) FROM {} WHERE run = {run}", self.client.database.tables.range);
        let newest: Option<Option<u64>> = self
            .client
            .ask("find the last range of the run", async |conn| conn.query_first(query).await)
            .await?;
        Ok(newest.flatten())
    }

    async fn query(&mut self, run: RunId, query: String) -> Result<Vec<(u64, Range)>, Error> {
        let rows: Vec<(u64, String, String, Option<String>)> =
            self.client.ask("read the ranges of the run", async |conn| conn.query(query).await).await?;
        let key = |json: &str| serde_json::from_str::<Written>(json).map(Written::parts);
        rows.into_iter()
            .map(|(seq, lo, hi, signature)| {
                self.verify(run, seq, (&lo, &hi), signature)?;
                match (key(&lo), key(&hi)) {
                    (Ok((lo, descending)), Ok((hi, _))) => Ok((seq, Range { lo, hi, descending })),
                    _ => Err(Error::Schema(format!(
                        "range {seq} in queryfleet_range is not readable to this version"
                    ))),
                }
            })
            .collect()
    }

    /// With a key only what was signed with it is read: a range is what a job will be.
    fn verify(
        &self,
        run: RunId,
        seq: u64,
        keys: (&str, &str),
        signature: Option<String>,
    ) -> Result<(), Error> {
        let signature = signature.unwrap_or_default();
        match &self.client.database.signer {
            Some(signer) if !signer.verify_range(run, seq, keys, &signature) => Err(Error::Schema(format!(
                "range {seq} of run {run} in queryfleet_range is not signed with a key of QUERYFLEET_SIGNING_KEY: \
                 give the key that the run was begun with too, or look who has written it"
            ))),
            _ => Ok(()),
        }
    }

    /// Writes ranges with seqs from `first` on, all or none. False when another producer has written one of these:
    /// what is written counts.
    ///
    /// # Errors
    /// If the database cannot be reached or refuses the query.
    pub async fn write(&mut self, run: RunId, first: u64, ranges: &[Range]) -> Result<bool, Error> {
        let rows = vec!["(?, ?, ?, ?, ?)"; ranges.len()].join(", ");
        let insert = format!(
            "INSERT INTO {} (run, seq, lo, hi, signature) VALUES {rows}",
            self.client.database.tables.range
        );
        let signer = self.client.database.signer.as_ref();
        let values: Vec<Value> = (first..)
            .zip(ranges)
            .flat_map(|(seq, range)| {
                let [lo, hi] = [&range.lo, &range.hi].map(|key| json(key, &range.descending));
                let signature = signer.map(|signer| signer.sign_range(run, seq, (&lo, &hi)));
                [run.0.into(), seq.into(), lo.into(), hi.into(), signature.into()]
            })
            .collect();
        let written = self
            .client
            .ask("write the ranges of the run", async |conn| {
                conn.exec_drop(&insert, Params::Positional(values)).await
            })
            .await;
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.code() == Some(DUPLICATE_KEY) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
