//! Every diagnostic code, each declared by one row here and explained by `docs/errors/<id>.md`.

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing, changes nothing.
    Note,
    /// A run may be stopped by it, or it is probably not what was meant.
    Warning,
    /// The program, input or ledger is wrong; nothing is executed or committed.
    Error,
}

impl Severity {
    /// The word people and programs read.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

macro_rules! codes {
    ($($id:ident $name:literal $severity:ident $error_type:literal;)*) => {
        /// A diagnostic code. The variant is its stable id; [`Code::name`] is the readable name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "each row's name and its page in docs/errors say what it is")]
        pub enum Code { $($id,)* }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Code] = &[$(Code::$id,)*];

            /// The stable id, such as `AE0501`.
            pub fn id(self) -> &'static str {
                match self { $(Code::$id => stringify!($id),)* }
            }

            /// The readable name, such as `guard-failed`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$id => $name,)* }
            }

            /// The severity it has unless a caller changes it.
            pub fn severity(self) -> Severity {
                match self { $(Code::$id => Severity::$severity,)* }
            }

            /// The page of `docs/errors` that explains it, in Markdown.
            pub fn page(self) -> &'static str {
                match self {
                    $(Code::$id => include_str!(concat!("../../../docs/errors/", stringify!($id), ".md")),)*
                }
            }

            /// The `error_type` of the protocol document that this code belongs to.
            pub fn error_type(self) -> &'static str {
                match self { $(Code::$id => $error_type,)* }
            }
        }
    };
}

