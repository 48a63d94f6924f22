//! Where the project's own tests kill a worker.

/// A named step at which a worker dies when a test asks for it, by the variable FAILPOINTS; with a condition, only if
/// that holds. Nothing without the feature `failpoints`.
macro_rules! failpoint {
    ($name:literal) => {
        fail::fail_point!($name, |_| std::process::abort());
    };
    ($name:literal, $condition:expr) => {
        fail::fail_point!($name, $condition, |_| std::process::abort());
    };
}

pub(crate) use failpoint;
