//! Every diagnostic code, produced by a case through the real binary, and what a person reads then.
//!
//! A case is a file `tests/cases/AEnnnn[_what].case`: commands of a POSIX shell up to the first line `--- NAME`, then the
//! files that they need. The last command's output and exit code are what counts. A code without such a file is taken
//! from its page in `docs/errors`, where a block ```` ```aethel fails AEnnnn ```` or `warns AEnnnn` is checked.

use crate::support::{Sandbox, root, snapshot};
use aethel::ir::{Code, Severity, SourceMap};
use std::collections::{BTreeMap, BTreeSet};

/// Codes whose cases stand in other tests, and the snapshot that shows them.
const ELSEWHERE: [(&str, &str); 20] = [
    ("AE0703", "oracle_refusals"),
    ("AE0704", "oracle_refusals"),
    ("AE0705", "oracle_refusals"),
    ("AE0706", "oracle_refusals"),
    ("AE0707", "oracle_refusals"),
    ("AE0708", "oracle_refusals"),
    ("AE0821", "approval_refusals"),
    ("AE0822", "approval_refusals"),
    ("AE0823", "approval_refusals"),
    ("AE0824", "approval_refusals"),
    ("AE0825", "approval_refusals"),
    ("AE0826", "approval_refusals"),
    ("AE0827", "approval_refusals"),
    ("AE0828", "approval_refusals"),
    ("AE0805", "of_no_ledger_at_hand"),
    ("AE0811", "of_no_ledger_at_hand"),
    ("AE0510", "of_faults_of_aethel"),
    ("AE0601", "of_faults_of_aethel"),
    ("AE0603", "of_faults_of_aethel"),
    ("AE1012", "of_faults_of_aethel"),
];

struct Case {
    name: String,
    script: String,
    text: String,
    files: Vec<(String, String)>,
}

impl Case {
    fn read(name: &str, text: &str) -> Case {
        let mut parts = text.split("\n--- ");
        let script = parts.next().unwrap().to_owned();
        let files = parts.map(|part| {
            let (name, content) = part.split_once('\n').unwrap_or((part, ""));
            (name.trim().to_owned(), format!("{}\n", content.trim_end()))
        });
        Case {
            name: name.to_owned(),
            script,
            text: text.trim_end().to_owned(),
            files: files.collect(),
        }
    }

    /// The first example on a code's page that must have it.
    fn from_page(code: Code) -> Option<Case> {
        let id = code.id();
        let fences = [
            format!("```aethel fails {id}\n"),
            format!("```aethel warns {id}\n"),
        ];
        let block = fences
            .iter()
            .find_map(|fence| Some(code.page().split_once(fence.as_str())?.1))?;
        let (program, _) = block.split_once("```")?;
        Some(Case::read(
            id,
            &format!("aethel check example.ae\n--- example.ae\n{program}"),
        ))
    }

    fn run(&self) {
        let sandbox = Sandbox::new();
        for (name, content) in &self.files {
            sandbox.write(name, content);
        }
        let output = sandbox.shell(&self.script);
        let id = &self.name[..6];
        let code = Code::find(id).unwrap_or_else(|| panic!("{} names no code", self.name));
        // An interrupted run ends as Ctrl-C does everywhere; notes and warnings stop nothing.
        let codes: &[i32] = match code.severity() {
            Severity::Error if id == "AE0509" => &[130],
            Severity::Error => &[1, 2],
            // What would be an error is undecided.
            _ if id == "AE1010" => &[3],
            _ => &[0],
        };
        assert!(
            codes.contains(&output.code),
            "{}: exit {}\n{}",
            self.name,
            output.code,
            output.shown()
        );
        let heading = format!("{}[{id}] {}", code.severity().as_str(), code.name());
        assert!(
            output.stdout.contains(&heading),
            "{}: no {heading:?} in\n{}",
            self.name,
            output.shown()
        );
        let shown = output.shown();
        let shown = shown
            .strip_prefix(&format!("$ {}\n", self.script))
            .unwrap_or(&shown);
        snapshot!(
            self.name.as_str(),
            format!("{}\n\n{}\n{shown}", self.text, "=".repeat(80))
        );
    }
}

/// All cases: files first, then pages.
fn cases() -> BTreeMap<String, Case> {
    let mut cases = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("tests/cases")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "case") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            cases.insert(name.clone(), Case::read(&name, &text));
        }
    }
    for code in Code::ALL {
        if !cases.keys().any(|name| name.starts_with(code.id()))
            && let Some(case) = Case::from_page(*code)
        {
            cases.insert(code.id().to_owned(), case);
        }
    }
    cases
}

