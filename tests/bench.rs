//! `aethel bench`, from outside. Figures are not looked at: they are the machine's.

use crate::schemas::fits;
use crate::support::Sandbox;

#[test]
fn scenarios_are_listed() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.aethel(&["bench", "--list"]).fine().stdout, @"
    independent   transfers between pairs of accounts that share nothing
    uniform       transfers between 10 000 accounts, drawn evenly
    hot           one account pays, 10 000 are paid in turn
    pools         ten accounts, each drawn as often, pay 10 000 others
    chain         each transfer passes on what the one before brought
    zipf          transfers between 10 000 accounts, the n-th drawn 1/n as often as the first
    liquidations  products and quotients of prices and balances with rounding; 64 accounts that buy
    ");
}

#[test]
fn help_of_bench() {
    insta::assert_snapshot!(Sandbox::new().aethel(&["bench", "--help"]).fine().stdout);
}

#[test]
fn a_run_measures_what_the_batch_brought() {
    let sandbox = Sandbox::with_examples();
    let run = |flags: &[&str]| sandbox.aethel(&[&["run", "payroll_1000.ae"], flags].concat());
    let result = &run(&["--measure", "-o", "json"]).fine().json()["batches"][0];
    let times = result["throughput_improvement"].as_f64().unwrap();
    assert!(times > 1.0, "{result:#}");
    assert!(result["parallel_speedup"].is_number());
    let baseline = &result["throughput_baseline"];
    let (measured, of) = (
        baseline["measured"].as_u64().unwrap(),
        baseline["of"].as_u64().unwrap(),
    );
    assert!((1..=100).contains(&measured) && of == 1000, "{baseline}");
    // The ledger saw the batch once, and nothing is left of the measurement.
    assert_eq!(sandbox.list(".aethel"), ["ledger.redb"]);
    assert_eq!(
        sandbox.balance(".aethel/ledger.redb", "company", "USD"),
        "1628000.00"
    );
    let batches = sandbox.aethel(&["ledger", "batches"]).fine();
    assert_eq!(
        batches
            .stdout
            .lines()
            .filter(|line| line.contains("monthly_payroll"))
            .count(),
        1
    );
    // What had been committed before is not measured, and without the flag nothing is said.
    let again = &run(&["--measure", "-o", "json"]).fine().json()["batches"][0];
    assert!(again["throughput_improvement"].is_null());
    let told = run(&["--ledger", "second.redb", "--measure"]).fine().stdout;
    assert!(
        told.contains("as fast as one by one with a proof and a commit each (measured on"),
        "{told}"
    );
    assert!(
        !run(&["--ledger", "third.redb"])
            .fine()
            .stdout
            .contains("one by one")
    );
    assert_eq!(run(&["--measure", "--dry-run"]).code, 2);
}

#[test]
fn quick_runs_are_complete_and_leave_nothing_behind() {
    let sandbox = Sandbox::new();
    let files = ["--json", "out.json", "--html", "out.html"];
    let output = sandbox
        .aethel(&[&["bench", "uniform", "liquidations", "--quick"], &files[..]].concat())
        .fine();
    assert!(output.stdout.contains("liquidations"), "{}", output.stdout);
    let report: serde_json::Value = serde_json::from_str(&sandbox.read("out.json")).unwrap();
    fits("bench", &report);
    for scenario in report["scenarios"].as_array().unwrap() {
        for line in scenario["lines"].as_array().unwrap() {
            assert!(line["serial_loop"].is_object(), "{line:#}");
            assert_eq!(line["floor"].is_object(), line["store"] == "redb", "{line:#}");
            assert_eq!(line["stages"].as_array().unwrap().len(), 6);
        }
    }
    let page = sandbox.read("out.html");
    assert!(page.contains("id=\"liquidations\"") && page.ends_with("</html>\n"));
    assert_eq!(sandbox.list("."), ["out.html", "out.json"]);
    // The same again, compared with itself.
    let again = [
        "bench",
        "uniform",
        "--quick",
        "--store",
        "memory",
        "--compare",
        "out.json",
    ];
    let output = sandbox.aethel(&again).fine();
    assert!(output.stdout.contains("now ÷ before"), "{}", output.stdout);
    sandbox.write("old.json", "{}");
    let output = sandbox.aethel(&["bench", "--quick", "--compare", "old.json"]);
    assert_eq!(output.code, 2, "{}", output.stdout);
}

#[test]
fn programs_of_users_run_with_their_inputs() {
    let sandbox = Sandbox::with_examples();
    let flags = ["--quick", "--threads", "1", "--repeat", "2", "-o", "json"];
    let report = sandbox
        .aethel(&[&["bench", "payroll_1000.ae", "exchange.ae"], &flags[..]].concat())
        .fine()
        .json();
    fits("bench", &report);
    let scenarios = report["scenarios"].as_array().unwrap();
    let loops = scenarios
        .iter()
        .map(|scenario| scenario["lines"][0]["serial_loop"].is_object());
    // A payroll is transfers; an exchange is not.
    assert_eq!(loops.collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_batch_that_fails_is_not_measured() {
    let sandbox = Sandbox::with_examples();
    let inputs = sandbox.read("payroll_1000.inputs.json");
    assert!(inputs.contains("10000000.00"), "{inputs}");
    sandbox.write("poor.json", inputs.replace("10000000.00", "10000.00"));
    let output = sandbox.aethel(&["bench", "payroll_1000.ae", "--inputs", "poor.json", "--quick"]);
    assert_eq!(output.code, 1, "{}", output.stdout);
    assert!(output.stdout.contains("AE0501"), "{}", output.stdout);
    assert!(!output.stdout.contains("threads"), "{}", output.stdout);
    assert_eq!(sandbox.aethel(&["bench", "nothing.ae", "--quick"]).code, 2);
}
