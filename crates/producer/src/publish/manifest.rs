//! Writing down what a run is published as, before any of it is published.

use queryfleet_job::{Manifest, ManifestDigest, Signer};
use queryfleet_ledger::{LedgerClient, Run, RunState};

use crate::Error;

/// Writes the manifest of a run, or finds the same one there, and returns the run and the digest that its messages carry.
/// `ours` is made from what this publish was given, never from what the table holds: who can write the table must not be
/// able to have it signed.
///
/// # Errors
/// Returns [`Error::Manifest`] if the run was begun as something else, [`Error::Cancelled`], and [`Error::Ledger`].
pub(crate) async fn write(
    client: &mut LedgerClient,
    run: Run,
    ours: &Manifest,
    signer: Option<&Signer>,
) -> Result<(Run, ManifestDigest), Error> {
    let bytes = match &run.manifest {
        Some(bytes) => require_same(&run, bytes, ours)?.to_vec(),
        None => ours.to_bytes(),
    };
    let signed = run.manifest_signature.as_deref().unwrap_or_default();
    let is_good = signer.is_none_or(|signer| signer.verify_run(&bytes, signed));
    if run.manifest.is_some() && is_good {
        return Ok((run, ManifestDigest::of(&bytes)));
    }
    let signature = signer.map(|signer| signer.sign_run(&bytes));
    let written = client.runs().write_manifest(run.id, &bytes, signature.as_deref()).await?;
    let Some(run) = written else { return Err(Error::NoRun(run.name)) };
    if matches!(run.state, RunState::Cancelled | RunState::Purged) {
        return Err(Error::Cancelled(run.name));
    }
    // Another producer of the same run may have come first, with the same.
    let bytes = require_same(&run, run.manifest.as_deref().unwrap_or_default(), ours)?;
    let digest = ManifestDigest::of(bytes);
    Ok((run, digest))
}

/// The manifest that is there, if it says what ours says.
fn require_same<'a>(run: &Run, bytes: &'a [u8], ours: &Manifest) -> Result<&'a [u8], Error> {
    let theirs = Manifest::from_bytes(bytes)
        .map_err(|error| Error::Manifest { name: run.name.clone(), why: error.to_string() })?;
    let Manifest { v, ledger, run: id, queue, schema, session_sql, not_atomic, input, total, canary } =
        &theirs;
    let parts = [
        // Before the version, which follows from it.
        ("canary", *canary == ours.canary),
        ("version", *v == ours.v),
        ("ledger", *ledger == ours.ledger),
        ("run", *id == ours.run),
        ("queue", *queue == ours.queue),
        ("database", schema.eq_ignore_ascii_case(&ours.schema)),
        ("session SQL", *session_sql == ours.session_sql),
        ("mode for non-transactional statements", *not_atomic == ours.not_atomic),
        ("input", *input == ours.input),
        ("total", *total == ours.total),
    ];
    match parts.into_iter().find(|(_, is_same)| !is_same) {
        Some((part, _)) => {
            Err(Error::Manifest { name: run.name.clone(), why: format!("it has another {part}") })
        }
        None => Ok(bytes),
    }
}