codes! {
    // Syntax.
    AE0101 "unexpected-token" Error "SyntaxError";
    AE0102 "missing-semicolon" Error "SyntaxError";
    AE0103 "unknown-block" Error "SyntaxError";
    AE0104 "unclosed-delimiter" Error "SyntaxError";
    AE0105 "assignment-for-equality" Error "SyntaxError";
    AE0106 "other-dialect" Error "SyntaxError";
    AE0107 "nesting-too-deep" Error "SyntaxError";
    AE0108 "file-too-large" Error "SyntaxError";
    AE0109 "not-utf8" Error "SyntaxError";
    AE0110 "empty-program" Error "SyntaxError";
    AE0111 "section-order" Error "SyntaxError";
    AE0112 "bad-literal" Error "SyntaxError";
    AE0113 "unterminated-string" Error "SyntaxError";
    AE0114 "let-omitted" Note "SyntaxError";
    AE0115 "reserved-word" Error "SyntaxError";
    // Names and types.
    AE0201 "unknown-name" Error "NameError";
    AE0202 "duplicate-name" Error "NameError";
    AE0203 "unknown-asset" Error "NameError";
    AE0204 "unknown-type" Error "NameError";
    AE0205 "unknown-intent" Error "NameError";
    AE0206 "unknown-field" Error "NameError";
    AE0207 "type-mismatch" Error "TypeError";
    AE0208 "asset-mismatch" Error "TypeError";
    AE0209 "ambiguous-asset" Error "TypeError";
    AE0210 "wrong-arguments" Error "TypeError";
    AE0211 "unknown-function" Error "NameError";
    AE0212 "unknown-label" Error "NameError";
    AE0213 "shadowed-name" Warning "NameError";
    AE0214 "unused-parameter" Warning "NameError";
    AE0215 "account-never-changed" Note "NameError";
    AE0216 "flat-form" Note "NameError";
    AE0217 "bad-scale" Error "TypeError";
    AE0218 "not-a-condition" Error "TypeError";
    AE0219 "bad-modifier" Error "TypeError";
    // Meaning.
    AE0301 "value-never-fixed" Error "MeaningError";
    AE0302 "defined-twice" Error "MeaningError";
    AE0303 "circular-definition" Error "MeaningError";
    AE0304 "external-argument" Error "MeaningError";
    AE0305 "account-not-open" Error "MeaningError";
    AE0306 "opening-disagrees" Error "MeaningError";
    AE0307 "bad-operation" Error "MeaningError";
    AE0308 "bad-account-name" Error "MeaningError";
    AE0309 "bad-amount" Error "MeaningError";
    AE0310 "always-true" Warning "MeaningError";
    AE0311 "amount-may-be-negative" Note "MeaningError";
    AE0312 "too-many-rows" Error "MeaningError";
    AE0313 "key-needed" Error "MeaningError";
    AE0314 "nothing-to-run" Error "MeaningError";
    AE0315 "opening-ignored" Note "MeaningError";
    AE0316 "always-false" Error "MeaningError";
    // Dependencies.
    AE0401 "circular-dependency" Error "CircularDependencyError";
    // Execution.
    AE0501 "guard-failed" Error "GuardError";
    AE0502 "overdraft" Error "OverdraftError";
    AE0503 "overflow" Error "OverflowError";
    AE0504 "inexact-amount" Error "InexactAmountError";
    AE0505 "division-by-zero" Error "DivisionByZeroError";
    AE0506 "postcondition-failed" Error "PostconditionError";
    AE0507 "same-account" Error "SameAccountError";
    AE0508 "timeout" Error "TimeoutError";
    AE0509 "interrupted" Error "InterruptedError";
    AE0510 "worker-panicked" Error "InternalError";
    // Proof of the run.
    AE0601 "not-serializable" Error "LinearizabilityError";
    AE0602 "certificate-rejected" Error "LinearizabilityError";
    AE0603 "proof-undecided" Note "LinearizabilityError";
    // Conservation and oracles.
    AE0701 "value-created" Error "ConservationViolationError";
    AE0702 "value-destroyed" Error "ConservationViolationError";
    AE0703 "oracle-missing" Error "OracleValidationError";
    AE0704 "oracle-unknown-key" Error "OracleValidationError";
    AE0705 "oracle-bad-signature" Error "OracleValidationError";
    AE0706 "oracle-stale" Error "OracleValidationError";
    AE0707 "oracle-from-the-future" Error "OracleValidationError";
    AE0708 "oracle-out-of-tolerance" Error "OracleValidationError";
    // The ledger.
    AE0801 "ledger-io" Error "LedgerError";
    AE0802 "ledger-locked" Error "LedgerError";
    AE0803 "not-a-ledger" Error "LedgerError";
    AE0804 "ledger-damaged" Error "LedgerError";
    AE0805 "ledger-newer" Error "LedgerError";
    AE0806 "key-reused" Error "LedgerError";
    AE0807 "receipt-unknown" Error "LedgerError";
    AE0808 "policy-disagrees" Error "LedgerError";
    AE0809 "disk-full" Error "LedgerError";
    AE0810 "ledger-read-only" Error "LedgerError";
    AE0811 "outcome-unknown" Error "LedgerError";
    AE0812 "ledger-conflict" Error "LedgerError";
    AE0813 "not-in-ledger" Error "LedgerError";
    AE0814 "commit-refused" Error "LedgerError";
    AE0821 "approval-missing" Error "ApprovalError";
    AE0822 "approval-wrong" Error "ApprovalError";
    AE0823 "approval-expired" Error "ApprovalError";
    AE0824 "approval-for-other-content" Error "ApprovalError";
    AE0825 "approval-for-other-ledger" Error "ApprovalError";
    AE0826 "approval-for-other-policy" Error "ApprovalError";
    AE0827 "approval-unknown-key" Error "ApprovalError";
    AE0828 "approval-repeated" Error "ApprovalError";
    // Files, flags and inputs.
    AE0901 "file-unreadable" Error "InputError";
    AE0902 "bad-inputs" Error "InputError";
    AE0903 "bad-csv" Error "InputError";
    AE0904 "bad-json-batch" Error "InputError";
    AE0905 "unknown-binding" Error "InputError";
    AE0906 "bad-argument" Error "InputError";
    AE0907 "float-amount" Error "InputError";
    AE0908 "duplicate-key" Error "InputError";
    AE0909 "path-not-allowed" Error "InputError";
    AE0910 "bad-configuration" Error "InputError";
    AE0911 "usage" Error "InputError";
    // What `check` finds out about all states and inputs.
    AE1001 "guard-contradicts" Error "CheckError";
    AE1002 "never-commits" Error "CheckError";
    AE1003 "batch-never-commits" Error "CheckError";
    AE1004 "may-overdraw" Warning "CheckError";
    AE1005 "may-overflow" Warning "CheckError";
    AE1006 "may-divide-by-zero" Warning "CheckError";
    AE1007 "may-be-inexact" Warning "CheckError";
    AE1008 "postcondition-may-fail" Warning "CheckError";
    AE1009 "condition-implied" Note "CheckError";
    AE1010 "check-undecided" Warning "CheckError";
    AE1011 "not-attempted" Note "CheckError";
    AE1012 "example-not-replayed" Error "InternalError";
    // What `test` finds out about programs and their cases.
    AE1101 "case-failed" Error "CaseError";
    AE1102 "bad-cases" Error "CaseError";
    AE1103 "case-expects-nothing" Error "CaseError";
}

/// The index of all codes, which has one line about each.
const INDEX: &str = include_str!("../../../docs/errors/README.md");

impl Code {
    /// What it means, in one line: its row in the index of `docs/errors`.
    pub fn summary(self) -> &'static str {
        let row = format!("| [{}]", self.id());
        let line = INDEX.lines().find(|line| line.starts_with(&row));
        let cells = line.and_then(|line| line.trim_end_matches([' ', '|']).rsplit_once("| "));
        cells.map_or("", |(_, meaning)| meaning)
    }

    /// A section of its page, such as `What` or `Why`, without its title.
    pub fn section(self, title: &str) -> &'static str {
        let page = self.page();
        let heading = format!("\n## {title}\n");
        let Some(at) = page.find(&heading) else { return "" };
        let text = &page[at + heading.len()..];
        text[..text.find("\n## ").unwrap_or(text.len())].trim()
    }

    /// The code with this id (`AE0501`, any case) or name (`guard-failed`).
    pub fn find(text: &str) -> Option<Code> {
        Code::ALL
            .iter()
            .copied()
            .find(|c| c.id().eq_ignore_ascii_case(text) || c.name().eq_ignore_ascii_case(text))
    }
}
