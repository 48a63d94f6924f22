//! From a message's bytes to its chunk.

use queryfleet_broker::Delivery;
use queryfleet_job::{Chunk, DecodeError, Failure, Outcome, Signer, envelope};

use crate::not_run::NotRun;

/// Verifies the message, then reads the envelope.
///
/// # Errors
/// The message is not ours to run; it must not touch the ledger.
pub(crate) fn decode(delivery: &mut Delivery, signer: Option<&Signer>) -> Result<Chunk, NotRun> {
    verify(delivery, signer)?;
    envelope::decode(&delivery.body).map_err(|error| {
        let failure = Failure::said(error.to_string());
        NotRun(match error {
            DecodeError::NewerVersion(_) => Outcome::Unfit(failure),
            DecodeError::NotAnEnvelope(_) => Outcome::Undecodable(failure),
        })
    })
}

/// Verifies the signature if the worker has keys. The headers about earlier attempts count only as far as a worker has
/// signed them. This comes before anything else that is done with a message, also before it is given back: its copy is
/// signed.
///
/// # Errors
/// [`Outcome::Unverified`].
pub(crate) fn verify(delivery: &mut Delivery, signer: Option<&Signer>) -> Result<(), NotRun> {
    if let Some(signer) = signer {
        let signature = delivery.headers.signature.as_deref().unwrap_or_default();
        if !signer.verify(&delivery.body, signature) {
            return Err(NotRun(Outcome::Unverified(Failure::said("signature is missing or wrong"))));
        }
        delivery.headers.forget_unsigned(&delivery.body, signer);
    }
    Ok(())
}
