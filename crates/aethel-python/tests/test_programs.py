"""Programs: parsed, judged, run with inputs."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

import aethel
from aethel import AethelError, AethelParser, AethelSyntaxError, BatchProcessor, InexactAmountError, Source

RENT = """asset USD { scale: 2; }
field paid: Integer;
intent pay(tenant: Account<USD>, landlord: Account<USD>, amount: Balance<USD>) {
    guard { tenant.balance >= amount; amount > 0; }
    verify {
        tenant.balance == tenant.balance - amount;
        landlord.balance == landlord.balance + amount;
        tenant.paid == tenant.paid + 1;
    }
}
atomic_batch rent {
    first: pay(tenant: ann, landlord: lou, amount: 900);
    pay(ben, lou, 800.50) after first;
}
atomic_batch later { pay(ann, lou, 1); }
"""
FUNDED = {"accounts": {"ann": 1000, "ben": "1000.00", "lou": {"balance": Decimal(0)}}}


def rent() -> aethel.AtomicBatchNode:
    return AethelParser().parse(RENT)[0]


def test_what_a_program_holds() -> None:
    batches = AethelParser().parse(RENT)
    assert [batch.name for batch in batches] == ["rent", "later"]
    assert batches[0].calls == (
        "first: pay(tenant: ann, landlord: lou, amount: 900)",
        "pay(ben, lou, 800.50) after first",
    )
    assert (batches[0].line, batches[0].column) == (11, 1)
    assert RENT.encode()[slice(*batches[0].span)].decode() == batches[0].text
    (intent,) = AethelParser().parse_intents(RENT)
    assert intent.name == "pay" and [parameter.type for parameter in intent.parameters][2] == "Balance<USD>"
    assert intent.verify[2] == "tenant.paid == tenant.paid + 1"
    assert AethelParser().parse("intent i(a: Account) { guard { a.balance >= 0; } }") == []


def test_a_batch_of_a_program() -> None:
    processor = BatchProcessor(inputs=FUNDED)
    result = processor.execute_atomic_batch(rent())
    assert result.success, result.error_message
    assert result.balance("lou", "USD") == Decimal("1700.50") and str(result.balance("lou")) == "1700.50"
    assert {(one.account, one.after) for one in result.balances if one.field == "paid"} == {("ann", 1), ("ben", 1)}
    # Known accounts go on with what they hold; the given balances are those of unknown ones.
    again = processor.execute_atomic_batch(rent())
    assert not again.success and again.error_code == "AE0501"
    assert processor.balance("ann") == 100


def test_inputs_of_a_call_win() -> None:
    processor = BatchProcessor(inputs=FUNDED)
    result = processor.execute_atomic_batch(rent(), inputs={"accounts": {"ann": 1, "ben": 1, "lou": 1}})
    assert result.error_code == "AE0501"
    assert processor.execute_atomic_batch(rent()).success


def test_inputs_from_files(tmp_path: Path) -> None:
    books = tmp_path / "books"
    books.mkdir()
    (books / "opening.csv").write_text("account,balance\nann,1000\nben,1000\nlou,0\n")
    (books / "in.json").write_text('{"accounts_csv": "opening.csv"}')
    for path in (books / "in.json", str(books / "in.json")):
        assert BatchProcessor(inputs=path).execute_atomic_batch(rent()).success
    # A dictionary names files relative to the current directory.
    result = BatchProcessor(inputs={"accounts_csv": "books/opening.csv"}).execute_atomic_batch(rent())
    assert result.success, result.error_message
    with pytest.raises(FileNotFoundError):
        BatchProcessor(inputs="absent.json").execute_atomic_batch(rent())
    with pytest.raises(TypeError, match="inputs are a dict or a path, not list"):
        BatchProcessor(inputs=[]).execute_atomic_batch(rent())  # type: ignore[arg-type]


def test_arguments_and_bindings() -> None:
    (batch,) = AethelParser().parse(
        "atomic_batch b { intent i(a: Account, b: Account, n: Balance) { guard { n >= 0; a.balance >= n; } "
        "verify { a.balance == a.balance - n; b.balance == b.balance + n; } } }"
    )
    given: dict[str, Any] = {"accounts": {"x": 5, "y": 0}, "bind": {"i.a": "x", "i.b": "y"}, "args": {"i.n": Decimal("1.5")}}
    result = BatchProcessor(inputs=given).execute_atomic_batch(batch)
    assert result.success and result.balance("y") == Decimal("1.5")
    given["open_accounts"] = True
    del given["accounts"]
    assert BatchProcessor(inputs=given).execute_atomic_batch(batch).error_code == "AE0501"
    given["args"] = {"i.n": 1.5}
    with pytest.raises(InexactAmountError, match=r'inputs\["args"\]\["i.n"\]'):
        BatchProcessor(inputs=given).execute_atomic_batch(batch)
    wrong = BatchProcessor(inputs={"acounts": {}}).execute_atomic_batch(batch)
    assert wrong.error_code == "AE0902" and wrong.error is not None and wrong.error.file == "inputs"
    assert wrong.error.help == "did you mean `accounts`?"


def test_an_intent_alone(processor: BatchProcessor) -> None:
    (intent,) = AethelParser().parse_intents(RENT)
    given = {"accounts": {"tenant": 10, "landlord": 0}, "args": {"pay.amount": "9.99"}}
    result = processor.execute_intent(intent, inputs=given)
    assert result.success and result.transactions_executed == 1
    assert processor.balance("tenant") == Decimal("0.01")


def test_the_examples_run_as_for_the_command_line(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for name, count in [("payroll", 2), ("payroll_1000", 1000), ("exchange", 100), ("settlement", None)]:
        processor = BatchProcessor()
        for batch in AethelParser().parse(tmp_path / f"examples/{name}.ae"):
            result = processor.execute_atomic_batch(batch)
            assert result.success, f"{name}: {result.report()}"
            assert count in (None, result.transactions_executed)


def test_a_program_that_is_not_well_formed(tmp_path: Path) -> None:
    with pytest.raises(AethelSyntaxError) as caught:
        AethelParser().parse("atomic_batch a {\n  intent pay(a: Account {\n  }\n}")
    error = caught.value
    assert (error.code, error.line, error.file) == ("AE0104", 2, "<string>")
    assert error.span is not None and error.help is not None
    assert error.diagnostics and str(error).startswith("error[AE01")
    # Several errors are all told.
    with pytest.raises(AethelSyntaxError) as caught:
        AethelParser().parse("atomic_batch a {\n  gaurd { }\n}\nassset USD { scale: 2; }\n")
    assert len(caught.value.diagnostics) == 2, caught.value
    assert [one.line for one in caught.value.diagnostics] == [2, 4]
    file = tmp_path / "wrong.ae"
    file.write_text("batch")
    with pytest.raises(AethelError) as named:
        AethelParser().parse(file)
    assert named.value.file == str(file)
    with pytest.raises(FileNotFoundError):
        AethelParser().parse(tmp_path / "absent.ae")
    with pytest.raises(TypeError, match="a program is a string or a path, not int"):
        AethelParser().parse(5)  # type: ignore[arg-type]


def test_columns_count_characters_and_spans_bytes() -> None:
    text = 'account "äöü𝄞" { }; x'
    with pytest.raises(AethelSyntaxError) as caught:
        AethelParser().parse(text)
    error = caught.value
    assert error.column is not None and error.span is not None
    assert len(text[: error.column - 1].encode()) == error.span[0]


def test_a_program_with_a_wrong_meaning_fails_when_it_runs(processor: BatchProcessor) -> None:
    (batch,) = AethelParser().parse("atomic_batch b { intent i(a: Acount) { guard { c.balance > 0; } } }")
    result = processor.execute_atomic_batch(batch)
    assert not result.success and result.error_code is not None and result.error_code.startswith("AE02")
    assert result.error is not None and (result.error.line, result.error.file) == (1, "<string>")
    report = aethel.check("atomic_batch b { intent i(a: Acount) { guard { c.balance > 0; } } }")
    assert result.error_code in [one.code for one in report.errors]


def test_what_is_no_batch(processor: BatchProcessor) -> None:
    with pytest.raises(TypeError, match="expected an AtomicBatchNode"):
        processor.execute_atomic_batch(RENT)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected an IntentNode"):
        processor.execute_intent(rent())  # type: ignore[arg-type]


def test_check() -> None:
    fine = aethel.check(RENT)
    assert fine and fine.ok and not fine.undecided
    assert {proof["name"] for proof in fine.proofs} >= {"pay", "rent"}
    fine.raise_for_error()
    wrong = aethel.check(RENT.replace("landlord.balance + amount", "landlord.balance + amount + 1"))
    assert not wrong and [one.code for one in wrong.errors] == ["AE0701"]
    (error,) = wrong.errors
    assert error.counterexample is not None and error.line == 7
    assert "error[AE0701]" in str(wrong) and "AE0701" in wrong._repr_html_()
    hostile = aethel.check("intent <script>alert(1)</script>")
    assert "<script>" in str(hostile) and "<script>" not in hostile._repr_html_() + hostile.errors[0]._repr_html_()
    assert json.loads(wrong.to_json()) == wrong.to_dict()
    with pytest.raises(AethelError, match="AE0701"):
        wrong.raise_for_error()
    with pytest.raises(AethelSyntaxError):
        aethel.check("intent {").raise_for_error()


def test_a_source_remembers_its_file(tmp_path: Path) -> None:
    program = tmp_path / "rent.ae"
    program.write_text(RENT)
    (tmp_path / "rent.inputs.json").write_text(json.dumps({"accounts": {"ann": 1000, "ben": 1000, "lou": 0}}))
    for source in (Source.read(program), program):
        (batch, _) = AethelParser().parse(source)
        assert BatchProcessor().execute_atomic_batch(batch).success
    # The text alone knows of no file.
    assert BatchProcessor().execute_atomic_batch(rent()).error_code == "AE0305"
    assert Source.read(program) == RENT


def test_files_outside_stay_closed(tmp_path: Path) -> None:
    """A program comes from anybody: it reads files below its own directory only."""
    (tmp_path / "secret.csv").write_text("account,salary\nann,1\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    text = 'intent pay(a: Account, n: Balance) { guard { a.balance >= n; n >= 0; } }\n'
    text += 'atomic_batch b { for row in "../secret.csv" { pay(row.account, row.salary); } }'
    (inner / "p.ae").write_text(text)
    (batch,) = AethelParser().parse(inner / "p.ae")
    result = BatchProcessor().execute_atomic_batch(batch)
    assert not result.success and "secret" in str(result.error_message)
