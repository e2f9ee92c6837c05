//! The command line.

pub mod bench;
pub mod global;
pub mod graph;
pub mod man;
pub mod new;
pub mod sign;
pub mod subject;
pub mod test;

use aethel::config::HumanDuration;
use aethel::ledger::LedgerName;
use clap::{Args, Parser, Subcommand, ValueEnum};
pub use global::{Color, Format, Global};
use std::path::PathBuf;
use std::sync::LazyLock;
pub use subject::RunSubject;

/// Moves value in batches that are all-or-nothing, run in parallel, and carry a proof.
#[derive(Debug, Parser)]
#[command(
    name = "aethel",
    version,
    long_version = version(),
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = man::EXIT_CODES
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// `1.8.0 (Z3 4.8.12)`: which solver a proof comes from belongs to the version.
fn version() -> &'static str {
    static VERSION: LazyLock<String> =
        LazyLock::new(|| format!("{} (Z3 {})", env!("CARGO_PKG_VERSION"), aethel::z3_version()));
    &VERSION
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a directory with a program, inputs, cases and a recipe for continuous integration
    New(new::NewOptions),
    /// Check programs: syntax, names, types, meaning, and proofs for all states and inputs
    #[command(
        after_help = "Exit codes: 0 no error, 1 an error (or a warning under --deny-warnings), 2 a file or the \
                            command line, 3 something that would be an error could not be decided"
    )]
    Check(CheckOptions),
    /// Run the batches of a program or JSON file on the ledger
    #[command(after_help = man::RUN_HELP)]
    Run(RunOptions),
    /// Run programs with the inputs of their cases, on ledgers in memory, and compare what comes of it
    #[command(after_help = test::TEST_HELP)]
    Test(test::TestOptions),
    /// Approve the batches of a program or JSON file, where the ledger asks for approvals
    Sign(sign::SignOptions),
    /// Measure throughput, scaling and latency, beside the least that this machine needs
    Bench(bench::BenchOptions),
    /// Lay programs out one way; tokens and comments stay as they are
    #[command(
        after_help = "Exit codes: 0 everything is formatted, 1 a program is wrong, or with --check or --diff not formatted, \
                            2 a file or the command line"
    )]
    Fmt(FmtOptions),
    /// Explain a diagnostic code
    Explain(ExplainOptions),
    /// Look into a ledger, import balances, change its policy
    Ledger(LedgerOptions),
    /// Print every lemma about a program with what the solver says, and write them as SMT-LIB
    Prove(ProveOptions),
    /// Check a proof file again, by a checker that knows neither the executor nor the solver
    VerifyProof(VerifyProofOptions),
    /// Draw what waits for what in a batch, and what is proved to need no order
    #[command(after_help = graph::GRAPH_HELP)]
    Graph(graph::GraphOptions),
    /// Serve an editor: the language server protocol on standard input and output
    Lsp,
    /// Make oracle keys, sign values, check signatures
    #[command(subcommand)]
    Oracle(OracleCommand),
    /// Print a script by which a shell completes commands, options, files and codes
    #[command(after_help = man::COMPLETIONS_HELP)]
    Completions(man::CompletionsOptions),
    /// Print the manual page of aethel or of one of its commands, or write all of them to a directory
    #[command(after_help = man::MAN_HELP)]
    Man(man::ManOptions),
}

impl Command {
    /// Whether it is `ledger export`, which has formats of its own.
    pub fn is_export(&self) -> bool {
        let export = |ledger: &LedgerOptions| matches!(ledger.command, LedgerCommand::Export { .. });
        matches!(self, Self::Ledger(ledger) if export(ledger))
    }
}

/// Options of `check`.
#[derive(Debug, Args)]
pub struct CheckOptions {
    /// Programs or directories of programs; `-` reads standard input
    #[arg(default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Also allow programs to read files below this directory
    #[arg(long, value_name = "DIR")]
    pub allow_path: Vec<PathBuf>,
    /// Mend what can be mended without changing the meaning, then say what is left
    #[arg(long)]
    pub fix: bool,
    /// With --fix, also mend what a person should look at afterwards
    #[arg(long, requires = "fix")]
    pub unsafe_fixes: bool,
    /// With --fix, write nothing; show what would change
    #[arg(long, requires = "fix")]
    pub diff: bool,
    /// Z3's resource limit for one lemma; 5 million are about a second
    #[arg(long, value_name = "STEPS", default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(1..=4_000_000_000))]
    pub rlimit: u64,
}

