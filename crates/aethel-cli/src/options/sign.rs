//! Options about approvals.

use super::RunSubject;
use aethel::config::HumanDuration;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Options of `sign`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct SignOptions {
    #[command(subcommand)]
    pub command: Option<SignCommand>,
    /// A program (.ae), a transaction list (.json), or `-` for a program on standard input
    #[arg(required = true)]
    pub file: Option<PathBuf>,
    /// The file of the secret key to sign with
    #[arg(long, value_name = "KEYFILE", required = true)]
    pub with: Option<PathBuf>,
    /// How long the signature counts from now
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub expires: HumanDuration,
    /// The file to put signatures into, beside those it has [default: FILE.sig.json beside the program]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub subject: RunSubject,
}

/// What else there is to do about signatures.
#[derive(Debug, Subcommand)]
pub enum SignCommand {
    /// Make a key pair; prints the public part
    Keygen {
        /// The file for the secret key, which must not exist
        file: PathBuf,
    },
}

/// How a record that is no batch is approved.
#[derive(Debug, Args)]
pub struct Approving {
    /// Signatures of approvers, where the ledger asks for them; may be given several times
    #[arg(long, global = true, value_name = "FILE")]
    pub signatures: Vec<PathBuf>,
    /// Sign it with the secret key in this file, instead of writing it to the ledger
    #[arg(
        long,
        global = true,
        value_name = "KEYFILE",
        requires = "out",
        conflicts_with = "signatures"
    )]
    pub sign_with: Option<PathBuf>,
    /// How long the signature counts from now
    #[arg(long, global = true, value_name = "TIME", default_value = "24h")]
    pub expires: HumanDuration,
    /// The file to put the signature into, beside those it has
    #[arg(long, global = true, value_name = "FILE", id = "out", long = "out")]
    pub out: Option<PathBuf>,
}

/// Changes of who can approve.
#[derive(Debug, Subcommand)]
pub enum ApproverCommand {
    /// Let somebody approve
    Add {
        /// The name that rules call them by
        name: String,
        /// The public key, 64 hexadecimal digits
        public: String,
    },
    /// Let somebody approve no longer, and take them out of every rule
    Remove {
        /// The name
        name: String,
    },
}

/// Options of `ledger policy require`.
#[derive(Debug, Args)]
pub struct RequireOptions {
    /// The rule's name; one of this name is replaced
    pub rule: String,
    /// How many must sign
    pub needed: u32,
    /// Of these approvers
    #[arg(long = "of", value_name = "NAME,..", value_delimiter = ',', required = true)]
    pub of: Vec<String>,
    /// For debits of this account only; may be given several times
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Vec<String>,
    /// Only when a batch takes more than this from one account, such as 10000.00:USD; once for each asset
    #[arg(long, value_name = "AMOUNT:ASSET")]
    pub above: Vec<String>,
}
