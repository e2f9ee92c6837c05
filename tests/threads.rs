//! p10 and p14 from outside: the number of threads changes nothing but times.

use crate::run::EXAMPLES;
use crate::support::Sandbox;
use serde_json::Value;

/// What may differ: times, what is derived from them, and what speaks about threads or the moment of the commit.
const VARIES: [&str; 14] = [
    "execution_time",
    "throughput_improvement",
    "throughput_baseline",
    "parallel_speedup",
    "avg_parallelism",
    "duration_ns",
    "thread_count",
    "threads",
    "threads_why",
    "transactions_parallel",
    "chunks",
    "sequence_of_transactions",
    "way",
    "receipt",
];

/// Removes what may differ; gives the keys that it met.
fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !VARIES.contains(&key.as_str()));
            map.values_mut().for_each(strip);
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}

#[test]
fn p10_p14_any_number_of_threads_gives_the_same() {
    for example in EXAMPLES {
        let outcome = |threads: &str| {
            let sandbox = Sandbox::with_examples();
            let run = [
                "run",
                example,
                "--ledger",
                "l.redb",
                "--threads",
                threads,
                "-o",
                "json",
            ];
            let mut report = sandbox.aethel(&run).fine().json();
            let why = report["batches"][0]["threads_why"].as_str().unwrap_or_default();
            assert!(
                why.contains("asked for"),
                "{threads} threads were asked for: {why}"
            );
            strip(&mut report);
            let show = ["ledger", "show", "--ledger", "l.redb", "-o", "json"];
            (sandbox.aethel(&show).fine().stdout, format!("{report:#}"))
        };
        let one = outcome("1");
        for threads in ["2", "8", "8"] {
            let other = outcome(threads);
            assert_eq!(one.0, other.0, "{example} on {threads} threads: balances");
            assert_eq!(one.1, other.1, "{example} on {threads} threads: report");
        }
    }
}

#[test]
fn p10_any_number_of_threads_fails_the_same_way() {
    let failing: [&[&str]; 2] = [
        &["run", "failing/bonus.ae"],
        &[
            "run",
            "payroll_1000.ae",
            "--inputs",
            "failing/payroll_1000.inputs.json",
        ],
    ];
    for arguments in failing {
        let diagnostics = |threads: &str| {
            let sandbox = Sandbox::with_examples();
            let mut arguments = arguments.to_vec();
            arguments.extend(["--threads", threads, "-o", "json"]);
            let report = sandbox.aethel(&arguments).ends(1).json();
            assert_eq!(sandbox.list(".aethel"), [""; 0]);
            format!("{:#}", report["diagnostics"])
        };
        let one = diagnostics("1");
        assert!(one.contains("AE0"), "{one}");
        for threads in ["2", "8"] {
            assert_eq!(diagnostics(threads), one, "{arguments:?} on {threads} threads");
        }
    }
}
