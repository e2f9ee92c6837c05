//! p24 from outside: any bytes as a program, inputs, CSV, list, ledger, configuration, key or proof end with a
//! diagnostic that has a code; never with a panic, a hang, or a ledger that was not there before.

use crate::support::{Output, Random, Sandbox};

/// How many mutants of each kind are tried.
fn tries() -> usize {
    std::env::var("AETHEL_TEST_GARBAGE")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(40)
}

/// Changes a text as accidents and attackers do.
pub fn mutate(random: &mut Random, original: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    let interesting: [&[u8]; 16] = [
        b"\0",
        b"\xff\xfe",
        b"{",
        b"}",
        b"((((((((",
        b"\"",
        b"\\u0000",
        b"999999999999999999999999999999999999999999",
        b"-",
        b"1e400",
        b"\n",
        b",",
        "\u{202e}".as_bytes(),
        "é".as_bytes(),
        b"0x",
        b"/",
    ];
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let until = (at + random.below(12)).min(bytes.len());
        match random.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..until)),
            2 => drop(bytes.splice(at..at, interesting[random.below(16)].iter().copied())),
            3 => drop(bytes.splice(at..until, interesting[random.below(16)].iter().copied())),
            4 => {
                let piece = bytes[at..until].to_vec();
                bytes.extend(piece);
            }
            5 if at < bytes.len() => bytes[at] = random.next() as u8,
            _ => {
                let piece = bytes[at..].to_vec();
                bytes.splice(0..0, piece.into_iter().take(40));
            }
        }
    }
    bytes
}

/// Bytes without any sense.
fn noise(random: &mut Random) -> Vec<u8> {
    (0..random.below(300)).map(|_| random.next() as u8).collect()
}

/// It ended by itself, well or with a code. clap answers mistakes in the command line itself; there are none here.
fn orderly(output: &Output, what: &str) {
    assert!(
        (0..=2).contains(&output.code),
        "{what}: exit {}\n{}\n{}",
        output.code,
        output.stdout,
        output.stderr
    );
    assert!(!output.stderr.contains("panicked"), "{what}: {}", output.stderr);
    if output.code != 0 {
        let coded = output.stdout.contains("error[AE0");
        assert!(
            coded,
            "{what}: exit {} without a code\n{}{}",
            output.code, output.stdout, output.stderr
        );
    }
    let harmless = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
    assert!(
        output.stdout.chars().all(harmless),
        "{what}: control characters in {:?}",
        output.stdout
    );
}

/// Puts mutants of `original` and noise into `file` and runs the command on each.
fn attack(seed: u64, file: &str, original: &[u8], prepare: impl Fn(&Sandbox), command: &[&str]) {
    let mut random = Random(seed);
    let sandbox = Sandbox::with_examples();
    prepare(&sandbox);
    sandbox.write(file, original);
    let mut failures = 0;
    for round in 0..tries() {
        let bytes = if round % 8 == 7 {
            noise(&mut random)
        } else {
            mutate(&mut random, original)
        };
        sandbox.write(file, &bytes);
        let output = sandbox.aethel(command);
        let what = format!(
            "seed {seed}, round {round}: {command:?} on {file}:\n{:?}",
            String::from_utf8_lossy(&bytes)
        );
        orderly(&output, &what);
        failures += usize::from(output.code != 0);
    }
    assert!(
        failures > tries() / 4,
        "only {failures} of {} mutants of {file} were wrong",
        tries()
    );
}

const EXCHANGE: &[u8] = include_bytes!("../examples/exchange.ae");

#[test]
fn p24_programs() {
    let run = ["run", "program.ae", "--dry-run", "--open-accounts"];
    for (seed, original) in [
        (1, include_bytes!("../examples/payroll.ae").as_slice()),
        (2, include_bytes!("../examples/settlement.ae")),
        (3, include_bytes!("../examples/liquidations.ae")),
        (4, EXCHANGE),
    ] {
        attack(seed, "program.ae", original, |_| {}, &["check", "program.ae"]);
        attack(seed, "program.ae", original, |_| {}, &run);
    }
}

#[test]
fn p24_inputs_and_tables() {
    let inputs = include_bytes!("../examples/settlement.inputs.json");
    attack(
        11,
        "settlement.inputs.json",
        inputs,
        |_| {},
        &["run", "settlement.ae", "--dry-run"],
    );
    let trades = include_bytes!("../examples/trades.csv");
    attack(
        12,
        "trades.csv",
        &trades[..800],
        |_| {},
        &["run", "exchange.ae", "--dry-run"],
    );
    let opening = b"account,asset,balance\nann,USD,10.00\nben,USD,0.05\n";
    let import = [
        "ledger",
        "import",
        "opening.csv",
        "--asset",
        "USD:2",
        "--ledger",
        "no/ledger/here.redb/x",
    ];
    attack(
        13,
        "opening.csv",
        opening,
        |sandbox| sandbox.write("no/ledger/here.redb", "x"),
        &import,
    );
}

#[test]
fn p24_lists() {
    let list = br#"{"name": "l", "assets": {"USD": 2, "BTC": 8}, "unbounded": ["world"], "transactions": [
 {"id": "t1", "intent_name": "transfer", "accounts": {"ann": {"balances": {"USD": "10.00"}}, "ben": {"balances": {"USD": 0}}},
  "operations": [{"type": "transfer", "from": "ann", "to": "ben", "amount": "2.50", "asset": "USD"}],
  "verify_conditions": ["ann.balance >= 0"], "depends_on": []},
 {"id": "t2", "accounts": {"ben": {"balances": {"USD": 0}}}, "operations": [], "depends_on": ["t1"]}]}"#;
    attack(21, "list.json", list, |_| {}, &["run", "list.json", "--dry-run"]);
}

