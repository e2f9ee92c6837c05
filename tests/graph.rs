//! `aethel graph`: pictures of batches.

use crate::schemas::fits;
use crate::support::{Random, Sandbox, snapshot};
use regex::Regex;
use serde_json::Value;
use std::fmt::Write;

const WEEK: &str = "\
asset USD { scale: 2; }

intent pay(from: Account<USD>, to: Account<USD>, amount: Balance<USD>) {
    guard { amount > 0; from.balance >= amount; }
    verify { from.balance == from.balance - amount; to.balance == to.balance + amount; }
}

# It looks at the balance, so it commutes with nothing.
intent tithe(from: Account<USD>, to: Account<USD>) {
    guard { let part = round(from.balance / 10, USD, down); from.balance >= part; }
    verify { from.balance == from.balance - part; to.balance == to.balance + part; }
}

atomic_batch week {
    a: pay(ann, ben, 1);
    b: pay(ben, cem, 2);
    c: pay(cem, dan, 3) after a;
    d: tithe(dan, church);
    e: tithe(ann, church) after d;
    k: pay(zoe, yan, 1);
}
";

/// Accounts that would break out of each form, if they could.
fn hostile() -> String {
    let names = [
        r#"<script>alert(1)</script>\"]; x -> y"#,
        r#"-->|x| n9[\"evil"#,
        "`1. *b* _i_ #quot; %%{init}%%",
        r"\\N \\G &amp; ]]> ' ; { }",
        "end",
        "給与 口座",
        "n0[x] --> n1",
    ];
    let mut program = WEEK.split("atomic_batch").next().unwrap().to_owned();
    program += "atomic_batch week {\n";
    for pair in names.windows(2) {
        writeln!(program, "    tithe(\"{}\", \"{}\");", pair[0], pair[1]).unwrap();
    }
    program + "}\n"
}

fn week() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("week.ae", WEEK);
    sandbox.write("hostile.ae", hostile());
    sandbox
}

#[test]
fn pictures_of_the_examples() {
    let sandbox = Sandbox::with_examples();
    sandbox.write("week.ae", WEEK);
    let mut shown = String::new();
    for arguments in [
        &["payroll.ae"][..],
        &["settlement.ae"],
        &["exchange.ae"],
        &["exchange.ae", "--nodes", "2"],
        &["payroll_1000.ae"],
        &["week.ae"],
        &["week.ae", "--nodes", "4"],
        &["week.ae", "--nodes", "2"],
        &["week.ae", "--intent", "tithe", "--bind", "tithe.from=ann"],
        &["liquidations.ae"],
    ] {
        shown += &sandbox
            .aethel(&[&["graph"][..], arguments].concat())
            .fine()
            .shown();
    }
    snapshot!("graph_text", shown);
    // No ledger is opened, let alone made.
    assert!(!sandbox.file(".aethel").exists());
}

#[test]
fn each_form_of_a_picture() {
    let sandbox = week();
    for form in ["dot", "mermaid", "svg"] {
        let output = sandbox.aethel(&["graph", "week.ae", "--as", form]).fine();
        snapshot!(format!("graph_{form}"), crate::support::redact(&output.stdout));
        sandbox
            .aethel(&["graph", "week.ae", "--as", form, "--out", "picture"])
            .fine();
        assert_eq!(sandbox.read("picture"), output.stdout);
    }
}

