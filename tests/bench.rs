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
fn quick_runs_are_complete_and_leave_nothing_behind() {
    let sandbox = Sandbox::new();
    let output = sandbox
        .aethel(&[
            "bench",
            "uniform",
            "liquidations",
            "--quick",
            "--json",
            "out.json",
        ])
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
    assert_eq!(sandbox.list("."), ["out.json"]);
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