#[test]
fn p22_each_case_says_what_is_wrong_where_and_what_to_do() {
    let mut wrong = Vec::new();
    for (name, case) in cases() {
        // All cases are tried before the first failure is told.
        if std::panic::catch_unwind(|| case.run()).is_err() {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "cases that differ: {wrong:?}");
}

/// There is no newer format yet, and a disk that fails between writing and answering is in no test of the binary: what
/// would be told then, from the ledger's own errors.
#[test]
fn p22_what_no_ledger_at_hand_says() {
    use aethel::store::LedgerError;
    let ledger: std::sync::Arc<str> = "books/ledger.redb".into();
    let errors = [
        LedgerError::Newer {
            ledger: ledger.clone(),
            found: 2,
        },
        LedgerError::OutcomeUnknown {
            ledger,
            batch: "monthly_payroll".into(),
            reason: "the disk did not answer".into(),
        },
    ];
    let diagnostics: Vec<_> = errors.iter().map(LedgerError::to_diagnostic).collect();
    let drawn = aethel_report::diagnostics::human(&diagnostics, &SourceMap::default(), Default::default());
    snapshot!("of_no_ledger_at_hand", drawn);
}

/// The engine or the solver would have to be wrong, or the latter to give up on a handful of payments: what would be told
/// then, by the functions that tell it.
#[test]
fn p22_what_faults_of_aethel_say() {
    use aethel::runtime::linearizability_prover::{rejected, undecided};
    use aethel::runtime::{LinearizabilityError, parallel_executor::panicked};
    use aethel_proof::check::{Check, Finding, State, Subject, Verdict, diagnostic};
    let mut sources = SourceMap::default();
    let text = "asset USD { scale: 2; }
atomic_batch payday {
    intent pay(ann: Account, ben: Account, amount: Balance) {
        guard { ann.balance >= amount; }
        verify { ann.balance == ann.balance - amount; ben.balance == ben.balance + amount; }
    }
}
";
    let source = sources.add("pay.ae", text);
    let program = aethel::Program::parse(source, text, ".".into());
    let mut problems = Vec::new();
    let lowered = program.lower(
        &aethel::Selection::default(),
        &aethel::Inputs::default(),
        aethel::Purpose::Check,
        &mut sources,
        &[],
        &mut problems,
    );
    let batch = &lowered.first().unwrap_or_else(|| panic!("{problems:?}")).batch;
    let subject = Subject::new(batch, 0, &[false, false]).unwrap();
    let asset = aethel::ir::AssetId(0);
    let state = State {
        before: vec![1000, 0],
        values: vec![aethel::ir::Value::Number(400.into())],
    };
    let finding = Finding {
        check: Check::Conserves(asset),
        verdict: Verdict::Disagreement { state },
    };
    let lost = LinearizabilityError {
        transactions: Vec::new(),
        sentences: vec![
            "`pay row 1` and `pay row 2` both saw ann at 10.00 USD and both wrote it, 6.00 USD and 6.00 USD: \
             one of the writes is lost"
                .into(),
        ],
        edges: Vec::new(),
        confirmed: None,
    };
    let foreign = aethel::certificate::Rejection::ForeignAccess {
        transaction: "pay row 2".into(),
        slot: 7,
    };
    let diagnostics = [
        panicked("index out of bounds"),
        lost.diagnostic(),
        rejected(&foreign),
        undecided("the resource limit is spent"),
        diagnostic(&subject, &finding, &sources).unwrap(),
    ];
    let drawn = aethel_report::diagnostics::human(&diagnostics, &sources, Default::default());
    snapshot!("of_faults_of_aethel", drawn);
}

#[test]
fn p22_every_code_has_a_case() {
    let shown: BTreeSet<String> = cases().keys().map(|name| name[..6].to_owned()).collect();
    let mut missing = Vec::new();
    for code in Code::ALL {
        let id = code.id();
        let elsewhere = ELSEWHERE.iter().any(|(known, _)| *known == id);
        match (shown.contains(id), elsewhere) {
            (true, false) | (false, true) => {}
            (false, false) => missing.push(id),
            (true, true) => panic!("{id} has a case, and is said to be shown elsewhere"),
        }
    }
    assert!(missing.is_empty(), "no case for {missing:?}");
    for (id, name) in ELSEWHERE {
        let path = root().join(format!("tests/snapshots/{name}.snap"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(text.contains(&format!("[{id}]")), "{name} does not show {id}");
    }
}

/// What beginners write. A case is as above in `tests/cases/mistakes`; each problem is told once, without those that
/// follow from it.
#[test]
fn p22_common_mistakes_are_answered_as_an_expert_would() {
    let folder = root().join("tests/cases/mistakes");
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let case = Case::read(&name, &std::fs::read_to_string(&path).unwrap());
        count += 1;
        let tried = std::panic::catch_unwind(|| {
            let sandbox = Sandbox::new();
            for (name, content) in &case.files {
                sandbox.write(name, content);
            }
            let output = sandbox.shell(&case.script);
            let told = output.stdout.lines().filter(|line| line.starts_with("error["));
            assert!(
                told.count() <= 1,
                "{name}: more than one error\n{}",
                output.shown()
            );
            assert_ne!(output.code, 101);
            let shown = output.shown();
            let shown = shown
                .strip_prefix(&format!("$ {}\n", case.script))
                .unwrap_or(&shown);
            snapshot!(
                format!("mistake_{name}"),
                format!("{}\n\n{}\n{shown}", case.text, "=".repeat(80))
            );
        });
        if tried.is_err() {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "mistakes whose answers differ: {wrong:?}");
    assert!(count >= 20, "{count}");
}
