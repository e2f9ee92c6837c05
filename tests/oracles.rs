//! p09 from outside: a batch with external values commits only when every proof holds.

use crate::support::{Output, Sandbox, root, snapshot};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const PROGRAM: &str = "asset BTC { scale: 8; }
asset USD { scale: 2; }

intent sell(seller: Account<BTC>, buyer: Account<BTC>, amount: Balance<BTC>, external btc_price: Price<BTC, USD>) {
    guard {
        btc_price_verified && btc_price_fresh;
        seller.balance >= amount;
        let cost = round(amount * btc_price, USD, half_even);
        buyer.usd_balance >= cost;
    }
    verify {
        seller.balance == seller.balance - amount;
        buyer.balance == buyer.balance + amount;
        buyer.usd_balance == buyer.usd_balance - cost;
        seller.usd_balance == seller.usd_balance + cost;
    }
}

atomic_batch sale { sell(ann, ben, 0.5); }
";

/// A ledger that trusts one key about one feed, at most a minute old, 5 s ahead and 5 % from 43000.
struct Market {
    sandbox: Sandbox,
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

impl Market {
    fn new() -> Self {
        let market = Market {
            sandbox: Sandbox::new(),
        };
        market.sandbox.write("sale.ae", PROGRAM);
        let public = market.keygen("oracle.key");
        market.sandbox.write(
            "aethel.toml",
            format!(
                "[[oracle.keys]]\npublic = \"{public}\"\nfeeds = [\"btc_price\"]\n
[oracle.feeds.btc_price]\nmax_age = \"60s\"\nmax_future_skew = \"5s\"\nreference = \"43000\"\nmax_deviation = \"0.05\"\n"
            ),
        );
        market
    }

    fn keygen(&self, file: &str) -> String {
        let made = self.sandbox.aethel(&["oracle", "keygen", file]).fine();
        made.stdout
            .lines()
            .find_map(|line| line.strip_prefix("public "))
            .unwrap()
            .to_owned()
    }

    /// A proof of the feed `btc_price`, signed as the batch needs it except for what is said otherwise.
    fn sign(&self, more: &[&str]) -> Value {
        let mut arguments = vec!["oracle", "sign"];
        let defaults = [
            ("--key", "oracle.key"),
            ("--feed", "btc_price"),
            ("--value", "43250.50"),
            ("--asset", "BTC/USD"),
            ("--scale", "8/2"),
        ];
        for (flag, value) in defaults.iter().filter(|(flag, _)| !more.contains(flag)) {
            arguments.extend([*flag, *value]);
        }
        arguments.extend(more);
        self.sandbox.aethel(&arguments).fine().json()
    }

    fn run(&self, proofs: &[Value]) -> Output {
        let balances = json!({
            "ann": { "balances": { "BTC": "1", "USD": "0.00" } },
            "ben": { "balances": { "BTC": "0", "USD": "100000.00" } },
        });
        let inputs = json!({ "accounts": balances, "oracles": proofs });
        self.sandbox.write("sale.inputs.json", inputs.to_string());
        self.sandbox
            .aethel(&["run", "sale.ae", "--ledger", "l.redb", "--key", "today"])
    }

