//! Exports, read by the programs that they are for: the real hledger and beancount, and a CSV reader.

use crate::schemas::fits;
use crate::support::{Output, Random, Sandbox, snapshot};
use aethel::ir::AccountName;
use aethel::store::{
    BatchKey, Body, CommitOutcome, CommitRequest, Digest, FieldKey, FieldKind, ImportLine, LedgerStore,
    PlaceKey, PolicyChange, RecordKind, RedbStore, TransactionNames, import,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Names that other programs would read as something else, and pairs that they would take for one.
const ACCOUNTS: [&str; 30] = [
    "company",
    "Company",
    "COMPANY",
    "acct:main 2",
    "acct:main  2",
    "acct",
    "a::b",
    ":",
    "a:",
    "=HYPERLINK(\"http://evil\")",
    "+1",
    "-1",
    "@sum",
    "'quoted",
    "\"x\"",
    "a,b;c",
    "; comment",
    "(virtual)",
    "[balanced]",
    "* done",
    "2026-03-31",
    "Zoë",
    "漢字",
    "%41",
    "A",
    "x-43ompany",
    "equity:extra",
    "Assets:company",
    "<script>alert(1)</script>",
    "\\n",
];

/// Assets and their decimal places.
const ASSETS: [(&str, u8); 9] = [
    ("USD", 2),
    ("usd", 2),
    ("Usd", 3),
    ("unit", 9),
    ("X", 0),
    ("L-USD", 1),
    ("NULL", 2),
    ("$ \"; 1.00 EUR", 4),
    ("eighteen places of a coin", 18),
];

/// When the hostile ledger's records are made.
const NOW: u64 = 1_774_958_400_000;

fn balance(account: &str, asset: &str) -> PlaceKey {
    PlaceKey::balance(AccountName::new(account).unwrap(), asset)
}

/// Commits a batch of transactions, each a list of changes.
fn commit(
    store: &mut dyn LedgerStore,
    batch: &str,
    time_ms: u64,
    transactions: &[(&str, Vec<(PlaceKey, i128)>)],
) {
    let key = BatchKey::User(format!("k{}", store.head().sequence).as_str().into());
    let mut body = Body::new(RecordKind::Batch, time_ms, batch, key, Digest([1; 32]));
    body.transactions = TransactionNames::new();
    for (position, (name, changes)) in (0..).zip(transactions) {
        assert!(body.transactions.push(*name));
        for (place, amount) in changes {
            let known = body.places.iter().position(|known| known == place);
            let at = known.unwrap_or_else(|| {
                let old = store.read(std::slice::from_ref(place)).unwrap()[0];
                body.places.push(place.clone());
                body.values.push(old.map_or(0, |old| old.value));
                body.places.len() - 1
            });
            let value = &mut body.values[at];
            *value = if place.field.asset().is_some() {
                *value + amount
            } else {
                *amount
            };
            body.entries.push(at as u32, *amount, position);
        }
    }
    write(store, body);
}

fn write(store: &mut dyn LedgerStore, body: Body) {
    let request = CommitRequest {
        versions: Vec::new(),
        expected: Vec::new(),
        body,
        certificate: Vec::new(),
        lemmas: Vec::new(),
    };
    let outcome = store.commit(&request).unwrap();
    assert!(matches!(outcome, CommitOutcome::Committed { .. }), "{outcome:?}");
}

/// A ledger with every name in every asset, random payments, transactions that balance only together, fields, and a clock
/// that went back.
fn hostile(sandbox: &Sandbox) -> RedbStore {
    let mut store = RedbStore::open_or_new(sandbox.file("l.redb"), Duration::ZERO).unwrap();
    let mut random = Random(7);
    let mut lines = Vec::new();
    for account in ACCOUNTS {
        for (asset, _) in ASSETS {
            lines.push(ImportLine {
                account: AccountName::new(account).unwrap(),
                asset: asset.into(),
                amount: 1_000_000 + i128::from(random.next() >> 12),
            });
        }
    }
    let mut changes: Vec<PolicyChange> = ASSETS
        .iter()
        .map(|(asset, scale)| PolicyChange::AssetScale {
            asset: (*asset).into(),
            scale: *scale,
        })
        .collect();
    let field = |name: &str, kind| PolicyChange::Field {
        name: name.into(),
        kind,
    };
    changes.push(field("=limit", FieldKind::Integer));
    changes.push(field("frozen", FieldKind::Bool));
    changes.push(PolicyChange::Unbounded(AccountName::new("company").unwrap()));
    let request = import("opening \"; | balances", NOW, &lines, changes);
    assert!(matches!(
        store.commit(&request).unwrap(),
        CommitOutcome::Committed { .. }
    ));
    for round in 0..40_u64 {
        let (mut from, mut to) = (random.below(ACCOUNTS.len()), random.below(ACCOUNTS.len()));
        if from == to {
            (from, to) = (0, 1);
        }
        let (asset, _) = ASSETS[random.below(ASSETS.len())];
        let amount = random.below(20_000) as i128;
        let (from, to) = (balance(ACCOUNTS[from], asset), balance(ACCOUNTS[to], asset));
        let other = balance("漢字", "USD");
        let limit = PlaceKey {
            account: from.account.clone(),
            field: FieldKey::Integer {
                name: "=limit".into(),
            },
        };
        let frozen = PlaceKey {
            account: to.account.clone(),
            field: FieldKey::Bool {
                name: "frozen".into(),
            },
        };
        let transactions = match round % 4 {
            0 => vec![("=pay\"1\"", vec![(from, -amount), (to, amount)])],
            // A debit and a credit that are transactions of their own.
            1 => vec![
                ("debit | ; x", vec![(from, -amount)]),
                ("(credit)", vec![(to, amount)]),
                ("* nothing", vec![(other, 0)]),
            ],
            2 => vec![("fields", vec![(limit, 5), (frozen, 1)])],
            _ => vec![(
                "both",
                vec![(from, -amount), (limit, -3), (to, amount), (frozen, 0)],
            )],
        };
        // Days that go on, but for one.
        let day = if round == 20 { 0 } else { round };
        commit(
            &mut store,
            "batch = \"x\" ; y | z",
            NOW + day * 86_400_000,
            &transactions,
        );
    }
    let mut policy = Body::new(
        RecordKind::Policy,
        NOW,
        "policy",
        BatchKey::Unique([1; 16]),
        Digest([2; 32]),
    );
    policy.policy_changes = vec![PolicyChange::Unbounded(
        AccountName::new("=HYPERLINK(\"http://evil\")").unwrap(),
    )];
    write(&mut store, policy);
    store
}

type Balances = BTreeMap<(String, String), String>;

/// What the ledger itself says, without balances of zero and needless zeros: other programs leave them out.
fn ours(store: &dyn LedgerStore) -> Balances {
    let mut balances = Balances::new();
    for row in store.balances().unwrap() {
        let (place, now) = row.unwrap();
        let Some(asset) = place.field.asset() else {
            continue;
        };
        let scale = store.policy().scale(asset).unwrap();
        let amount = aethel::ir::money::format_amount(now.value, scale);
        keep(&mut balances, place.account.as_str(), asset, &amount);
    }
    balances
}

fn keep(balances: &mut Balances, account: &str, asset: &str, amount: &str) {
    let amount = match amount.contains('.') {
        true => amount.trim_end_matches('0').trim_end_matches('.'),
        false => amount,
    };
    if amount != "0" && amount != "-0" {
        balances.insert((account.to_owned(), asset.to_owned()), amount.to_owned());
    }
}

/// Names the first balance that differs.
fn same(theirs: &Balances, ours: &Balances) {
    for (place, amount) in ours {
        assert_eq!(theirs.get(place), Some(amount), "{place:?}");
    }
    assert_eq!(theirs.len(), ours.len());
}

/// The cells of a line of CSV.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
    cells
}

