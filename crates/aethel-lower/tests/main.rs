//! What programs mean, shown by lowering them and running them serially with the one evaluator.

mod json;
mod meaning;
mod mistakes;
mod support;
