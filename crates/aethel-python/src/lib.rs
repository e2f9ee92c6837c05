//! The compiled part of the Python package `aethel`: everything that is not about Python is in the crate `aethel`.
//!
//! Takes texts and plain values, gives texts and plain values. The classes that people see are written in Python, in
//! `python/aethel`; what crosses over is JSON in the shapes that the command line has, and balances as text, so that no
//! amount is ever a float.

mod exact;
mod outcome;
mod processor;
mod program;
mod running;
mod words;

/// The engine behind the package `aethel`; not for direct use.
#[pyo3::pymodule]
mod _aethel {
    #[pymodule_export]
    use crate::exact::{to_json, transactions_json};
    #[pymodule_export]
    use crate::outcome::Outcome;
    #[pymodule_export]
    use crate::processor::Processor;
    #[pymodule_export]
    use crate::program::Program;

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // A damaged ledger file can make the database library panic; the ledger turns that into a diagnostic.
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !aethel::store::panics_are_caught() {
                usual(info);
            }
        }));
        let build = if cfg!(debug_assertions) {
            "debug"
        } else {
            "release"
        };
        module.add("__build__", build)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