/// Undoes the escapes of names for hledger.
fn percent(name: &str) -> String {
    let parts: Vec<Vec<u8>> = name
        .split(':')
        .map(|part| {
            if part == "%" {
                return Vec::new();
            }
            let mut out = Vec::new();
            let mut bytes = part.bytes();
            while let Some(byte) = bytes.next() {
                match byte {
                    b'%' => {
                        let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                        let digits = std::str::from_utf8(&digits).unwrap();
                        out.push(u8::from_str_radix(digits, 16).unwrap());
                    }
                    byte => out.push(byte),
                }
            }
            out
        })
        .collect();
    String::from_utf8(parts.join(&b':')).unwrap()
}

fn tool(sandbox: &Sandbox, script: &str) -> Output {
    let output = sandbox.shell(script);
    assert_ne!(
        output.code, 127,
        "`{script}`: install what tests need with `.ci/setup test`"
    );
    output
}

fn hledger(sandbox: &Sandbox) -> Balances {
    let script = "hledger -f l.journal balance --flat --no-total --empty -O csv --layout tidy";
    let output = tool(sandbox, script).fine();
    let mut balances = Balances::new();
    for line in output.stdout.lines().skip(1) {
        let cells = cells(line);
        keep(&mut balances, &percent(&cells[0]), &percent(&cells[4]), &cells[5]);
    }
    balances
}

