//! The one binary, `queryfleet`.
fn main() {}
