//! Digests on the way through an input. Two inputs part between two of them.

use crate::publish::digest::InputDigest;

/// Digests that are kept: 32 KiB in the run's row, and every job of an input up to this size its own.
const MAX_DIGESTS: usize = 4096;
/// Bytes of a digest that are kept: enough to tell two inputs apart, which is all that they are for.
const DIGEST_BYTES: usize = 8;

/// The digest after every `step` jobs; the step doubles whenever there would be too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Milestones {
    step: u64,
    digests: Vec<[u8; DIGEST_BYTES]>,
}

impl Default for Milestones {
    fn default() -> Milestones {
        Milestones { step: 1, digests: Vec::new() }
    }
}

impl Milestones {
    /// Keeps the digest of an input that is one job longer than at the last call, if it is a milestone.
    pub(crate) fn pass(&mut self, input: &InputDigest) {
        if !input.jobs.is_multiple_of(self.step) {
            return;
        }
        if self.digests.len() == MAX_DIGESTS {
            self.widen();
            return self.pass(input);
        }
        let mut digest = [0; DIGEST_BYTES];
        digest.copy_from_slice(&input.digest()[..DIGEST_BYTES]);
        self.digests.push(digest);
    }

    /// Drops every other milestone.
    fn widen(&mut self) {
        self.digests = self.digests.iter().skip(1).step_by(2).copied().collect();
        self.step *= 2;
    }

    /// As it is kept in the run's row: the step, then the digests.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.step.to_le_bytes().to_vec();
        bytes.extend(self.digests.iter().flatten());
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) has written; `None` for other bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Milestones> {
        let (step, digests) = bytes.split_first_chunk()?;
        let (digests, []) = digests.as_chunks() else { return None };
        let step = u64::from_le_bytes(*step);
        step.is_power_of_two().then(|| Milestones { step, digests: digests.to_vec() })
    }

    /// Where two inputs part: up to which job they are certainly the same, and by which they differ at the latest, if both
    /// have it.
    pub(crate) fn parting(mut self, mut other: Milestones) -> (u64, u64) {
        while self.step < other.step {
            self.widen();
        }
        while other.step < self.step {
            other.widen();
        }
        let same = self.digests.iter().zip(&other.digests).take_while(|(one, other)| one == other).count();
        (same as u64 * self.step, (same as u64 + 1) * self.step)
    }
}

#[cfg(test)]
mod tests {
    use queryfleet_job::Job;

    use super::*;

    /// The milestones of an input of so many jobs, one of which (`other`) may be another than usual.
    fn milestones(jobs: u64, other: u64) -> Milestones {
        let mut input = InputDigest::default();
        let mut milestones = Milestones::default();
        for seq in 1..=jobs {
            input.add(&Job::new(0, format!("DO {}", if seq == other { 0 } else { seq })));
            milestones.pass(&input);
        }
        milestones
    }

    #[test]
    fn a_small_input_parts_at_the_very_job() {
        for (jobs, other) in [(1, 1), (10, 7), (4096, 4096)] {
            let parting = milestones(jobs, 0).parting(milestones(jobs, other));
            assert_eq!(parting, (other - 1, other), "{jobs} {other}");
        }
        assert_eq!(milestones(10, 0).parting(milestones(12, 0)), (10, 11), "longer");
    }

    #[test]
    fn a_large_one_parts_within_a_small_part_of_it() {
        for (one, two, other) in [(20_000, 20_000, 12_345), (5000, 20_000, 4999)] {
            let (same, differs) = milestones(one, 0).parting(milestones(two, other));
            assert!(same < other && other <= differs, "{same} {differs}");
            assert!(differs - same <= 8);
        }
    }

    #[test]
    fn milestones_are_read_back() {
        let kept = milestones(9000, 0);
        assert_eq!(Milestones::from_bytes(&kept.to_bytes()), Some(kept));
        assert_eq!(Milestones::from_bytes(b""), None);
        assert_eq!(Milestones::from_bytes(&[0; 12]), None);
    }
}