/// Options of `fmt`.
#[derive(Debug, Args)]
pub struct FmtOptions {
    /// Programs or directories of programs; `-` formats standard input to standard output
    #[arg(default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Write nothing; name the files that are not formatted
    #[arg(long)]
    pub check: bool,
    /// Write nothing; show what would change
    #[arg(long)]
    pub diff: bool,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunOptions {
    /// A program (.ae), a transaction list (.json), or `-` for a program on standard input
    pub file: PathBuf,
    #[command(flatten)]
    pub subject: RunSubject,
    /// Signatures of approvers, as `aethel sign` writes them; may be given several times
    #[arg(long, value_name = "FILE")]
    pub signatures: Vec<PathBuf>,
    /// Do everything but the commit; approvals may be missing, and are told
    #[arg(long)]
    pub dry_run: bool,
    /// Also write what happened as one page for a browser: outcome, balances, proof, timeline, conflicts
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Also write stages and threads as a trace for Perfetto or Chrome's DevTools
    #[arg(long, value_name = "FILE.json")]
    pub trace: Option<PathBuf>,
    /// How the run is held to the serial run before it is committed
    #[arg(long, value_enum, value_name = "HOW", default_value = "certificate")]
    pub validate: Validate,
    /// Also measure what the batch and its threads bring: some transactions one by one on a scratch ledger
    #[arg(long, conflicts_with = "dry_run")]
    pub measure: bool,
}

/// How a run is held to the serial run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Validate {
    /// The independent checker accepts its certificate
    Certificate,
    /// And a serial replay ends in the same values
    Replay,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainOptions {
    /// A code or its name, such as AE0501 or guard-failed; without one, all are listed
    #[arg(value_parser = man::CodeParser, hide_possible_values = true)]
    pub code: Option<String>,
}

/// Options of `prove`.
#[derive(Debug, Args)]
pub struct ProveOptions {
    /// A program (.ae)
    pub file: PathBuf,
    /// Write each lemma to this directory, as an SMT-LIB 2 file with the expected answer, and an index
    #[arg(long, value_name = "DIR")]
    pub smt2: Option<PathBuf>,
    /// Also allow the program to read files below this directory
    #[arg(long, value_name = "DIR")]
    pub allow_path: Vec<PathBuf>,
}

/// Options of `verify-proof`.
#[derive(Debug, Args)]
pub struct VerifyProofOptions {
    /// A proof, as `aethel ledger proof BATCH --out FILE` writes it
    pub file: PathBuf,
    /// Also find the batch that was committed with it, in this ledger or without a path in the usual one
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    #[allow(clippy::option_option, reason = "the flag may come with a path or without")]
    pub ledger: Option<Option<LedgerName>>,
    /// How long to wait, such as 10s, for a ledger that another process has open or whose server is away
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub wait: HumanDuration,
}

/// Options of `ledger`.
#[derive(Debug, Args)]
pub struct LedgerOptions {
    /// The ledger [default: `[run] ledger` in aethel.toml, else .aethel/ledger.redb]
    #[arg(
        long,
        global = true,
        env = "AETHEL_LEDGER",
        hide_env_values = true,
        value_name = "FILE|URL"
    )]
    pub ledger: Option<LedgerName>,
    /// How long to wait, such as 10s, for a ledger that another process has open or whose server is away
    #[arg(long, global = true, value_name = "TIME", default_value = "0s")]
    pub wait: HumanDuration,
    #[command(subcommand)]
    pub command: LedgerCommand,
}