    fn nothing_happened(&self) {
        assert!(
            !self.sandbox.file("l.redb").exists(),
            "a refused proof commits nothing"
        );
    }
}

#[test]
fn p09_a_good_proof_commits_at_its_price() {
    let market = Market::new();
    let proof = market.sign(&[]);
    market
        .run(std::slice::from_ref(&proof))
        .fine()
        .says("1 oracle proof");
    assert_eq!(market.sandbox.balance("l.redb", "ann", "USD"), "21625.25");
    assert_eq!(market.sandbox.balance("l.redb", "ben", "BTC"), "0.50000000");
    // The same key again is the same batch, whatever the price is by now.
    let later = market.sign(&["--value", "43300"]);
    assert!(market.run(&[later]).fine().first_line().contains("nothing paid"));
    assert_eq!(market.sandbox.balance("l.redb", "ann", "USD"), "21625.25");
    // The ledger keeps whom it trusts, and what that is worth.
    let policy = market
        .sandbox
        .aethel(&["ledger", "policy", "--ledger", "l.redb", "-o", "json"])
        .fine()
        .json();
    assert_eq!(policy["oracle_keys"][0]["key_id"], proof["key_id"]);
}

#[test]
fn p09_each_bad_proof_has_its_code_and_commits_nothing() {
    let market = Market::new();
    let good = market.sign(&[]);
    let changed = |key: &str, value: Value| {
        let mut proof = good.clone();
        proof[key] = value;
        vec![proof]
    };
    market.keygen("stranger.key");
    let other_key = changed("key_id", json!("0123456789abcdef"));
    let (stale, future) = ((now() - 600).to_string(), (now() + 600).to_string());
    let cases: Vec<(&str, &str, Vec<Value>)> = vec![
        ("missing", "AE0703", vec![]),
        (
            "of another feed",
            "AE0703",
            vec![market.sign(&["--feed", "eth_price"])],
        ),
        (
            "signed by a stranger",
            "AE0704",
            vec![market.sign(&["--key", "stranger.key"])],
        ),
        ("with another key's name", "AE0704", other_key),
        ("forged value", "AE0705", changed("value", json!("42250.5"))),
        (
            "forged time",
            "AE0705",
            changed("timestamp", json!(good["timestamp"].as_i64().unwrap() - 1)),
        ),
        (
            "value in another writing",
            "AE0705",
            changed("value", json!("43250.50")),
        ),
        (
            "signature of zeros",
            "AE0705",
            changed("signature", json!("0".repeat(128))),
        ),
        (
            "in another unit",
            "AE0705",
            vec![market.sign(&["--asset", "BTC/EUR"])],
        ),
        (
            "at another scale",
            "AE0705",
            vec![market.sign(&["--scale", "6/2"])],
        ),
        ("stale", "AE0706", vec![market.sign(&["--timestamp", &stale])]),
        (
            "from the future",
            "AE0707",
            vec![market.sign(&["--timestamp", &future])],
        ),
        ("too high", "AE0708", vec![market.sign(&["--value", "45150.01"])]),
        ("too low", "AE0708", vec![market.sign(&["--value", "40849.99"])]),
    ];
    let mut shown = String::new();
    for (name, code, proofs) in cases {
        let output = market.run(&proofs).fails(code);
        shown += &format!("{name}\n{}\n", output.shown());
        market.nothing_happened();
    }
    snapshot!("oracle_refusals", shown);
    // What is within the limits by a hair is accepted.
    market.run(&[market.sign(&["--value", "45150"])]).fine();
}

#[test]
fn p09_one_bad_proof_among_good_ones_stops_everything() {
    let market = Market::new();
    let text = PROGRAM.replace("atomic_batch sale { sell(ann, ben, 0.5); }", "");
    let program = text.clone()
        + &text
            .split_once("intent ")
            .map(|(_, rest)| format!("intent {rest}"))
            .unwrap()
            .replace("sell", "resell")
            .replace("btc_price", "gold_price")
        + "atomic_batch sale { sell(ann, ben, 0.5); resell(ann, ben, 0.1); }\n";
    market.sandbox.write("sale.ae", program);
    let toml = market.sandbox.read("aethel.toml");
    let toml = toml.replace("[\"btc_price\"]", "[\"btc_price\", \"gold_price\"]");
    market.sandbox.write(
        "aethel.toml",
        format!("{toml}\n[oracle.feeds.gold_price]\nmax_age = \"60s\"\n"),
    );
    let (btc, mut gold) = (
        market.sign(&[]),
        market.sign(&["--feed", "gold_price", "--value", "2000"]),
    );
    gold["value"] = json!("20");
    market
        .run(&[btc.clone(), gold.clone()])
        .fails("AE0705")
        .says("gold_price");
    market.nothing_happened();
    gold["value"] = json!("2000");
    market.run(&[btc, gold]).fine().says("2 oracle proofs");
}

#[test]
fn a_batch_with_external_values_needs_a_key() {
    let market = Market::new();
    market.run(&[market.sign(&[])]).fine();
    market
        .sandbox
        .aethel(&["run", "sale.ae", "--ledger", "other.redb"])
        .fails("AE0313")
        .says("--key");
    let typed = [
        "run",
        "sale.ae",
        "--ledger",
        "other.redb",
        "--key",
        "k",
        "--arg",
        "sell.btc_price=43000",
    ];
    market.sandbox.aethel(&typed).fails("AE0304");
}

#[test]
fn trust_comes_from_the_ledger_side_only_and_is_recorded_once() {
    // A configuration that a program brings is not believed.
    let market = Market::new();
    let proof = market.sign(&[]);
    market.sandbox.write("elsewhere/.keep", "");
    let inputs = json!({ "accounts": {
        "ann": { "balances": { "BTC": "1", "USD": "0.00" } },
        "ben": { "balances": { "BTC": "0", "USD": "100000.00" } },
    }, "oracles": [proof] });
    market.sandbox.write("sale.inputs.json", inputs.to_string());
    let elsewhere = ["run", "sale.ae", "--ledger", "elsewhere/l.redb", "--key", "k"];
    market.sandbox.aethel(&elsewhere).fails("AE0704");
    // Named by the user, it is.
    let mut named = elsewhere.to_vec();
    named.extend(["--config", "aethel.toml"]);
    market.sandbox.aethel(&named).fine();
    // Once recorded, a later file cannot widen it.
    let stranger = market.keygen("stranger.key");
    let more = format!("[[oracle.keys]]\npublic = \"{stranger}\"\n");
    market.sandbox.write("wider.toml", more);
    let wider = [
        "run",
        "sale.ae",
        "--ledger",
        "elsewhere/l.redb",
        "--key",
        "k2",
        "--config",
        "wider.toml",
    ];
    market.sandbox.aethel(&wider).fails("AE0808");
    // The journalled way is `ledger policy`; distrust works at once.
    let ledger = ["--ledger", "elsewhere/l.redb"];
    market
        .sandbox
        .aethel(&["ledger", "policy", "trust-key", &stranger, ledger[0], ledger[1]])
        .fine();
    let key_id = proof["key_id"].as_str().unwrap();
    market
        .sandbox
        .aethel(&["ledger", "policy", "distrust-key", key_id, ledger[0], ledger[1]])
        .fine();
    let again = ["run", "sale.ae", "--ledger", "elsewhere/l.redb", "--key", "k2"];
    market.sandbox.aethel(&again).fails("AE0704");
}

#[test]
fn keys_are_private_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let market = Market::new();
    let mode = std::fs::metadata(market.sandbox.file("oracle.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = market.sandbox.read("oracle.key");
    market
        .sandbox
        .aethel(&["oracle", "keygen", "oracle.key"])
        .ends(2)
        .says("AE0901");
    assert_eq!(market.sandbox.read("oracle.key"), before);
    // `oracle verify` says the same as a run.
    let key: Value = serde_json::from_str(&before).unwrap();
    let public = key["public"].as_str().unwrap();
    let mut proof = market.sign(&[]);
    let verify = |proof: &Value| {
        market.sandbox.write("proof.json", proof.to_string());
        let unit = ["--asset", "BTC/USD", "--scale", "8/2"];
        let arguments = [
            "oracle",
            "verify",
            "proof.json",
            "--public",
            public,
            unit[0],
            unit[1],
            unit[2],
            unit[3],
        ];
        market.sandbox.aethel(&arguments)
    };
    verify(&proof).fine().says("the signature fits");
    proof["value"] = json!("1");
    verify(&proof).fails("AE0705");
}

/// `sh examples/liquidations.sh` with the built binary.
fn script(argument: &str) -> Output {
    let sandbox = Sandbox::new();
    let script = root().join("examples/liquidations.sh");
    sandbox.write("tmp/.keep", "");
    let output = sandbox.shell(&format!("TMPDIR=$PWD/tmp sh '{}' {argument}", script.display()));
    assert_eq!(sandbox.list("tmp"), [".keep"], "the script cleans up");
    output
}

#[test]
fn the_liquidation_script_commits_at_the_signed_price() {
    let output = script("").fine().says("1 oracle proof");
    snapshot!("liquidations", crate::support::redact(&output.stdout));
}

#[test]
fn the_liquidation_script_with_a_forged_price_commits_nothing() {
    let output = script("forged").fails("AE0705");
    snapshot!("liquidations_forged", crate::support::redact(&output.stdout));
    script("fogred").ends(2);
}
