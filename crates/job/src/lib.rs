//! The vocabulary of queryfleet: statements, jobs, envelopes, outcomes and the retry policy. No I/O.
