//! The worker: slots, the pipeline, settling, draining, deadlines.
