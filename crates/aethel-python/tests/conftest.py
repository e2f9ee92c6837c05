"""What the tests share: where things are, and small batches."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aethel import BatchProcessor, Transaction

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test in a directory of its own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def processor() -> BatchProcessor:
    return BatchProcessor()


def pay(id: str, payer: str, payee: str, amount: Any, balances: tuple[Any, Any] = (100, 0)) -> Transaction:
    """A transaction that pays."""
    return Transaction(
        id=id,
        intent_name="transfer",
        accounts={payer: {"balance": balances[0]}, payee: {"balance": balances[1]}},
        operations=[{"type": "transfer", "from": payer, "to": payee, "amount": amount}],
        verify_conditions=[],
    )


def many(count: int, company: str = "company") -> list[Transaction]:
    """So many payments of one company."""
    return [pay(f"t{n}", company, f"employee_{n}_of_{company}", 1, (count, 0)) for n in range(count)]


def python(script: str, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Runs a script in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def command_line() -> str:
    """The binary ``aethel``, which the test command builds; without it, a test that needs it is left out."""
    binary = os.environ.get("AETHEL")
    if not binary:
        pytest.skip("AETHEL does not name the command line")
    return binary