#[test]
fn graphviz_takes_what_is_drawn_for_it() {
    let sandbox = Sandbox::with_examples();
    sandbox.write("week.ae", WEEK);
    sandbox.write("hostile.ae", hostile());
    for (file, nodes, edges) in [
        ("week.ae", 6, 6),
        ("hostile.ae", 6, 5),
        ("settlement.ae", 5, 8),
        ("payroll_1000.ae", 1, 1),
    ] {
        let plain = sandbox
            .shell(&format!("aethel graph {file} --as dot | dot -Tplain"))
            .fine();
        assert_eq!(plain.stderr, "", "graphviz complains about {file}");
        let count = |word: &str| plain.stdout.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!(
            (count("node "), count("edge ")),
            (nodes, edges),
            "{file}: {}",
            plain.stdout
        );
    }
    // What it shows is the name, whatever stands in it.
    let script = "
import subprocess, xml.etree.ElementTree as tree
dot = subprocess.run(['aethel', 'graph', 'hostile.ae', '--as', 'dot'], capture_output=True, check=True).stdout
svg = subprocess.run(['dot', '-Tsvg'], input=dot, capture_output=True, check=True).stdout
for text in tree.fromstring(svg).iter('{http://www.w3.org/2000/svg}text'):
    print(text.text.replace('\\u00a0', ' '))
";
    sandbox.write("read.py", script);
    let texts = sandbox.shell("python3 read.py").fine();
    for name in [
        r#"RAW WAW WAR · -->|x| n9["evil"#,
        "`1. *b* _i_ #quot; %%{init}%%",
        r"\N \G &amp; ]]> ' ; { }",
        "RAW WAW WAR · 給与 口座",
    ] {
        assert!(
            texts.stdout.lines().any(|line| line == name),
            "no {name:?} in {}",
            texts.stdout
        );
    }
}

#[test]
fn mermaid_is_a_flowchart_and_nothing_else() {
    let sandbox = week();
    let text = r##""(?:[^"#&<>`\\*~$%|\[\]\n]|#\d+;|<br/>)*""##;
    let line = Regex::new(&format!(
        r"^(%% [^{{}}\n]*|flowchart TB|    n\d+\[{text}\]|    n\d+ (==>|-->|-\.->)\|{text}\| n\d+|    linkStyle [\d,]+ stroke:#999)$"
    ))
    .unwrap();
    for file in ["week.ae", "hostile.ae"] {
        let output = sandbox.aethel(&["graph", file, "--as", "mermaid"]).fine();
        for one in output.stdout.lines() {
            assert!(line.is_match(one), "{file}: {one}");
        }
    }
    assert!(
        !line.is_match("    n0[\"a\"b\"]")
            && !line.is_match("    n0 --> n1 --> n2")
            && !line.is_match("%%{init}%%")
    );
}

#[test]
fn svg_needs_nothing_and_runs_nothing() {
    let sandbox = week();
    sandbox
        .shell("aethel graph hostile.ae --as svg --out hostile.svg")
        .fine();
    let script = "
import xml.etree.ElementTree as tree
space = '{http://www.w3.org/2000/svg}'
allowed = {'svg', 'title', 'style', 'marker', 'path', 'text', 'g', 'rect'}
root = tree.parse('hostile.svg').getroot()
for one in root.iter():
    assert one.tag.startswith(space) and one.tag[len(space):] in allowed, one.tag
    assert not any(key.lower().startswith('on') or 'href' in key for key in one.attrib), one.attrib
    for value in one.attrib.values():
        assert 'http' not in value and 'javascript' not in value, value
style = root.find(space + 'style').text
assert '@import' not in style and 'url(' not in style, style
titles = [one.text for one in root.iter(space + 'title')]
print([one for one in titles if 'evil' in one][0])
";
    sandbox.write("read.py", script);
    sandbox.shell("python3 read.py").fine().says("n9[\"evil");
}

