"""Durable ledgers: across processors, processes and the command line."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import command_line, pay, python

from aethel import AethelError, AethelParser, BatchProcessor

PAY = """
import sys
from aethel import BatchProcessor, Transaction
pay = Transaction("t", "transfer", {"ann": {"balance": 100}, "ben": {"balance": 0}},
                  [{"type": "transfer", "from": "ann", "to": "ben", "amount": 30}])
result = BatchProcessor(ledger="books.redb", wait_seconds=30).execute_batch([pay], key=sys.argv[1])
print(result.success, result.already_committed, result.error_code)
"""


def test_a_ledger_is_there_for_the_next_process(tmp_path: Path) -> None:
    assert python(PAY, "march").stdout == "True False None\n"
    processor = BatchProcessor(ledger=tmp_path / "books.redb")
    assert processor.balance("ben") == 30
    assert {one.account for one in processor.balances()} == {"ann", "ben", "equity:opening"}
    # The same key pays once; another is another batch, whose balances are no longer true.
    assert python(PAY, "march").stdout == "True True None\n"
    assert python(PAY, "april").stdout == "False False AE0306\n"
    assert processor.execute_batch([pay("u", "ann", "ben", 5, (70, 30))]).sequence == 2
    assert processor.balance("ann") == 65
    aethel = command_line()
    told = subprocess.run([aethel, "ledger", "verify", "--ledger", "books.redb"], check=True, capture_output=True, text=True)
    assert "2 " in told.stdout


def test_processes_that_pay_at_once_pay_once() -> None:
    with ThreadPoolExecutor() as pool:
        told = [run.stdout for run in pool.map(lambda _: python(PAY, "march"), range(4))]
    assert sorted(told) == ["True False None\n"] + 3 * ["True True None\n"]
    assert BatchProcessor(ledger="books.redb").balance("ben") == 30


def test_without_a_commit_there_is_no_file(tmp_path: Path) -> None:
    processor = BatchProcessor(ledger=str(tmp_path / "books.redb"))
    assert not processor.execute_batch([pay("t", "ann", "ben", 101)]).success
    assert processor.execute_batch([pay("t", "ann", "ben", 1)], dry_run=True).success
    assert processor.balances() == [] and list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "x.redb").write_bytes(b"no ledger at all" * 1000)
    processor = BatchProcessor(ledger="x.redb")
    result = processor.execute_batch([pay("t", "ann", "ben", 1)])
    assert (result.success, result.error_code) == (False, "AE0803")
    with pytest.raises(AethelError) as caught:
        processor.balances()
    assert caught.value.code == "AE0803"
    with pytest.raises(AethelError, match="AE0911"):
        BatchProcessor(ledger="postgres://")


def test_throughput_is_measured_beside_the_ledger(tmp_path: Path) -> None:
    processor = BatchProcessor(ledger="books.redb")
    result = processor.execute_batch([pay("t", "ann", "ben", 1), pay("u", "ann", "cem", 1)])
    before = (tmp_path / "books.redb").read_bytes()
    assert result.throughput_improvement > 0
    assert result.throughput_baseline is not None and result.throughput_baseline.measured == 2
    # The ledger is as it was, and nothing is left behind.
    assert (tmp_path / "books.redb").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["books.redb"]


def test_an_aethel_toml_is_trusted_where_it_is_named(tmp_path: Path) -> None:
    """An external value needs a proof by a key that the ledger trusts; the program cannot bring the trust."""
    aethel = command_line()
    made = subprocess.run([aethel, "oracle", "keygen", "k.json"], capture_output=True, text=True, check=True)
    public = next(word for word in made.stdout.split() if len(word) == 64)
    (tmp_path / "trust.toml").write_text(
        f'[[oracle.keys]]\npublic = "{public}"\nfeeds = ["rate"]\n[oracle.feeds.rate]\nmax_age = "1h"\n'
    )
    signed = subprocess.run(
        [aethel, "oracle", "sign", "--key", "k.json", "--feed", "rate", "--value", "2", "--asset", "unit", "--scale", "9"], capture_output=True, text=True, check=True
    )
    (batch,) = AethelParser().parse(
        "atomic_batch b { intent i(a: Account, b: Account, external rate: Balance) { guard { a.balance >= 0; } "
        "verify { a.balance == a.balance - rate; b.balance == b.balance + rate; } } }"
    )
    inputs = {"accounts": {"a": 5, "b": 0}, "oracles": [json.loads(signed.stdout)]}
    trusting = BatchProcessor(inputs=inputs, config="trust.toml").execute_atomic_batch(batch)
    assert trusting.success and trusting.balance("b") == 2, trusting.report()
    other = BatchProcessor(inputs=inputs).execute_atomic_batch(batch)
    assert other.error_type == "OracleValidationError", other.report()
