#!/bin/sh
# Liquidations at an oracle's price, from nothing to a committed batch: makes a key, trusts it, signs a price, runs.
#
#   sh examples/liquidations.sh           the price arrives as it was signed: the batch is committed
#   sh examples/liquidations.sh forged    somebody changed it on the way: AE0705, and nothing is committed
#
# Everything happens in a temporary directory. AETHEL names the binary; without it cargo builds and runs it.
set -eu

examples=$(cd "$(dirname "$0")" && pwd)
aethel() {
    if [ -n "${AETHEL:-}" ]; then
        "$AETHEL" "$@"
    else
        cargo run --release -q --manifest-path "$examples/../Cargo.toml" -p aethel-cli -- "$@"
    fi
}

case "${1:-}" in
    '' | forged) ;;
    *) echo "usage: sh liquidations.sh [forged]" >&2 && exit 2 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cp "$examples/liquidations.ae" "$examples/positions.csv" "$examples/liquidations_opening.csv" "$work"
cd "$work"

# The oracle has a key. In real life it is on the oracle's machine, and only the public part comes here.
public=$(aethel oracle keygen oracle.key | sed -n 's/^public //p')

# The bank says whom it believes, in the file beside its ledger: that key, about that price, for a minute, and never more
# than 5 % away from the reference. The first batch records it in the ledger.
cat >aethel.toml <<END
[[oracle.keys]]
public = "$public"
feeds = ["btc_price"]

[oracle.feeds.btc_price]
max_age = "60s"
reference = "43000"
max_deviation = "0.05"
END

# The oracle signs the price of now.
proof=$(aethel oracle sign --key oracle.key --feed btc_price --value 43250.50 --asset BTC/USD --scale 8/2)
if [ "${1:-}" = forged ]; then
    proof=$(printf '%s\n' "$proof" | sed 's/"value":"43250.5"/"value":"42250.5"/')
fi

# Everybody's balances before, and the proof, are the inputs of the run.
printf '{ "accounts_csv": "liquidations_opening.csv", "oracles": [%s] }\n' "$proof" >liquidations.inputs.json

aethel run liquidations.ae --ledger bank.redb --key 2026-03-31
