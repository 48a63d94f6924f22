//! The permits of this worker that go back, until it is known that they went.

use std::time::Instant;

/// Permits that go back. A reading that was asked for before they had gone may still list them as this worker's own, and
/// somebody else may have taken them by then.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Releasing {
    ids: Vec<u32>,
    /// When the server had answered; `None` before, and when nobody knows whether they went.
    answered: Option<Instant>,
}

impl Releasing {
    /// Takes out of a reading what it may list wrongly.
    pub(super) fn correct(&mut self, permits: &mut Vec<u32>, asked: Instant) {
        if self.answered.is_some_and(|answered| asked >= answered) {
            *self = Releasing::default();
        }
        permits.retain(|id| !self.ids.contains(id));
    }

    /// Adds permits, and returns those that have to be given back now.
    pub(super) fn begin(&mut self, ids: &[u32]) -> Vec<u32> {
        if ids.is_empty() && self.answered.is_some() {
            return Vec::new();
        }
        self.ids.extend(ids);
        self.answered = None;
        self.ids.clone()
    }

    /// Notes when the server had answered that they went.
    pub(super) fn answered(&mut self, at: Instant) {
        self.answered = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_permit_that_goes_back_is_not_read_as_ones_own_until_it_has_gone() {
        let before = Instant::now();
        let after = before + Duration::from_secs(1);
        let read = |releasing: &mut Releasing, asked| {
            let mut permits = vec![1, 2, 3];
            releasing.correct(&mut permits, asked);
            permits
        };
        let mut releasing = Releasing::default();
        assert_eq!(read(&mut releasing, before), [1, 2, 3]);
        assert_eq!(releasing.begin(&[3]), [3]);
        assert_eq!(read(&mut releasing, after), [1, 2], "nobody knows whether it went");
        assert_eq!(releasing.begin(&[2]), [3, 2], "so it is given back once more");
        releasing.answered(after);
        assert_eq!(read(&mut releasing, before), [1]);
        assert!(releasing.begin(&[]).is_empty(), "it went");
        // Asked afterwards: it is this worker's own again.
        assert_eq!(read(&mut releasing, after), [1, 2, 3]);
    }
}
