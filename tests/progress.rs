//! Progress on a terminal, in a pseudo terminal that `script` makes; `log` is what a person would see.
//!
//! Nothing here is timed: the program comes by standard input, and not before the log shows that it is waited for.

use crate::support::Sandbox;

const PROGRAM: &str = "intent nop(a: Account) { guard { a.balance >= 0; } }\n";

/// Gives the program once progress is shown.
const WHEN_SHOWN: &str = "until grep -q reading log; do sleep 0.1; done";

/// Runs a shell script on a terminal; gives what was shown on it.
fn on_a_terminal(script: &str) -> String {
    let sandbox = Sandbox::new();
    sandbox.write("nop.ae", PROGRAM);
    sandbox.write("script.sh", format!("stty cols 100 rows 30\n{script}\n"));
    sandbox.shell("TERM=xterm SHELL=/bin/sh script -qefc 'sh script.sh' log < /dev/null");
    let log = sandbox.read("log");
    let (_, shown) = log.split_once('\n').unwrap();
    let (shown, _) = shown.rsplit_once("\nScript done").unwrap_or((shown, ""));
    shown.to_owned()
}

/// What is left on the terminal when lines are taken back as it is asked to.
fn left(shown: &str) -> &str {
    shown.rsplit_once("\u{1b}[2K").map_or(shown, |(_, left)| left)
}

#[test]
fn long_work_says_how_far_it_is_and_leaves_only_its_result() {
    for (options, result) in [("", "2 proved"), ("-o json", "\"schema\"")] {
        let shown = on_a_terminal(&format!(
            "{{ {WHEN_SHOWN}; cat nop.ae; }} | aethel check - {options}"
        ));
        assert!(shown.contains("reading -"), "{shown:?}");
        let left = left(&shown);
        assert!(!left.contains("reading") && !left.contains('\u{1b}'), "{shown:?}");
        assert!(left.contains(result), "{left:?}");
        if !options.is_empty() {
            serde_json::from_str::<serde_json::Value>(left.trim()).unwrap();
        }
    }
}

#[test]
fn an_interruption_leaves_a_clean_terminal() {
    let shown = on_a_terminal(&format!(
        "{{ {WHEN_SHOWN}; kill -INT $(cat pid); while kill -0 $(cat pid) 2> /dev/null; do sleep 0.1; done; }} |
            sh -c 'echo $$ > pid; exec aethel check -'
        echo exit $?"
    ));
    assert!(shown.contains("reading -"), "{shown:?}");
    assert_eq!(left(&shown).trim(), "exit 130", "{shown:?}");
}

#[test]
fn where_nobody_looks_nothing_is_shown() {
    let slowly = "{ sleep 1; cat nop.ae; } |";
    for quiet in [
        format!("{slowly} aethel check - --no-progress"),
        format!("{slowly} aethel check - -q"),
        format!("{slowly} CI=true aethel check -"),
        format!("{slowly} TERM=dumb aethel check -"),
        format!("{slowly} aethel check - 2> errors; cat errors"),
    ] {
        let shown = on_a_terminal(&quiet);
        assert!(
            !shown.contains("reading") && !shown.contains('\u{1b}'),
            "{quiet}: {shown:?}"
        );
    }
}
