//! Permits: of a fleet that may use so many slots, each slot that has a message owns one. A permit is a row with one owner,
//! so that no two workers can count it, however they come, go, freeze, or are cut off.

/// What a worker changes about its permits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermitChange {
    /// These remain its own.
    pub keep: Vec<u32>,
    /// It gives these back.
    pub give_back: Vec<u32>,
    /// It would like so many more.
    pub take: u32,
}

/// What a worker changes that owns the permits `owned`, where those below `limit` are valid. It has a use for `wanted`
/// slots, and `serving` of its slots have a message or may get one: those keep a permit, valid or not, until they end.
pub fn permit_change(owned: &[u32], limit: u32, wanted: u32, serving: u32) -> PermitChange {
    let mut owned = owned.to_vec();
    // The valid ones first.
    owned.sort_unstable();
    let valid = valid_permits(&owned, limit);
    let kept = valid.min(wanted).max(serving);
    let give_back = owned.split_off((kept as usize).min(owned.len()));
    PermitChange { keep: owned, give_back, take: wanted.saturating_sub(valid) }
}

/// How many of these permits are valid.
pub fn valid_permits(owned: &[u32], limit: u32) -> u32 {
    owned.iter().filter(|id| **id < limit).count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serves_keeps_its_permit_and_the_rest_goes_back() {
        for (owned, limit, wanted, serving, keep, give_back, take) in [
            // Nothing yet.
            (&[][..], 10, 4, 0, &[][..], &[][..], 4),
            // All is well.
            (&[3, 7], 10, 2, 2, &[3, 7], &[], 0),
            // The limit was lowered: what serves ends first, and then the permits that are not valid go back.
            (&[7, 3], 5, 2, 2, &[3, 7], &[], 1),
            (&[7, 3], 5, 2, 1, &[3], &[7], 1),
            // It has no use for them.
            (&[1, 2, 3], 10, 0, 1, &[1], &[2, 3], 0),
            // It serves more than it owns: the limit is new.
            (&[1], 10, 4, 4, &[1], &[], 3),
        ] {
            let change = permit_change(owned, limit, wanted, serving);
            assert_eq!(
                (change.keep.as_slice(), change.give_back.as_slice(), change.take),
                (keep, give_back, take),
                "{owned:?}"
            );
        }
    }
}