/// What to do with a ledger.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Open accounts with balances from a CSV file (account,asset,balance), as one batch
    Import(ImportOptions),
    /// Print current balances
    Show {
        /// Accounts; all when none is named
        accounts: Vec<String>,
    },
    /// Print every change of an account
    History {
        /// The account
        account: String,
    },
    /// Print the journal, one line a batch
    Batches,
    /// Check the proof stored with a batch again
    Proof {
        /// Its number, or the beginning of its receipt
        batch: String,
        /// Also write the proof to this file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Write the whole journal for other programs: --format json, csv, hledger or beancount
    Export {
        /// The file to write, replaced when it is whole [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Recompute every receipt and balance
    Verify {
        /// A receipt kept elsewhere: finding it shows that nothing before it is missing
        #[arg(long, value_name = "RECEIPT")]
        head: Option<String>,
    },
    /// Copy a whole ledger to where none is, verifying every record; the copy is the same ledger from then on
    Copy {
        /// A file, or the URL of a server
        from: LedgerName,
        /// A file that does not exist, or the URL of a server with a schema in which nothing was committed
        to: LedgerName,
    },
    /// Print or change what the ledger holds programs to
    Policy {
        #[command(flatten)]
        approving: sign::Approving,
        #[command(subcommand)]
        command: Option<PolicyCommand>,
    },
}

/// Options of `ledger import`.
#[derive(Debug, Args)]
pub struct ImportOptions {
    /// A CSV file with the header account,asset,balance
    pub file: PathBuf,
    /// Decimal places of an asset that is new to the ledger, such as USD:2
    #[arg(long, value_name = "NAME:PLACES")]
    pub asset: Vec<String>,
    /// The name of the import; the same list under the same name is imported once
    #[arg(long, default_value = "import")]
    pub name: String,
    #[command(flatten)]
    pub approving: sign::Approving,
}

/// A change of the policy.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Record the decimal places of an asset
    Asset {
        /// The asset
        name: String,
        /// 0 to 18
        scale: u8,
    },
    /// Let an account go below zero
    Unbounded {
        /// The account
        account: String,
    },
    /// Forbid an account to go below zero
    Bounded {
        /// The account
        account: String,
    },
    /// Trust an oracle's key
    TrustKey {
        /// The public key, 64 hexadecimal digits
        public: String,
        /// A feed it may sign; all when none is named
        #[arg(long = "feed", value_name = "FEED")]
        feeds: Vec<String>,
    },
    /// Trust a key no longer
    DistrustKey {
        /// The key's id
        key_id: String,
    },
    /// Set the limits of a feed
    Feed {
        /// The feed
        name: String,
        /// How old a value may be
        #[arg(long, value_name = "TIME")]
        max_age: HumanDuration,
        /// How far in the future its time may lie
        #[arg(long, value_name = "TIME", default_value = "0s")]
        max_future_skew: HumanDuration,
        /// A value to compare with
        #[arg(long, value_name = "DECIMAL", requires = "max_deviation")]
        reference: Option<String>,
        /// The largest distance from the reference, as a fraction such as 0.05
        #[arg(long, value_name = "FRACTION", requires = "reference")]
        max_deviation: Option<String>,
    },
    /// Remove the limits of a feed; its values are refused from then on
    DropFeed {
        /// The feed
        name: String,
    },
    /// Say who can approve
    #[command(subcommand)]
    Approver(sign::ApproverCommand),
    /// Ask for approvals: so many of some approvers, for debits of all accounts or of some
    Require(sign::RequireOptions),
    /// Ask for the approvals of a rule no longer
    Release {
        /// The rule
        rule: String,
    },
}

/// What to do with oracles.
#[derive(Debug, Subcommand)]
pub enum OracleCommand {
    /// Make a key pair; prints the public part
    Keygen {
        /// The file for the secret key, which must not exist
        file: PathBuf,
    },
    /// Sign a value; prints a proof for `oracles` in an inputs file
    Sign {
        /// The key file
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The feed
        #[arg(long)]
        feed: String,
        /// The value, a plain decimal in units
        #[arg(long, allow_hyphen_values = true)]
        value: String,
        /// Seconds since 1970 [default: now]
        #[arg(long)]
        timestamp: Option<i64>,
        #[command(flatten)]
        unit: OracleUnit,
    },
    /// Check the signature of a proof
    Verify {
        /// A file with one proof
        proof: PathBuf,
        /// The public key, 64 hexadecimal digits
        #[arg(long)]
        public: String,
        #[command(flatten)]
        unit: OracleUnit,
    },
}

/// What a signed value is a value of.
#[derive(Debug, Args)]
pub struct OracleUnit {
    /// USD for `Balance<USD>`, BTC/USD for `Price<BTC, USD>`, nothing for plain numbers
    #[arg(long, default_value = "")]
    pub asset: String,
    /// The decimal places of the assets: 2, or 8/2
    #[arg(long, default_value = "")]
    pub scale: String,
}
