"""The types that the package tells: held by the package itself, these tests, and a program of a user."""

from __future__ import annotations

import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

import aethel
from aethel import _aethel

MYPY = importlib.util.find_spec("mypy")

USER = """
from decimal import Decimal
from aethel.core.batch_processor import BatchProcessor
from aethel.core.parser import AethelParser, AtomicBatchNode
from aethel.core.synchrony import BatchResult, Transaction
import aethel

def run(code: str) -> BatchResult:
    batches: list[AtomicBatchNode] = AethelParser().parse(code)
    result = BatchProcessor(num_threads=2, ledger="x.redb", inputs={"accounts": {"a": Decimal(1)}}).execute_atomic_batch(batches[0])
    improvement: float = result.throughput_improvement
    proof = result.linearizability_proof
    order: list[str] = proof.serial_order if proof else []
    print(improvement, order, result.error_message, [change.after for change in result.balances])
    return result

transaction = Transaction("t", "transfer", {"a": {"balance": 1}}, [{"type": "debit", "account": "a", "amount": "1"}])
BatchProcessor().execute_batch([transaction])
ok: bool = aethel.check("").ok
"""


def mypy(*arguments: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", ".mypy", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout + run.stderr


@pytest.mark.skipif(MYPY is None, reason="mypy is not installed")
def test_the_types_hold(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    assert mypy("user.py") == ""
    (tmp_path / "wrong.py").write_text(USER.replace("improvement: float", "improvement: str"))
    assert "Incompatible types in assignment" in mypy("wrong.py")
    config = str(ROOT / "crates/aethel-python/pyproject.toml")
    assert mypy("--config-file", config, "-p", "aethel") == ""
    assert mypy("--config-file", config, *map(str, Path(__file__).parent.glob("*.py"))) == ""
    for program in (ROOT / "examples/python").glob("*.py"):
        assert mypy("--config-file", config, str(program)) == ""


def test_the_stub_of_the_compiled_part_is_complete() -> None:
    stub = (Path(aethel.__file__).parent / "_aethel.pyi").read_text()
    for name, value in vars(_aethel).items():
        if name.startswith("__") and name not in ("__build__", "__version__"):
            continue
        assert re.search(rf"^(def|class) {name}\b|^{name}:", stub, re.M), name
        if inspect.isclass(value):
            body = re.search(rf"^class {name}:\n((?:    .*\n|\n)+)", stub, re.M)
            assert body is not None
            ours = {member for member in vars(value) if not member.startswith("__")}
            told = set(re.findall(r"^    def (\w+)", body[1], re.M)) - {"__new__"}
            assert ours == told, name
            for member in ours:
                function = getattr(value, member)
                if callable(function):
                    text = re.search(rf"def {member}\(([^)]*)\)", body[1], re.S)
                    assert text is not None
                    parameters = re.findall(r"(\w+):", re.sub(r"\[[^\]]*\]", "", text[1]))
                    signature = [one for one in inspect.signature(function).parameters if one != "self"]
                    assert signature == parameters, f"{name}.{member}"


def test_everything_that_people_use_is_described() -> None:
    for name in aethel.__all__:
        value = getattr(aethel, name)
        if name.startswith("_"):
            continue
        assert inspect.getdoc(value), name
        if inspect.isclass(value):
            for member, function in vars(value).items():
                if not member.startswith("_") and (inspect.isfunction(function) or isinstance(function, property)):
                    assert function.__doc__, f"{name}.{member}"