#[test]
fn p24_configurations_keys_and_proofs() {
    let configuration = b"[run]\nledger = \"books.redb\"\ntimeout = \"300s\"\n\n[[oracle.keys]]\npublic = \"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"\nfeeds = [\"p\"]\n\n[oracle.feeds.p]\nmax_age = \"60s\"\nreference = \"1\"\nmax_deviation = \"0.05\"\n";
    attack(
        31,
        "aethel.toml",
        configuration,
        |_| {},
        &["run", "payroll.ae", "--dry-run", "--config", "aethel.toml"],
    );
    let sandbox = Sandbox::new();
    sandbox.aethel(&["oracle", "keygen", "oracle.key"]).fine();
    let key = sandbox.read("oracle.key");
    let sign = [
        "oracle",
        "sign",
        "--key",
        "oracle.key",
        "--feed",
        "p",
        "--value",
        "1",
    ];
    let proof = sandbox.aethel(&sign).fine().stdout;
    let public = key.split('"').nth(7).unwrap().to_owned();
    attack(32, "oracle.key", key.as_bytes(), |_| {}, &sign);
    let verify = ["oracle", "verify", "proof.json", "--public", &public];
    sandbox.write("proof.json", &proof);
    sandbox.aethel(&verify).fine();
    attack(33, "proof.json", proof.as_bytes(), |_| {}, &verify);
}

#[test]
fn p24_ledgers() {
    let sandbox = Sandbox::with_examples();
    sandbox
        .aethel(&["run", "payroll.ae", "--ledger", "l.redb"])
        .fine();
    let ledger = std::fs::read(sandbox.file("l.redb")).unwrap();
    for (seed, command) in [
        (41, &["ledger", "verify", "--ledger", "l.redb"][..]),
        (42, &["ledger", "show", "--ledger", "l.redb"]),
        (43, &["ledger", "proof", "1", "--ledger", "l.redb"]),
        (44, &["run", "payroll.ae", "--ledger", "l.redb", "--key", "next"]),
    ] {
        let mut random = Random(seed);
        for round in 0..tries() {
            let mut bytes = ledger.clone();
            // Most of the file is room for more; damage the beginning, where everything is, and anything.
            for _ in 0..=random.below(30) {
                let end = if random.below(2) == 0 { bytes.len() } else { 8192 };
                bytes[random.below(end)] ^= 1 << random.below(8);
            }
            if round % 5 == 4 {
                bytes.truncate(random.below(bytes.len()));
            }
            sandbox.write("l.redb", &bytes);
            orderly(
                &sandbox.aethel(command),
                &format!("seed {seed}, round {round}: {command:?}"),
            );
        }
    }
}

#[test]
fn p24_proofs() {
    let sandbox = Sandbox::with_examples();
    sandbox
        .aethel(&["run", "payroll.ae", "--ledger", "l.redb"])
        .fine();
    sandbox
        .aethel(&["ledger", "proof", "1", "--ledger", "l.redb", "--out", "p.proof"])
        .fine();
    let proof = std::fs::read(sandbox.file("p.proof")).unwrap();
    let ledger = std::fs::read(sandbox.file("l.redb")).unwrap();
    attack(45, "p.proof", &proof, |_| {}, &["verify-proof", "p.proof"]);
    let copy = |sandbox: &Sandbox| sandbox.write("l.redb", &ledger);
    let command = ["verify-proof", "p.proof", "--ledger", "l.redb"];
    attack(46, "p.proof", &proof, copy, &command);
}

#[test]
fn p24_hostile_names_reach_no_terminal() {
    let sandbox = Sandbox::new();
    let hostile = "\u{1b}]0;pwned\u{7}\u{1b}[2J\u{202e}";
    sandbox.write("a.ae", format!("// {hostile}\natomic_batch b {{ {hostile} }}\n"));
    orderly(&sandbox.aethel(&["check", "a.ae"]), "a program");
    sandbox.write(
        "list.json",
        format!("[{{\"id\": \"{hostile}\", \"accounts\": {{}}, \"operations\": 1}}]"),
    );
    orderly(
        &sandbox.aethel(&["run", "list.json"]),
        "raw control characters in JSON",
    );
    sandbox.write("in.json", "{\"acc\rpaid\": 1}");
    sandbox.write("ok.ae", "atomic_batch b { }\n");
    orderly(
        &sandbox.aethel(&["run", "ok.ae", "--inputs", "in.json"]),
        "a lone carriage return",
    );
    let escaped = "\\u001b]0;pwned\\u0007\\u202e";
    sandbox.write(
        "list.json",
        format!("[{{\"id\": \"{escaped}\", \"accounts\": {{}}, \"operations\": []}}]"),
    );
    orderly(
        &sandbox.aethel(&["run", "list.json"]),
        "escaped control characters in JSON",
    );
    orderly(&sandbox.aethel(&["run", "list.json", "-o", "concise"]), "concise");
    orderly(&sandbox.aethel(&["ledger", "batches"]), "the journal");
}
