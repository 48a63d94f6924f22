//! Reads input, builds jobs, publishes a run, resumes it and waits for it.