/// What each name of a beancount file stands for, from the file.
fn originals(text: &str) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    let mut last = String::new();
    for line in text.lines() {
        if let Some(name) = line
            .strip_prefix("1970-01-01 open ")
            .or(line.strip_prefix("1970-01-01 commodity "))
        {
            last = name.to_owned();
        } else if let Some(original) = line.strip_prefix("  aethel: \"") {
            let plain = original
                .strip_suffix('"')
                .unwrap()
                .replace("\\\"", "\"")
                .replace("\\\\", "\\");
            let plain = plain.replace("%25", "%");
            assert!(
                names.insert(last.clone(), plain).is_none(),
                "{last} is there twice"
            );
        }
    }
    names
}

/// Sums every posting with beancount's own reader and numbers; `bean-query` would round what it prints.
const SUMS: &str = "
import sys
from beancount import loader
from beancount.core import data, inventory
entries, errors, _ = loader.load_file(sys.argv[1])
assert not errors, errors
sums = {}
for entry in data.filter_txns(entries):
    for posting in entry.postings:
        sums.setdefault(posting.account, inventory.Inventory()).add_position(posting)
for account, positions in sums.items():
    for position in positions:
        print(account, position.units.currency, format(position.units.number, 'f'))
";

fn beancount(sandbox: &Sandbox) -> Balances {
    sandbox.write("sums.py", SUMS);
    // The system's Python, for which beancount was installed.
    let output = tool(sandbox, "/usr/bin/python3 sums.py \"$PWD/l.beancount\"").fine();
    let names = originals(&sandbox.read("l.beancount"));
    let mut balances = Balances::new();
    for line in output.stdout.lines() {
        let cells: Vec<&str> = line.split(' ').collect();
        keep(&mut balances, &names[cells[0]], &names[cells[1]], cells[2]);
    }
    balances
}

fn export(sandbox: &Sandbox, format: &str, file: &str) {
    let arguments = [
        "ledger", "export", "--ledger", "l.redb", "--format", format, "--out", file,
    ];
    sandbox.aethel(&arguments).fine();
    assert!(!sandbox.list(".").iter().any(|name| name.ends_with(".new")));
}

#[test]
fn hledger_and_beancount_accept_hostile_names_and_agree_on_every_balance() {
    let sandbox = Sandbox::new();
    let store = hostile(&sandbox);
    let expected = ours(&store);
    assert!(expected.len() > 250, "{}", expected.len());
    drop(store);
    export(&sandbox, "hledger", "l.journal");
    tool(&sandbox, "hledger -f l.journal check --strict").fine();
    same(&hledger(&sandbox), &expected);
    export(&sandbox, "beancount", "l.beancount");
    let checked = tool(&sandbox, "bean-check l.beancount").fine();
    assert_eq!(checked.stdout + &checked.stderr, "");
    same(&beancount(&sandbox), &expected);
    // hledger compares the balances itself: one that is wrong by a minor unit is found.
    let text = sandbox.read("l.journal");
    let last = text.rfind(" = ").unwrap() + 3;
    let wrong = format!("{}1{}", &text[..last], &text[last..]);
    sandbox.write("wrong.journal", wrong);
    assert_ne!(tool(&sandbox, "hledger -f wrong.journal check").code, 0);
}

#[test]
fn csv_has_every_movement_and_no_formula() {
    let sandbox = Sandbox::new();
    let store = hostile(&sandbox);
    let (expected, policy) = (ours(&store), store.policy().clone());
    drop(store);
    export(&sandbox, "csv", "l.csv");
    let text = sandbox.read("l.csv");
    let mut sums: BTreeMap<(String, String), i128> = BTreeMap::new();
    let mut fields = 0;
    for line in text.lines().skip(1) {
        let cells = cells(line);
        assert_eq!(cells.len(), 12, "{line}");
        for (at, cell) in cells.iter().enumerate() {
            let number = at == 7 || at == 9;
            assert!(
                number || !cell.trim_start().starts_with(['=', '+', '-', '@']),
                "{line}"
            );
        }
        let plain = |cell: &String| cell.strip_prefix('\'').unwrap_or(cell).to_owned();
        fields += usize::from(!cells[8].is_empty());
        if !cells[6].is_empty() {
            let scale = policy.scale(&plain(&cells[6])).unwrap();
            let amount = aethel::ir::money::parse_amount(&cells[7], scale).unwrap();
            *sums.entry((plain(&cells[5]), plain(&cells[6]))).or_default() += amount;
        }
    }
    let mut balances = Balances::new();
    for ((account, asset), sum) in sums {
        let scale = policy.scale(&asset).unwrap();
        keep(
            &mut balances,
            &account,
            &asset,
            &aethel::ir::money::format_amount(sum, scale),
        );
    }
    same(&balances, &expected);
    assert_eq!(fields, 40);
    // Every record is there, also one that moves nothing.
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("42,") && last.contains(",policy,"), "{last}");
}

