//! All of the database: init step, schema, the one packet, error classes, runs and dead jobs.
