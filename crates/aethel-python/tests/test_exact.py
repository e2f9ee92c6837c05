"""Amounts are exact, and what is not exact is refused."""

from __future__ import annotations

import decimal
import enum
import fractions
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from conftest import pay

from aethel import AethelParser, BatchProcessor, InexactAmountError, Transaction
from aethel._aethel import to_json


@pytest.mark.parametrize("amount", [30, "30", "30.0", Decimal(30), Decimal("3E1"), Decimal("30.000000000")])
def test_the_same_amount_in_many_forms(processor: BatchProcessor, amount: Any) -> None:
    result = processor.execute_batch([pay("t", "ann", "ben", amount)])
    assert result.success, result.error_message
    assert (result.balance("ann"), result.balance("ben")) == (70, 30)


def test_the_smallest_and_the_largest(processor: BatchProcessor) -> None:
    least, most = Decimal("0.000000001"), Decimal(2**120 - 1).scaleb(-9, decimal.Context(prec=60))
    result = processor.execute_batch([pay("t", "ann", "ben", least, (most, 0))])
    assert result.success, result.error_message
    ann, ben = result.balances
    assert (ann.before, ben.after) == (most, least)
    # Exact even where the caller's context has few digits.
    with decimal.localcontext(decimal.Context(prec=3)):
        assert str(ann.change) == "-1E-9" and str(ben.change) == "1E-9"
    assert str(ann.after) == "1329227995784915872903807060.280344574"
    moved = BatchProcessor().execute_batch([pay("u", "dan", "eve", "12345.678900001", (10**6, 0))]).balances
    with decimal.localcontext(decimal.Context(prec=3)):
        assert [str(one.change) for one in moved] == ["-12345.678900001", "12345.678900001"]


def test_whole_numbers_of_any_size() -> None:
    processor = BatchProcessor(assets={"POINT": 0})
    result = processor.execute_batch([pay("t", "ann", "ben", 10**30, (10**35, 5))])
    assert result.success, result.error_message
    # An asset without decimal places is held in ints.
    assert result.balance("ann") == 10**35 - 10**30 and isinstance(result.balance("ann"), int)
    assert processor.balance("ben") == 10**30 + 5
    result = processor.execute_batch([pay("u", "ann", "ben", 10**40, (10**41, 0))])
    assert not result.success and result.error_code == "AE0309"
    with pytest.raises(ValueError, match="limit"):
        processor.execute_batch([pay("u", "ann", "ben", 10**5000)])


def test_an_amount_that_is_not_whole_is_refused() -> None:
    processor = BatchProcessor(assets={"USD": 2})
    result = processor.execute_batch([pay("t", "ann", "ben", "0.001")])
    assert (result.success, result.error_code) == (False, "AE0309")
    assert processor.balances() == []


@pytest.mark.parametrize("amount", [0.1, 1.0, float("nan"), float("inf"), fractions.Fraction(1, 3)])
def test_floats_are_refused_where_they_are_written(amount: Any) -> None:
    with pytest.raises(InexactAmountError, match=r'^AE0907: operations\[0\]\["amount"\] is the '):
        pay("t", "ann", "ben", amount)
    with pytest.raises(TypeError, match=r'accounts\["ben"\]\["balance"\]'):
        pay("t", "ann", "ben", 1, (100, amount))


def test_a_float_that_comes_in_later_is_refused_too(processor: BatchProcessor) -> None:
    transaction = pay("t", "ann", "ben", 1)
    transaction.operations[0]["amount"] = 0.5  # type: ignore[index]
    with pytest.raises(InexactAmountError, match=r'transactions\[0\]\.operations\[0\]\["amount"\] is the float 0.5'):
        processor.execute_batch([transaction])
    (batch,) = AethelParser().parse("atomic_batch b { intent i(a: Account) { guard { a.balance >= 0; } } }")
    with pytest.raises(InexactAmountError, match=r'inputs\["accounts"\]\["a"\] is the float 0.5.*Decimal\("0.5"\)'):
        processor.execute_atomic_batch(batch, inputs={"accounts": {"a": 0.5}})
    assert InexactAmountError("x").code == "AE0907"


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity"), Decimal("1E+999999"), "1e3", "", "ten", True, None, [], {}])
def test_what_is_no_amount_is_said(processor: BatchProcessor, amount: Any) -> None:
    result = processor.execute_batch([pay("t", "ann", "ben", amount)])
    assert not result.success and result.error_code in ("AE0309", "AE0904"), result.error_message
    assert result.error is not None and result.error.line == 1
    assert processor.balances() == []


def test_numbers_of_other_types() -> None:
    class Amount(enum.IntEnum):
        RENT = 900

    class Index:
        def __index__(self) -> int:
            return 7

    given = {"rent": Amount.RENT, "index": Index(), "many": (1, 2), "proxy": MappingProxyType({"a": Decimal("1E-7")})}
    assert to_json(given, "x") == '{"rent":900,"index":7,"many":[1,2],"proxy":{"a":"0.0000001"}}'


def test_what_is_no_value_at_all() -> None:
    for wrong, said in [({1: 2}, "a key of x is of type int"), ({"a": {1, 2}}, r'x\["a"\] is of type set'), (b"x", "bytes")]:
        with pytest.raises(TypeError, match=said):
            to_json(wrong, "x")
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested too deep"):
        to_json(endless, "x")
    with pytest.raises(TypeError, match=r"transactions\[0\] is of type str; expected a Transaction"):
        BatchProcessor().execute_batch("t")  # type: ignore[arg-type]


def test_numpy_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    assert to_json([numpy.int64(5), numpy.uint8(3)], "x") == "[5,3]"
    for wrong in (numpy.float64(0.5), numpy.float32(0.5)):
        with pytest.raises(InexactAmountError):
            to_json(wrong, "x")


def test_a_transaction_says_what_it_is() -> None:
    transaction = Transaction("t", "transfer", {"a": {"balance": 1}})
    assert transaction == Transaction("t", "transfer", {"a": {"balance": 1}}, [], [])
    assert "id='t'" in repr(transaction)
