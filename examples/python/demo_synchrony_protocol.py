"""The six stages on a day of an exchange: what waits for what, why no order is needed, what is proved, what is kept.

    python demo_synchrony_protocol.py

runs a hundred trades with ten pools and shows what each stage found; then two trades of one account that do conflict, a
batch that would make money out of nothing, and one with a circle.
"""

from aethel import BatchProcessor, Transaction


def trade(trader: int) -> Transaction:
    """A trader gives 100 to a pool."""
    return Transaction(
        id=f"trade_{trader}",
        intent_name="swap",
        accounts={f"trader_{trader}": {"balance": 10000}, f"pool_{trader % 10}": {"balance": 1000000}},
        operations=[{"type": "swap", "amount": 100}],
        verify_conditions=[],
    )


def move(id: str, payer: str, payee: str, amount: int, depends_on: list[str] | None = None) -> Transaction:
    """A payment among accounts of which only Ann's has money, 100."""
    accounts = {name: {"balance": 100 if name == "ann" else 0} for name in (payer, payee)}
    steps = [{"type": "transfer", "from": payer, "to": payee, "amount": amount}]
    return Transaction(id, "transfer", accounts, steps, depends_on=depends_on or [])


def main() -> None:
    """Runs the four batches."""
    processor = BatchProcessor(num_threads=8)

    print("A hundred trades with ten pools")
    result = processor.execute_batch([trade(n) for n in range(100)], name="trades")
    assert result.success, result.report()
    for stage in result.stages:
        found = ", ".join(f"{number} {what}" for what, number in stage.numbers.items())
        print(f"  {stage.number} {stage.name:<14}{stage.seconds * 1000:8.2f} ms  {found}")
    proof, sums = result.linearizability_proof, result.conservation_proof
    assert proof is not None and sums is not None
    print(f"  equals the serial run of {len(proof.serial_order)} transactions, by {len(proof.lemmas)} lemmas of {proof.solver}")
    for asset in sums.assets:
        print(f"  all accounts together: {asset.before} {asset.asset} before, {asset.after} after")
    print(f"  threads: {result.thread_count} ({result.threads_why})")
    print(f"  receipt {result.receipt}")
    assert processor.balance("trader_42") == 9900 and processor.balance("pool_2") == 1001000

    print("\nBen passes on what Ann gives him: the second must wait for the first")
    batch = [move("second", "ben", "cem", 30, depends_on=["first"]), move("first", "ann", "ben", 30)]
    result = processor.execute_batch(batch, name="chain")
    assert result.success and result.linearizability_proof is not None
    print(f"  ran as {' then '.join(result.linearizability_proof.serial_order)}; cem has {processor.balance('cem')}")

    print("\nA credit without a debit")
    gift = Transaction("gift", "gift", {"dan": {"balance": 0}}, [{"type": "credit", "account": "dan", "amount": 5}])
    result = processor.execute_batch([gift], name="gift")
    assert not result.success
    print(f"  {result.error_type}: {result.error_message}")
    assert processor.balance("dan") is None

    print("\nTwo that wait for each other")
    circle = [move("a", "eve", "fay", 0, depends_on=["b"]), move("b", "fay", "eve", 0, depends_on=["a"])]
    result = processor.execute_batch(circle, name="circle")
    assert not result.success
    print(f"  {result.error_type}: {result.error_message}")


if __name__ == "__main__":
    main()