/// The levels that are drawn are those that the run has.
#[test]
fn levels_are_those_of_the_run() {
    let sandbox = Sandbox::new();
    let mut random = Random(11);
    let mut compared = 0;
    for _ in 0..12 {
        let mut program = WEEK.split("atomic_batch").next().unwrap().to_owned();
        program += "atomic_batch some {\n";
        let count = 2 + random.below(12);
        for n in 0..count {
            let (from, mut to) = (random.below(6), random.below(6));
            if from == to {
                to = (to + 1) % 6;
            }
            let call = match random.below(3) {
                0 => format!("tithe(a{from}, a{to})"),
                _ => format!("pay(a{from}, a{to}, {})", 1 + random.below(9)),
            };
            // Only on earlier ones, so that there is no circle.
            let after = match random.below(4) {
                0 if n > 0 => format!(" after t{}", random.below(n)),
                _ => String::new(),
            };
            writeln!(program, "    t{n}: {call}{after};").unwrap();
        }
        sandbox.write("some.ae", program + "}\n");
        let accounts: Vec<String> = (0..6)
            .map(|n| format!("\"a{n}\": \"{}.00\"", 5 + random.below(90)))
            .collect();
        sandbox.write(
            "some.inputs.json",
            format!(
                "{{ \"accounts\": {{ {} }}, \"open_accounts\": true }}",
                accounts.join(", ")
            ),
        );
        let run = sandbox
            .aethel(&["run", "some.ae", "--dry-run", "-o", "json"])
            .json();
        let conflicts = &run["batches"][0]["conflicts"];
        if conflicts.is_null() {
            continue;
        }
        compared += 1;
        let graph = sandbox.aethel(&["graph", "some.ae", "-o", "json"]).fine().json();
        let picture = &graph["batches"][0];
        let program = sandbox.read("some.ae");
        assert_eq!(picture["levels"], conflicts["depth"], "{program}{picture:#}");
        assert_eq!(picture["conflicts"], conflicts["consecutive"], "{program}");
        assert_eq!(picture["commuting"], conflicts["commuting"], "{program}");
        // Whoever waits is drawn below.
        let nodes = picture["nodes"].as_array().unwrap();
        let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
        for edge in picture["edges"].as_array().unwrap() {
            let rank = |end: &str| number(&nodes[number(&edge[end])]["rank"]);
            assert!(
                edge["ordered"] == false || rank("from") < rank("to"),
                "{program}{edge}"
            );
        }
    }
    assert!(compared >= 6, "only {compared} programs ran far enough");
}

#[test]
fn pictures_for_programs_are_as_described() {
    let sandbox = Sandbox::with_examples();
    for file in ["payroll.ae", "settlement.ae", "exchange.ae", "payroll_1000.ae"] {
        let all = sandbox.aethel(&["graph", file, "-o", "json"]).fine().json();
        fits("graph", &all);
        let count: u64 = all["batches"][0]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["transactions"].as_u64().unwrap())
            .sum();
        assert_eq!(all["batches"][0]["transactions"], count, "{file}");
    }
    fits(
        "graph",
        &sandbox
            .aethel(&["graph", "nothing.ae", "-o", "json"])
            .ends(2)
            .json(),
    );
}

#[test]
fn what_cannot_be_drawn_is_told() {
    let sandbox = Sandbox::with_examples();
    sandbox.write(
        "two.ae",
        format!("{WEEK}\natomic_batch next {{ pay(ann, ben, 1); }}\n"),
    );
    sandbox.write(
        "none.ae",
        "asset USD { scale: 2; }\n\nintent i(a: Account<USD>) { verify { a.balance == a.balance; } }\n",
    );
    sandbox.write(
        "list.json",
        r#"[{ "id": "a", "intent_name": "t", "accounts": { "x": { "balance": "1" }, "y": { "balance": "0" } },
        "operations": [{ "type": "transfer", "from": "x", "to": "y", "amount": "1" }] }]"#,
    );
    sandbox
        .aethel(&["graph", "two.ae"])
        .fine()
        .says("next · 1 transaction on 1 level");
    sandbox
        .aethel(&["graph", "two.ae", "--batch", "next", "--as", "dot"])
        .fine();
    sandbox
        .aethel(&["graph", "list.json"])
        .fine()
        .says("list · 1 transaction");
    let mut told = String::new();
    for (arguments, code) in [
        (&["two.ae", "--as", "svg"][..], 2),
        (&["two.ae", "--batch", "nxt"], 1),
        (&["none.ae"], 1),
        (&["nothing.ae"], 2),
        (&["list.json", "--batch", "x"], 2),
        (&["failing/settlement_loop.ae"], 1),
        (&["payroll.ae", "--out", "no/such/file"], 2),
        (&["payroll.ae", "--inputs", "payroll.ae"], 1),
    ] {
        told += &sandbox
            .aethel(&[&["graph"][..], arguments].concat())
            .ends(code)
            .shown();
    }
    assert_eq!(sandbox.aethel(&["graph", "payroll.ae", "--nodes", "1"]).code, 2);
    snapshot!("graph_wrong", told);
}
