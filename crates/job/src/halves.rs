//! A message in two halves, for a broker that refuses one of its size.

use crate::{Message, Signer, envelope};

/// The same jobs in two messages, with the same headers; `None` for a single job, and for
/// a body that is not an envelope.
pub fn halves(message: &Message, signer: Option<&Signer>) -> Option<[Message; 2]> {
    let chunk = envelope::decode(&message.body).ok()?;
    if chunk.jobs.len() < 2 {
        return None;
    }
    let (first, second) = chunk.jobs.split_at(chunk.jobs.len() / 2);
    let half = |jobs: &[crate::Job]| {
        let headers = &message.headers;
        let mut half = envelope::seal(
            &chunk.with_jobs(jobs.iter().collect()),
            signer,
            headers.attempts,
            headers.first_error.clone(),
        );
        half.headers.apart = headers.apart;
        half
    };
    Some([half(first), half(second)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chunk, Job, LedgerId, RunId};

    #[test]
    fn halves_have_all_jobs_between_them() {
        let jobs = (1..=5).map(|seq| Job::new(seq, "DO 1")).collect();
        let chunk = Chunk {
            run: RunId(7),
            ledger: LedgerId("l".into()),
            session: 0,
            not_atomic: None,
            manifest: None,
            jobs,
        };
        let mut message = envelope::seal(&chunk, None, 3, Some("why".into()));
        message.headers.apart = true;
        let mut whole = vec![message];
        let mut seqs = Vec::new();
        while let Some(message) = whole.pop() {
            assert_eq!((message.headers.attempts, message.headers.apart), (3, true));
            match halves(&message, None) {
                Some(halves) => whole.extend(halves),
                None => seqs.extend(envelope::decode(&message.body).unwrap().jobs.iter().map(|job| job.seq)),
            }
        }
        seqs.sort_unstable();
        assert_eq!(seqs, [1, 2, 3, 4, 5]);
    }
}
