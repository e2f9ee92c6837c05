//! `aethel run --trace`: the format of Chrome's traces, read by the importer of Chromium's own developer tools.

use crate::browser::{Browser, DESKTOP};
use crate::report::exchange;
use crate::support::Sandbox;
use serde_json::Value;
use std::collections::BTreeMap;

fn trace(sandbox: &Sandbox, name: &str) -> Vec<Value> {
    let trace: Value = serde_json::from_str(&sandbox.read(name)).unwrap();
    assert_eq!(trace["displayTimeUnit"], "ns");
    trace["traceEvents"].as_array().unwrap().clone()
}

fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["ph"] == kind).collect()
}

#[test]
fn a_trace_has_every_stage_and_every_transaction() {
    let sandbox = Sandbox::new();
    exchange(&sandbox, 1_000);
    sandbox
        .aethel(&[
            "run",
            "exchange.ae",
            "--threads",
            "2",
            "--trace",
            "t.json",
            "-o",
            "json",
        ])
        .fine();
    let events = trace(&sandbox, "t.json");
    let slices = of_kind(&events, "X");
    let stages: Vec<&str> = slices
        .iter()
        .filter(|slice| slice["cat"] == "stage")
        .map(|slice| slice["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        stages,
        [
            "① dependencies",
            "② conflicts",
            "③ execution",
            "④ proof",
            "⑤ conservation",
            "⑥ commit"
        ]
    );
    let mut ends: BTreeMap<u64, f64> = BTreeMap::new();
    let mut ran = 0;
    for slice in &slices {
        let (from, took) = (slice["ts"].as_f64().unwrap(), slice["dur"].as_f64().unwrap());
        // Slices of a track come one after the other: a viewer takes overlapping ones for nested.
        let end = ends.entry(slice["tid"].as_u64().unwrap()).or_insert(0.0);
        assert!(from >= *end - 0.001 && took >= 0.0, "{slice}");
        *end = from + took;
        if slice["cat"] == "transactions" {
            ran += slice["args"]["count"].as_u64().unwrap();
        }
    }
    assert_eq!(ran, 1_000);
    let conflicts = slices
        .iter()
        .find(|slice| slice["name"] == "② conflicts")
        .unwrap();
    assert!(
        conflicts["args"]["lemmas"]
            .as_array()
            .unwrap()
            .iter()
            .any(|name| name == "escrow debit")
    );
    assert_eq!(of_kind(&events, "i")[0]["name"], "committed");
}

#[test]
fn failures_and_several_batches_have_traces_too() {
    let sandbox = Sandbox::with_examples();
    let failing = [
        "--inputs",
        "failing/payroll_1000.inputs.json",
        "--trace",
        "f.json",
    ];
    sandbox
        .aethel(&[&["run", "payroll_1000.ae"], &failing[..]].concat())
        .ends(1);
    let events = trace(&sandbox, "f.json");
    let name = of_kind(&events, "i")[0]["name"].as_str().unwrap().to_owned();
    assert!(
        name.starts_with("not committed: `pay` row 1000: company has too little"),
        "{name}"
    );
    sandbox.write(
        "two.ae",
        "asset USD { scale: 2; }\naccount bank { unbounded; }\nintent pay(bank: Account<USD>, to: Account<USD>, amount: \
         Balance<USD>) {\n    guard { amount >= 0; }\n    verify { bank.balance == bank.balance - amount; to.balance == \
         to.balance + amount; }\n}\natomic_batch first { pay(bank, alice, 1); }\natomic_batch second { pay(bank, bob, 2); }\n",
    );
    sandbox
        .aethel(&["run", "two.ae", "--open-accounts", "--trace", "two.json"])
        .fine();
    let events = trace(&sandbox, "two.json");
    let names: Vec<_> = events
        .iter()
        .filter(|event| event["name"] == "process_name")
        .collect();
    assert_eq!(names[1]["args"]["name"], "batch second");
    let begins = |process: u64| {
        let first = events
            .iter()
            .find(|event| event["pid"] == process && event["ph"] == "X");
        first.unwrap()["ts"].as_f64().unwrap()
    };
    assert!(begins(2) > begins(1), "on one axis of time");
    // What never began is an empty trace.
    sandbox
        .aethel(&["run", "missing.ae", "--trace", "none.json"])
        .ends(2);
    assert_eq!(trace(&sandbox, "none.json").len(), 0);
}

/// The importer behind the Performance panel of the developer tools, in the browser that has it.
const IMPORT: &str = "(async () => {
    const Trace = await import('devtools://devtools/bundled/models/trace/trace.js').catch(() => null);
    if (!Trace) return null;
    const model = Trace.TraceModel.Model.createWithAllHandlers();
    await model.parse(TRACE.traceEvents, { metadata: {}, isFreshRecording: false });
    const parsed = model.parsedTrace();
    const data = parsed.data ?? parsed;
    const threads = [...data.Renderer.processes.get(1).threads.values()];
    return {
        process: data.Meta.processNames.get(1).args.name,
        threads: threads.map((one) => [one.name, one.entries.map((entry) => [entry.name, entry.ts, entry.dur])]),
    };
})()";

#[test]
fn developer_tools_import_it() {
    let sandbox = Sandbox::new();
    exchange(&sandbox, 2_000);
    sandbox
        .aethel(&["run", "exchange.ae", "--threads", "2", "--trace", "t.json"])
        .fine();
    let mut browser = Browser::start();
    let mut tab = browser.tab(DESKTOP);
    tab.go("devtools://devtools/bundled/devtools_app.html");
    let imported = tab.eval(&IMPORT.replace("TRACE", &sandbox.read("t.json")));
    if imported.is_null() {
        eprintln!("this Chromium keeps its importer elsewhere: the trace was not imported");
        return;
    }
    assert_eq!(imported["process"], "batch trades");
    let threads = imported["threads"].as_array().unwrap();
    let names: Vec<&str> = threads.iter().map(|one| one[0].as_str().unwrap()).collect();
    assert_eq!(names, ["stages", "thread 1", "thread 2"]);
    let events = trace(&sandbox, "t.json");
    let slices = of_kind(&events, "X");
    let entries: usize = threads.iter().map(|one| one[1].as_array().unwrap().len()).sum();
    assert_eq!(entries, slices.len(), "every slice came through");
    let commit = threads[0][1].as_array().unwrap().last().unwrap();
    let own = slices.iter().find(|slice| slice["name"] == "⑥ commit").unwrap();
    assert_eq!(
        [&commit[1], &commit[2]],
        [&own["ts"], &own["dur"]],
        "to the nanosecond"
    );
}
