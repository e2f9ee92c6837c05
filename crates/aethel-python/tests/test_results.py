"""Results: for programs, notebooks and pandas, and what happens to hostile text."""

from __future__ import annotations

import copy
import dataclasses
import gc
import html
import json
import math
import pickle
import re
import sys
from decimal import Decimal
from typing import Any

import pytest
from conftest import many, pay, python

import aethel
from aethel import AethelParser, BatchProcessor, Transaction


@pytest.fixture
def good(processor: BatchProcessor) -> aethel.BatchResult:
    return processor.execute_batch([pay("t", "ann", "ben", "12.5"), pay("u", "ann", "cem", 1)])


@pytest.fixture
def bad() -> aethel.BatchResult:
    return BatchProcessor().execute_batch([pay("t", "ann", "ben", 101)])


def test_what_it_says(good: aethel.BatchResult, bad: aethel.BatchResult) -> None:
    assert re.fullmatch(r"BatchResult\('batch', success=True, 2 transactions on 1 thread in 0\.\d{4} s\)", repr(good))
    assert repr(bad) == "BatchResult('batch', success=False, error=AE0501: `t`: ann has too little)"
    assert str(good) == good.report() and "committed · receipt" in good.report()
    assert "error[AE0501]" in bad.report() and "rolled back" in bad.report()
    assert [stage.number for stage in good.stages] == [1, 2, 3, 4, 5, 6]
    assert sum(stage.seconds for stage in good.stages) <= good.execution_time
    assert 1 <= good.thread_count and 0 < good.avg_parallelism and good.transactions_parallel <= 2
    assert len(good.certificate) > 0 and bad.certificate == b""
    assert isinstance(good.conservation_proof, aethel.ConservationResult) and good.conservation_proof
    assert bool(good.linearizability_proof) and bad.linearizability_proof is None


def test_throughput_is_measured_or_nan(good: aethel.BatchResult, bad: aethel.BatchResult) -> None:
    assert good.to_dict()["batches"][0]["throughput_improvement"] is None
    factor = good.throughput_improvement
    assert factor > 0 and good.throughput_improvement == factor
    told = good.to_dict()["batches"][0]
    assert told["throughput_improvement"] == factor
    assert told["throughput_baseline"]["of"] == 2
    assert math.isnan(bad.throughput_improvement) and bad.throughput_baseline is None
    unmeasured = BatchProcessor(measure=False).execute_batch(many(3))
    assert math.isnan(unmeasured.throughput_improvement)
    assert not math.isnan(BatchProcessor().execute_batch(many(3)).throughput_improvement)


def test_dictionaries(good: aethel.BatchResult, bad: aethel.BatchResult) -> None:
    told = good.to_dict()
    assert sorted(told) == ["batches", "diagnostics", "schema"]
    assert told["batches"][0]["balances"][0]["after"] == "86.500000000"
    assert bad.to_dict()["diagnostics"][0]["code"] == "AE0501"
    assert json.loads(good.to_json()) == told
    fields = dataclasses.asdict(good)
    assert fields["success"] is True and fields["throughput_improvement"] > 0


def test_copies(good: aethel.BatchResult, bad: aethel.BatchResult) -> None:
    for result in (good, bad):
        for other in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
            assert other.balances == result.balances
            assert other.report() == result.report() and other.to_html() == result.to_html()
            assert other.to_dict() == result.to_dict()
            assert other.certificate == result.certificate
            assert other.error == result.error and math.isnan(other.throughput_improvement)
    order = pickle.loads(pickle.dumps(good)).linearizability_proof.serial_order
    assert order == ["t", "u"]
    assert good.throughput_improvement == pickle.loads(pickle.dumps(good)).throughput_improvement
    (batch,) = AethelParser().parse("atomic_batch b { intent i(a: Account) { guard { a.balance >= 0; } } }")
    inputs = {"accounts": {"a": 1}}
    assert BatchProcessor(inputs=inputs).execute_atomic_batch(pickle.loads(pickle.dumps(batch))).success
    with pytest.raises(aethel.AethelSyntaxError) as caught:
        AethelParser().parse("intent {")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.span) == (str(caught.value), caught.value.span)


def test_notebooks(good: aethel.BatchResult, bad: aethel.BatchResult) -> None:
    for result in (good, bad):
        shown = result._repr_html_()
        # In a frame of its own, so that its styles stay inside and nothing of it reaches the notebook.
        assert shown.startswith("<iframe") and shown.count("<iframe") == 1 and "sandbox=" in shown
        inner = html.unescape(re.search(r'srcdoc="([^"]*)"', shown, re.S)[1])  # type: ignore[index]
        assert inner == result.to_html() and inner.startswith("<!doctype html>")
    assert "too little" in bad.to_html() and "86.50" in good.to_html()
    # Nobody is sent to a ledger that is gone with the process.
    assert "batch 1 in memory" in good.report() and "aethel ledger" not in good.report() + good.to_html()
    # The page of a processor that gathers details also shows each transaction.
    detailed = BatchProcessor(details=True).execute_batch([pay("t_of_ann", "ann", "ben", 1)])
    assert "t_of_ann" in detailed.to_html()
    assert detailed.error is None and "AE0501" in bad.error._repr_html_()  # type: ignore[union-attr]


