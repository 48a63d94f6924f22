//! What a run was published as, and whether a message belongs to it: read from the run's manifest and from nothing
//! else.
//!
//! The row of a run can be written by accounts that have no signing key. So a worker with a key verifies the manifest
//! once, takes session SQL, the mode of non-transactional statements and the total from there, and executes a message
//! only from the queue that the manifest names. Without a key the same is compared, and nothing is verified.

use crate::{Chunk, Failure, Manifest, ManifestDigest, ManifestError, NotAtomic, Outcome, RunId, Signer};

/// Where messages would be executed: the queue, the database and the keys of this process.
#[derive(Clone, Debug)]
pub struct ExecutionSite {
    /// The queue that it serves.
    pub queue: String,
    /// The database of its connections.
    pub schema: String,
    /// Its keys.
    pub signer: Option<Signer>,
}

/// The row of a run, as far as its terms are concerned.
#[derive(Clone, Debug)]
pub struct StoredRun<'a> {
    /// Which run.
    pub run: RunId,
    /// The bytes of its manifest, and their signature.
    pub manifest: Option<(&'a [u8], &'a str)>,
    /// Its other columns; they count only if it has no manifest.
    pub unsigned: UnsignedColumns<'a>,
}

/// Columns of the row of a run that nobody has signed: they are the terms of a run that a program without manifests has
/// published.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the columns of queryfleet_run
pub struct UnsignedColumns<'a> {
    pub queue: &'a str,
    pub session_sql: Option<&'a str>,
    pub not_atomic: Option<NotAtomic>,
    pub total: Option<u64>,
}

/// What messages of a run are checked against, and what they are executed under.
#[derive(Clone, Debug)]
pub struct Terms {
    /// SQL for every session that runs its jobs.
    pub session_sql: Option<String>,
    /// How its non-transactional statements are run.
    pub not_atomic: Option<NotAtomic>,
    /// So many jobs, the first ones, somebody looks at before the others run.
    pub canary: Option<u64>,
    /// The manifest that they name; `None` for a run that a program without manifests has published.
    manifest: Option<ManifestDigest>,
    /// Whether a message of version 1 may run, which names no manifest.
    takes_version_1: bool,
    /// The last seq, where that is known.
    total: Option<u64>,
}

impl Terms {
    /// The terms of a run, from its row.
    ///
    /// # Errors
    /// Returns the outcome of every message of the run: [`Outcome::Unverified`] if the manifest is not signed by a key
    /// of this process, cannot be read, or is for another run or queue; [`Outcome::Unfit`] if it is of a newer version,
    /// or for another database.
    pub fn of(row: &StoredRun<'_>, here: &ExecutionSite) -> Result<Terms, Outcome> {
        let Some((bytes, signature)) = row.manifest else { return without_manifest(&row.unsigned, here) };
        if here.signer.as_ref().is_some_and(|signer| !signer.verify_run(bytes, signature)) {
            return Err(unverified(
                "its run's manifest in queryfleet_run is not signed with a key that is here",
            ));
        }
        let manifest = Manifest::from_bytes(bytes).map_err(|error| match error {
            ManifestError::Newer(_) => Outcome::Unfit(Failure::said(error.to_string())),
            ManifestError::Broken(_) => unverified(error.to_string()),
        })?;
        if manifest.run != row.run {
            return Err(unverified(format!("its run's manifest is that of run {}", manifest.run)));
        }
        served_here(&manifest.queue, here)?;
        // Servers may keep names of databases in lower case; the ledger's identity has been compared already.
        if !manifest.schema.eq_ignore_ascii_case(&here.schema) {
            let text = format!(
                "its run is for database {}, and QUERYFLEET_MYSQL_URL names {}",
                manifest.schema, here.schema
            );
            return Err(Outcome::Unfit(Failure::said(text)));
        }
        let is_plain = manifest.session_sql.is_none() && manifest.not_atomic.is_none();
        Ok(Terms {
            manifest: Some(ManifestDigest::of(bytes)),
            takes_version_1: here.signer.is_none() || is_plain,
            total: Some(manifest.total),
            session_sql: manifest.session_sql,
            not_atomic: manifest.not_atomic,
            canary: manifest.canary,
        })
    }

    /// Checks that a chunk belongs to the run.
    ///
    /// # Errors
    /// Returns [`Outcome::Unverified`], the outcome of its message, if it names another manifest or none, asks for
    /// another mode of non-transactional statements, or has a job past the end of the run.
    pub fn fits(&self, chunk: &Chunk) -> Result<(), Outcome> {
        match chunk.manifest {
            None if !self.takes_version_1 => Err(unverified(
                "it names no manifest, and its run has session SQL or non-transactional statements: publish with \
                 --missing",
            )),
            Some(_) if chunk.manifest != self.manifest => {
                Err(unverified("its run was published with another manifest"))
            }
            _ if chunk.not_atomic.is_some() && chunk.not_atomic != self.not_atomic => {
                Err(unverified("its run does not say --not-atomic, or says it in another way"))
            }
            _ => match (self.total, chunk.jobs.last()) {
                (Some(total), Some(job)) if job.seq > total => {
                    Err(unverified(format!("it has job {}, and its run has {total}", job.seq)))
                }
                _ => Ok(()),
            },
        }
    }
}

/// Of a run without a manifest only plain messages of version 1 can be genuine: all else that they are executed under
/// would come from a row that nobody has signed.
fn without_manifest(row: &UnsignedColumns<'_>, here: &ExecutionSite) -> Result<Terms, Outcome> {
    served_here(row.queue, here)?;
    let is_plain = row.session_sql.is_none() && row.not_atomic.is_none();
    Ok(Terms {
        manifest: None,
        takes_version_1: here.signer.is_none() || is_plain,
        total: row.total,
        session_sql: row.session_sql.map(str::to_owned),
        not_atomic: row.not_atomic,
        canary: None,
    })
}

