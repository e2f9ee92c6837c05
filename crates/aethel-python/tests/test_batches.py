"""Lists of transactions mean what they mean for `aethel run`."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import command_line, many, pay

from aethel import BatchError, BatchProcessor, Transaction


def test_all_or_nothing(processor: BatchProcessor) -> None:
    first = processor.execute_batch([pay("a", "ann", "ben", 60)])
    assert first.success and processor.balance("ann") == 40
    second = processor.execute_batch(
        [pay("b", "ann", "ben", 30, (40, 60)), pay("c", "ann", "ben", 11, (40, 60))]
    )
    assert not second.success
    assert second.error_message == "`c`: ann has too little"
    assert second.error_type == "TransactionError" or second.error_type
    assert (second.transactions_executed, second.balances) == (0, ())
    assert (processor.balance("ann"), processor.balance("ben")) == (40, 60)
    with pytest.raises(BatchError, match="too little") as caught:
        second.raise_for_error()
    assert caught.value.code == "AE0501" and caught.value.span is not None
    first.raise_for_error()


def test_value_is_not_made(processor: BatchProcessor) -> None:
    gift = Transaction(
        "gift", "gift", {"ann": {"balance": 0}}, [{"type": "credit", "account": "ann", "amount": 1}]
    )
    result = processor.execute_batch([gift])
    assert (result.success, result.error_type) == (False, "ConservationViolationError")
    assert result.conservation_proof is None
    assert processor.balances() == []


def test_conditions_and_order(processor: BatchProcessor) -> None:
    later = pay("later", "ben", "cem", 5, (0, 0))
    result = processor.execute_batch([later, pay("sooner", "ann", "ben", 5)])
    assert not result.success and result.error_message == "`later`: ben has too little"
    later.depends_on = ["sooner"]
    later.verify_conditions = ["cem.balance == old(cem.balance) + 5", "ben.balance == 0"]
    result = processor.execute_batch([later, pay("sooner", "ann", "ben", 5)])
    assert result.success, result.error_message
    assert result.linearizability_proof is not None
    assert result.linearizability_proof.serial_order == ["sooner", "later"]
    circle = [pay("x", "ann", "ben", 1, (95, 0)), pay("y", "ben", "cem", 1, (0, 5))]
    circle[0].depends_on, circle[1].depends_on = ["y"], ["x"]
    result = processor.execute_batch(circle)
    assert result.error_type == "CircularDependencyError", result.error_type


def test_several_assets_and_accounts_below_zero() -> None:
    processor = BatchProcessor(assets={"USD": 2, "BTC": 8}, unbounded=["world"])
    exchange = Transaction(
        "exchange",
        "swap",
        {"ann": {"balances": {"USD": "1.50"}}, "desk": {"balances": {"BTC": "0.00000002"}}},
        [],
    )
    given = Transaction(
        "given",
        "issue",
        {"world": {"balances": {"USD": 0}}, "ann": {"balances": {"USD": "1.50"}}},
        [{"type": "transfer", "from": "world", "to": "ann", "amount": "10"}],
    )
    result = processor.execute_batch([exchange, given])
    assert result.success, result.error_message
    assert processor.balance("world") == -10
    assert processor.balance("desk", "BTC") == Decimal("0.00000002")
    assert processor.balance("desk", "USD") is None and processor.balance("nobody") is None
    assert [one.unbounded for one in result.balances if one.account == "world"] == [True]
    with pytest.raises(KeyError, match="was not changed"):
        result.balance("desk")


def test_names_keys_and_dry_runs(processor: BatchProcessor) -> None:
    rehearsal = processor.execute_batch([pay("t", "ann", "ben", 1)], name="march", dry_run=True)
    assert rehearsal.success and rehearsal.dry_run and rehearsal.balance("ben") == 1
    assert rehearsal.receipt is None and processor.balances() == []
    once = processor.execute_batch([pay("t", "ann", "ben", 1)], name="march", key="2026-03")
    assert (once.batch, once.key, once.already_committed) == ("march", "2026-03", False)
    twice = processor.execute_batch([pay("t", "ann", "ben", 1)], name="march", key="2026-03")
    assert twice.success and twice.already_committed and twice.transactions_executed == 0
    assert twice.receipt == once.receipt and "already_committed" in repr(twice)
    other = processor.execute_batch([pay("t", "ann", "ben", 2, (99, 1))], name="march", key="2026-03")
    assert not other.success and other.error_code is not None
    assert processor.balance("ben") == 1
    for wrong in ("", "x" * 200, "a\nb"):
        assert processor.execute_batch(many(1), key=wrong).error_code == "AE0911"


def test_a_single_transaction_is_a_batch_of_one(processor: BatchProcessor) -> None:
    single = processor.execute_single_transaction(pay("tx1", "ann", "ben", 1))
    batch = BatchProcessor().execute_batch([pay("tx1", "ann", "ben", 1)], name="tx1")
    assert single.success and single.batch == "tx1"
    assert single.content_hash == batch.content_hash and single.balances == batch.balances


def test_an_empty_batch_and_a_generator(processor: BatchProcessor) -> None:
    empty = processor.execute_batch([])
    assert empty.success and empty.transactions_executed == 0
    assert processor.execute_batch(pay(f"t{n}", "ann", "ben", 1) for n in range(3)).transactions_executed == 3


def test_dictionaries_do_as_well(processor: BatchProcessor) -> None:
    one: Any = {"id": "t", "accounts": {"ann": {"balance": 1}}, "operations": []}
    assert processor.execute_batch([one]).success
    result = processor.execute_batch([{**one, "opperations": []}])
    assert result.error_code == "AE0904" and "opperations" in str(result.error_message)


def test_threads_change_nothing() -> None:
    results = [
        BatchProcessor(threads, exact_threads=exact).execute_batch(many(500))
        for threads in (1, 2, 8, 4096)
        for exact in (False, True)
    ]
    assert all(result.success for result in results)
    assert len({result.content_hash for result in results}) == 1
    assert all(result.balances == results[0].balances for result in results)


@pytest.mark.parametrize(
    "wrong", [{"num_threads": 0}, {"num_threads": -1}, {"timeout_seconds": 0}, {"timeout_seconds": float("nan")}, {"wait_seconds": -1}]
)
def test_numbers_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BatchProcessor(**wrong)


def test_a_list_and_a_call_are_the_same_batch(tmp_path: Path) -> None:
    """p18: what the command line reads from a file, and what Python calls, have one meaning."""
    aethel = command_line()
    transactions = [pay("p1", "ann", "ben", "12.50", ("100.00", 0)), pay("p2", "ben", "cem", 3, (0, 0))]
    transactions[1].depends_on = ["p1"]
    keys = ("id", "intent_name", "accounts", "operations", "verify_conditions", "depends_on")
    listed = [{key: getattr(one, key) for key in keys} for one in transactions]
    (tmp_path / "list.json").write_text(json.dumps({"name": "march", "assets": {"USD": 2}, "transactions": listed}))
    run = subprocess.run(
        [aethel, "run", "list.json", "--ledger", "cli.redb", "-o", "json"], capture_output=True, check=True, text=True
    )
    theirs = json.loads(run.stdout)["batches"][0]
    ours = BatchProcessor(assets={"USD": 2}, ledger="ours.redb").execute_batch(transactions, name="march").to_dict()["batches"][0]
    assert ours["content_hash"] == theirs["content_hash"]
    assert ours["balances"] == theirs["balances"]
    assert sorted(ours) == sorted(theirs)
    shown = [
        subprocess.run([aethel, "ledger", "show", "--ledger", name, "-o", "json"], capture_output=True, check=True).stdout
        for name in ("cli.redb", "ours.redb")
    ]
    assert shown[0] == shown[1]
