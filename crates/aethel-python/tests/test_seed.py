"""The listings of the protocol document, taken from a copy of it and run as they are printed."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

import aethel
from aethel import AethelParser, BatchProcessor, BatchResult, Source, Transaction

TEXT = (ROOT / "tests/seed/synchrony-protocol.md").read_text(encoding="utf-8")
BLOCKS = [
    (heading.strip("# "), language, text)
    for heading, language, text in (
        (re.findall(r"^#+ .*$", TEXT[: match.start()], re.M)[-1], match[1], match[2])
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", TEXT, re.M | re.S)
    )
]


def block(heading: str, language: str) -> str:
    found = [text for where, kind, text in BLOCKS if (where, kind) == (heading, language)]
    assert len(found) == 1, f"{len(found)} blocks of {language} below {heading}"
    return found[0]


def run(heading: str, **names: Any) -> dict[str, Any]:
    """Runs a listing with these names, which stand for imports and texts that it takes for granted."""
    exec(compile(block(heading, "python"), heading, "exec"), names)
    return names


def test_the_blocks_are_those_that_we_know() -> None:
    assert [(where, kind) for where, kind, _ in BLOCKS if kind in ("python", "aethel")] == [
        ("Basic Syntax", "aethel"),
        ("Example: Payroll Processing", "aethel"),
        ("Execution", "python"),
        ("Example 1: DeFi Exchange (100 Parallel Trades)", "python"),
        ("Example 2: Corporate Payroll (1000 Payments)", "python"),
        ("Example 3: Single Transaction (Backward Compatible)", "python"),
        ("Z3 Proof", "python"),
        ("Automatic Fallback", "python"),
        ("BatchProcessor", "python"),
        ("BatchResult", "python"),
    ]


def test_execution_with_a_funded_company(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "payroll.ae"
    program.write_text(block("Example: Payroll Processing", "aethel"), encoding="utf-8")
    # Beside the program, where `aethel run` looks for it too.
    (tmp_path / "payroll.inputs.json").write_text('{"accounts": {"company": 2500, "alice": 0, "bob": "7.25"}}')
    names = run("Execution", DIOTEC360_code=Source.read(program))
    assert capsys.readouterr().out == "✅ All 2 transactions committed\n"
    result, processor = names["result"], names["processor"]
    assert {(one.account, one.before, one.after) for one in result.balances} == {
        ("company", 2500, 0),
        ("alice", 0, 1000),
        ("bob", Decimal("7.25"), Decimal("1507.25")),
    }
    assert processor.balance("alice") == 1000
    assert [node.name for node in names["ast"]] == ["monthly_payroll"]
    assert result.linearizability_proof.serial_order == ["pay_alice", "pay_bob"]


def test_execution_without_money(capsys: pytest.CaptureFixture[str]) -> None:
    names = run("Execution", DIOTEC360_code=block("Example: Payroll Processing", "aethel"))
    out = capsys.readouterr().out
    assert out == "❌ Batch failed: nobody opened the accounts `company`, `alice` and `bob`\n"
    assert names["result"].error_code == "AE0305"
    assert names["processor"].balances() == []


def test_execution_with_too_little(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "payroll.ae"
    program.write_text(block("Example: Payroll Processing", "aethel"), encoding="utf-8")
    (tmp_path / "payroll.inputs.json").write_text('{"accounts": {"company": 2499, "alice": 0, "bob": 0}}')
    names = run("Execution", DIOTEC360_code=Source.read(program))
    assert capsys.readouterr().out == "❌ Batch failed: `pay_bob`: company has too little\n"
    assert names["result"].error_code == "AE0501"
    assert names["processor"].balances() == []


def test_example_1_the_exchange(capsys: pytest.CaptureFixture[str]) -> None:
    names = run("Example 1: DeFi Exchange (100 Parallel Trades)")
    out = capsys.readouterr().out
    assert re.fullmatch(r"Throughput improvement: \d+\.\d\dx\nExecution time: \d+\.\d{4}s\n", out), out
    result, processor = names["result"], names["processor"]
    assert result.success and result.transactions_executed == 100
    assert {one.account: one.after for one in result.balances} == {
        **{f"trader_{n}": 9900 for n in range(100)},
        **{f"pool_{n}": 1_001_000 for n in range(10)},
    }
    assert processor.balance("pool_7") == 1_001_000
    # Measured, and said on what.
    baseline = result.throughput_baseline
    assert baseline is not None and baseline.of == 100 and 0 < baseline.measured <= 100
    factor = baseline.seconds / baseline.measured * 100 / result.execution_time
    assert math.isclose(result.throughput_improvement, factor, rel_tol=0.01)


def test_example_2_the_payroll(capsys: pytest.CaptureFixture[str]) -> None:
    names = run("Example 2: Corporate Payroll (1000 Payments)", Transaction=Transaction, BatchProcessor=BatchProcessor)
    assert capsys.readouterr().out == "✅ All 1000 employees paid\n"
    result = names["result"]
    assert {one.account: one.after for one in result.balances} == {
        "company": 1_500_000,
        **{f"employee_{n}": 8500 for n in range(1000)},
    }
    assert result.linearizability_proof.is_linearizable
    assert result.linearizability_proof.serial_order == [f"pay_employee_{n}" for n in range(1000)]
    assert result.conservation_proof.is_conserved
    assert [(one.asset, one.before) for one in result.conservation_proof.assets] == [("unit", 10_000_000)]


def test_example_2_rolls_back(capsys: pytest.CaptureFixture[str]) -> None:
    listing = block("Example 2: Corporate Payroll (1000 Payments)", "python")
    poorer = listing.replace('{"balance": 10000000}', '{"balance": 8499999}')
    assert poorer != listing
    names: dict[str, Any] = {"Transaction": Transaction, "BatchProcessor": BatchProcessor}
    exec(poorer, names)
    assert capsys.readouterr().out == "❌ Payroll failed - all transactions rolled back\n"
    assert names["result"].error_message == "`pay_employee_999`: company has too little"
    assert names["processor"].balances() == [] and names["result"].balances == ()


def test_example_3_the_single_transaction() -> None:
    from aethel.core.synchrony import BatchResult

    names = run(
        "Example 3: Single Transaction (Backward Compatible)",
        Transaction=Transaction,
        BatchProcessor=BatchProcessor,
        BatchResult=BatchResult,
    )
    processor = names["processor"]
    assert (processor.balance("alice"), processor.balance("bob")) == (1000, 500)
    assert names["result"].transactions_executed == 1


def test_programs_of_the_document_parse() -> None:
    (batch,) = AethelParser().parse(block("Example: Payroll Processing", "aethel"))
    assert [intent.name for intent in batch.intents] == ["pay_alice", "pay_bob"]
    assert batch.intents[0].guard == ("company.balance >= amount", "amount == 1000")
    assert [parameter.type for parameter in batch.intents[1].parameters] == ["Account", "Account", "Balance"]
    assert aethel.check(block("Example: Payroll Processing", "aethel")).ok


def test_the_processor_is_as_the_reference_says() -> None:
    (reference,) = ast.parse(block("BatchProcessor", "python")).body
    assert isinstance(reference, ast.ClassDef)
    for function in reference.body:
        assert isinstance(function, ast.FunctionDef)
        ours = inspect.signature(getattr(BatchProcessor, function.name)).parameters
        names = [argument.arg for argument in function.args.args]
        assert list(ours)[: len(names)] == names
        assert all(ours[name].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for name in names)
        defaults = [ast.literal_eval(default) for default in function.args.defaults]
        assert [ours[name].default for name in names[len(names) - len(defaults) :]] == defaults
        # Whatever else there is can be left out.
        assert all(ours[name].default is not inspect.Parameter.empty for name in list(ours)[len(names) :])
        assert ast.get_docstring(function) and getattr(BatchProcessor, function.name).__doc__ or function.name == "__init__"


def test_the_result_is_as_the_reference_says() -> None:
    (reference,) = ast.parse(block("BatchResult", "python")).body
    assert isinstance(reference, ast.ClassDef)
    fields = [line.target.id for line in reference.body if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)]
    assert len(fields) == 10
    assert [field.name for field in dataclasses.fields(BatchResult)][:10] == fields
