//! From a message's bytes to its chunk.

use queryfleet_broker::Delivery;
use queryfleet_job::{Chunk, DecodeError, Failure, Outcome, Signer, envelope};

/// Verifies the message, then reads the envelope.
///
/// # Errors
/// The outcome of a message that is not ours to run; it must not touch the ledger.
pub(crate) fn decode(delivery: &mut Delivery, signer: Option<&Signer>) -> Result<Chunk, Outcome> {
    verify(delivery, signer)?;
    envelope::decode(&delivery.body).map_err(|error| match error {
        DecodeError::NewerVersion(_) => Outcome::Unfit(Failure::said(error.to_string())),
        DecodeError::NotAnEnvelope(_) => Outcome::Undecodable(Failure::said(error.to_string())),
    })
}

/// Verifies the signature when the worker has keys. What the headers say of earlier attempts counts only as far as a
/// worker has signed it. Before anything else is done with a message, also before it is given back: a copy is signed.
///
/// # Errors
/// [`Outcome::Unverified`].
pub(crate) fn verify(delivery: &mut Delivery, signer: Option<&Signer>) -> Result<(), Outcome> {
    if let Some(signer) = signer {
        let signature = delivery.headers.signature.as_deref().unwrap_or_default();
        if !signer.verify(&delivery.body, signature) {
            return Err(Outcome::Unverified(Failure::said("signature is missing or wrong")));
        }
        delivery.headers.forget_unsigned(&delivery.body, signer);
    }
    Ok(())
}