#[test]
fn json_holds_everything_and_adds_up() {
    let sandbox = Sandbox::new();
    let store = hostile(&sandbox);
    let (expected, head) = (ours(&store), store.head());
    let whole: usize = (1..=head.sequence)
        .map(|sequence| store.record(sequence).unwrap().unwrap().body.entries.len())
        .sum();
    drop(store);
    let output = sandbox
        .aethel(&["ledger", "export", "--format", "json", "--ledger", "l.redb"])
        .fine();
    let value = output.json();
    fits("export", &value);
    let mut balances = Balances::new();
    for row in value["balances"].as_array().unwrap() {
        if let Some(asset) = row["asset"].as_str() {
            keep(
                &mut balances,
                row["account"].as_str().unwrap(),
                asset,
                row["amount"].as_str().unwrap(),
            );
        }
    }
    same(&balances, &expected);
    let records = value["records"].as_array().unwrap();
    assert_eq!(records.len() as u64, head.sequence);
    assert_eq!(value["head"], head.receipt.to_string());
    for (record, next) in records.iter().zip(&records[1..]) {
        assert_eq!(record["receipt"], next["previous"]);
    }
    assert_eq!(value["head"], records.last().unwrap()["receipt"]);
    let entries = |record: &Value| record["entries"].as_array().unwrap().len();
    assert_eq!(records.iter().map(entries).sum::<usize>(), whole);
}

#[test]
fn exports_of_a_run_read_well() {
    let sandbox = Sandbox::with_examples();
    sandbox
        .aethel(&["run", "payroll.ae", "--ledger", "l.redb"])
        .fine();
    sandbox
        .aethel(&["run", "exchange.ae", "--ledger", "l.redb"])
        .fine();
    let mut shown = String::new();
    for format in ["hledger", "beancount", "csv"] {
        export(&sandbox, format, "out");
        let text = sandbox.read("out");
        let head: Vec<&str> = text.lines().take(24).collect();
        shown += &format!("{format}\n\n{}\n\n", head.join("\n"));
    }
    snapshot!("exports", crate::support::redact(&shown));
    // From an environment, and what is no export.
    let mut command = sandbox.command(&["ledger", "export", "--ledger", "l.redb"]);
    command.env("AETHEL_OUTPUT_FORMAT", "json");
    assert_eq!(crate::support::finish(command, b"").fine().json()["schema"], 1);
    sandbox
        .aethel(&["ledger", "export", "--ledger", "l.redb"])
        .ends(2)
        .says("--format");
    sandbox
        .aethel(&["ledger", "show", "--ledger", "l.redb", "-o", "csv"])
        .ends(2)
        .says("AE0911");
    let nowhere = [
        "ledger",
        "export",
        "--ledger",
        "l.redb",
        "--format",
        "csv",
        "--out",
        "no/where.csv",
    ];
    sandbox.aethel(&nowhere).ends(2).says("AE0901");
    sandbox
        .aethel(&["ledger", "export", "--ledger", "none.redb", "--format", "csv"])
        .ends(2)
        .says("AE0813");
}

#[test]
fn an_empty_ledger_is_exported_too() {
    let sandbox = Sandbox::new();
    // Nothing but a policy.
    sandbox
        .aethel(&["ledger", "policy", "asset", "USD", "2", "--ledger", "l.redb"])
        .fine();
    for (format, file, check) in [
        ("hledger", "l.journal", "hledger -f l.journal check --strict"),
        ("beancount", "l.beancount", "bean-check l.beancount"),
        ("csv", "l.csv", "test $(wc -l < l.csv) = 2"),
        ("json", "l.json", "true"),
    ] {
        export(&sandbox, format, file);
        tool(&sandbox, check).fine();
    }
}
