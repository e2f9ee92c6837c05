//! The six stages.
