//! One file for each command.

pub mod bench;
pub mod check;
pub mod explain;
pub mod ledger;
pub mod oracle;
pub mod prove;
pub mod run;
pub mod sign;
pub mod verify_proof;
