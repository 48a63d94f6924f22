//! The queryfleet binary: arguments, output, exit codes.
