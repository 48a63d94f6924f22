//! The native part of the Python package `queryfleet`. What people use is in `python/queryfleet`; this gives it the crate
//! `queryfleet`, without the interpreter's lock while it works, and with an eye on Ctrl-C.

mod errors;
mod fleet;
mod interpreter;
mod running;
mod servers;
mod statements;
mod status;

use pyo3::prelude::*;

/// The module `queryfleet._queryfleet`.
#[pymodule]
mod _queryfleet {
    #[pymodule_export]
    use crate::fleet::Fleet;
    #[pymodule_export]
    use crate::running::Running;
    #[pymodule_export]
    use crate::servers::Servers;

    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