def test_pandas(good: aethel.BatchResult, bad: aethel.BatchResult) -> None:
    pandas = pytest.importorskip("pandas")
    balances = good.to_pandas()
    assert list(balances.columns) == ["account", "asset", "field", "before", "after", "change", "unbounded"]
    assert list(balances["after"]) == [Decimal("86.5"), Decimal("12.5"), Decimal(1)]
    assert all(isinstance(value, Decimal) for value in balances["change"])
    assert balances["change"].sum() == 0 and balances["unbounded"].dtype == bool
    assert list(good.to_pandas("stages")["number"]) == [1, 2, 3, 4, 5, 6]
    assert list(good.to_pandas("conservation")["difference"]) == [0]
    assert list(good.to_pandas("conflicts")["waw"]) == [1]
    assert good.to_pandas("chunks")["count"].sum() == 2
    for table in ("balances", "stages", "conservation", "conflicts", "chunks"):
        assert isinstance(bad.to_pandas(table), pandas.DataFrame)
        assert list(bad.to_pandas(table).columns) == list(good.to_pandas(table).columns)
    with pytest.raises(ValueError, match="there is no table 'balance'; there are balances, stages"):
        good.to_pandas("balance")


def test_without_pandas() -> None:
    script = """
import sys
sys.modules["pandas"] = None
from aethel import BatchProcessor
result = BatchProcessor().execute_batch([])
try: result.to_pandas()
except ImportError as error: print(error)
"""
    assert python(script).stdout == "to_pandas() needs pandas: pip install pandas\n"


HOSTILE = [
    "<script>alert(1)</script>",
    '"onmouseover="alert(1)',
    "\x1b[31mred\x1b[0m",
    "\u202eevil",
    "a\nb",
    "a\0b",
    "'; DROP TABLE accounts; --",
    "=SUM(A1)",
    "🪙" * 20,
    "x" * 10_000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names(text: str) -> None:
    processor = BatchProcessor(details=True)
    for transaction, name in [
        (pay(text, "ann", "ben", 1), "batch"),
        (pay("t", text, "ben", 1), "batch"),
        (pay("t", "ann", "ben", text), "batch"),
        (pay("t", "ann", "ben", 101), text),
        (Transaction("t", text, {text: {"balance": text}}, [{"type": text, text: text}], [text], [text]), text),
    ]:
        result = processor.execute_batch([transaction], name=name, dry_run=True)
        assert result.success or (result.error_code or "").startswith("AE0")
        shown = result.report() + repr(result) + str(result.error)
        assert "\x1b" not in shown and "\u202e" not in shown and "\0" not in shown
        page = result.to_html()
        assert "<script>alert" not in page and 'onmouseover="alert' not in page
        assert result._repr_html_().count("<iframe") == 1
        json.loads(result.to_json())


def test_what_is_no_unicode() -> None:
    with pytest.raises(UnicodeEncodeError):
        BatchProcessor().execute_batch([pay("\ud800", "ann", "ben", 1)])
    with pytest.raises(UnicodeEncodeError):
        AethelParser().parse("# \ud800")


def test_nothing_is_held_on_to(processor: BatchProcessor) -> None:
    transaction = pay("t", "ann", "ben", Decimal("0.5"))
    inputs: dict[str, Any] = {"accounts": {"a": Decimal("1.5")}}
    (batch,) = AethelParser().parse("atomic_batch b { intent i(a: Account) { guard { a.balance >= 0; } } }")
    watched = [transaction, transaction.accounts, transaction.operations, inputs, inputs["accounts"], batch, processor]

    def once() -> None:
        result = processor.execute_batch([transaction], dry_run=True)
        result.throughput_improvement, result.balances, result.to_html(), result.certificate
        processor.execute_atomic_batch(batch, inputs=inputs, dry_run=True)
        with pytest.raises(aethel.AethelError):
            AethelParser().parse("intent {")
        with pytest.raises(aethel.InexactAmountError):
            pay("t", "a", "b", 0.5)

    for _ in range(3):
        once()
    gc.collect()
    counts, objects = [sys.getrefcount(one) for one in watched], len(gc.get_objects())
    for _ in range(50):
        once()
    gc.collect()
    assert [sys.getrefcount(one) for one in watched] == counts
    assert len(gc.get_objects()) - objects < 25