/// A message that somebody has copied to another queue would be executed where it was not meant to be.
fn served_here(queue: &str, here: &ExecutionSite) -> Result<(), Outcome> {
    if queue == here.queue {
        return Ok(());
    }
    Err(unverified(format!("its run is of queue {queue}, and this is {}", here.queue)))
}

fn unverified(why: impl Into<String>) -> Outcome {
    Outcome::Unverified(Failure::said(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Job, LedgerId, manifest};

    fn here(key: Option<&[u8]>) -> ExecutionSite {
        ExecutionSite { queue: "default".into(), schema: "shop".into(), signer: Signer::new(key) }
    }

    fn manifest(change: impl FnOnce(&mut Manifest)) -> Vec<u8> {
        let mut made = Manifest {
            v: manifest::VERSION,
            ledger: LedgerId("00".repeat(16)),
            run: RunId(7),
            queue: "default".into(),
            schema: "Shop".into(),
            session_sql: None,
            not_atomic: None,
            input: "ab".repeat(32),
            total: 3,
            canary: None,
        };
        change(&mut made);
        made.to_bytes()
    }

    fn row<'a>(manifest: Option<(&'a [u8], &'a str)>, session_sql: Option<&'a str>) -> StoredRun<'a> {
        let unsigned = UnsignedColumns { queue: "default", session_sql, not_atomic: None, total: Some(3) };
        StoredRun { run: RunId(7), manifest, unsigned }
    }

    fn chunk(manifest: Option<&[u8]>, seq: u64) -> Chunk {
        Chunk {
            run: RunId(7),
            ledger: LedgerId("00".repeat(16)),
            manifest: manifest.map(ManifestDigest::of),
            session: 0,
            not_atomic: None,
            jobs: vec![Job::new(1, "DO 1"), Job::new(seq, "DO 2")],
        }
    }

    fn why(result: Result<impl std::fmt::Debug, Outcome>) -> String {
        match result {
            Err(Outcome::Unverified(failure)) => failure.message,
            other => panic!("{other:?}"),
        }
    }

    const KEY: &[u8] = b"a key of the tests";

    #[test]
    fn what_a_manifest_says_counts_and_the_row_beside_it_does_not() {
        let bytes = manifest(|run| run.session_sql = Some("SET @a = 1".into()));
        let signature = Signer::new([KEY]).unwrap().sign_run(&bytes);
        for key in [None, Some(KEY)] {
            let terms =
                Terms::of(&row(Some((&bytes, &signature)), Some("DELETE FROM victim")), &here(key)).unwrap();
            assert_eq!(terms.session_sql.as_deref(), Some("SET @a = 1"));
            assert!(terms.fits(&chunk(Some(&bytes), 3)).is_ok());
            assert!(why(terms.fits(&chunk(Some(&bytes), 4))).contains("job 4, and its run has 3"));
            assert!(why(terms.fits(&chunk(Some(b"another"), 3))).contains("another manifest"));
            let park = Chunk { not_atomic: Some(NotAtomic::Park), ..chunk(Some(&bytes), 3) };
            assert!(why(terms.fits(&park)).contains("--not-atomic"));
            // Version 1 names none: it may run where there is nothing that it could be executed under.
            assert_eq!(terms.fits(&chunk(None, 3)).is_ok(), key.is_none());
        }
    }

    #[test]
    fn a_manifest_counts_only_as_it_was_signed_for_this_run() {
        let signer = Signer::new([KEY]).unwrap();
        let bytes = manifest(|_| ());
        for signature in [String::new(), signer.sign(&bytes), "00".repeat(32)] {
            let terms = Terms::of(&row(Some((&bytes, &signature)), None), &here(Some(KEY)));
            assert!(why(terms).contains("not signed"));
        }
        let (of_another, elsewhere) =
            (manifest(|run| run.run = RunId(8)), manifest(|run| run.queue = "other".into()));
        for (bytes, text) in
            [(&of_another, "run 8"), (&elsewhere, "queue other"), (&b"{}".to_vec(), "cannot be read")]
        {
            let signature = signer.sign_run(bytes);
            for key in [None, Some(KEY)] {
                assert!(why(Terms::of(&row(Some((bytes, &signature)), None), &here(key))).contains(text));
            }
        }
        let away = manifest(|run| run.schema = "warehouse".into());
        let signature = signer.sign_run(&away);
        let terms = Terms::of(&row(Some((&away, &signature)), None), &here(Some(KEY)));
        assert!(matches!(terms, Err(Outcome::Unfit(_))), "{terms:?}");
    }

    #[test]
    fn a_run_without_a_manifest_takes_plain_messages_of_version_1() {
        for (key, session_sql, takes) in [
            (None, None, true),
            (None, Some("SET @a = 1"), true),
            (Some(KEY), None, true),
            (Some(KEY), Some(""), false),
        ] {
            let terms = Terms::of(&row(None, session_sql), &here(key)).unwrap();
            assert_eq!(terms.fits(&chunk(None, 3)).is_ok(), takes);
            assert!(why(terms.fits(&chunk(Some(b"a"), 3))).contains("another manifest"));
            assert!(terms.fits(&chunk(None, 4)).is_err());
        }
        let mut elsewhere = row(None, None);
        elsewhere.unsigned.queue = "other";
        assert!(why(Terms::of(&elsewhere, &here(None))).contains("queue other"));
    }
}
