//! The language server from outside: the real binary, the real protocol, the same answers every time.

mod client;
mod features;
mod proofs;
mod robust;
