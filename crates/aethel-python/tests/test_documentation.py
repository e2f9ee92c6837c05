"""The page about Python and the examples: what they show is what happens."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path / "examples/python"


def blocks(page: Path) -> list[tuple[int, str]]:
    """The blocks of Python on a page, with their lines."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```python\n(.*?)^```$", text, re.M | re.S)
    return [(text[: match.start(1)].count("\n"), match[1]) for match in found]


def test_the_page_holds(examples: Path) -> None:
    pytest.importorskip("pandas")
    page = ROOT / "docs/python.md"
    names: dict[str, Any] = {}
    assert len(blocks(page)) >= 8
    for line, text in blocks(page):
        exec(compile("\n" * line + text, str(page), "exec"), names)


def run(program: Path, *arguments: str) -> str:
    told = subprocess.run([sys.executable, str(program), *arguments], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def test_demo_atomic_batch(examples: Path) -> None:
    out = run(examples / "demo_atomic_batch.py")
    assert out.count("committed: 2 transactions") == 2
    assert "rolled back: `pay_bob`: company has too little (AE0501)" in out
    assert out.count("nothing to do: paid before") == 1


def test_demo_synchrony_protocol(examples: Path) -> None:
    out = run(examples / "demo_synchrony_protocol.py")
    for told in ("6 commit", "ran as first then second", "ConservationViolationError", "CircularDependencyError"):
        assert told in out
    assert "11000000.000000000 unit before, 11000000.000000000 after" in out


def test_benchmark_synchrony(examples: Path, tmp_path: Path) -> None:
    ledgers = tmp_path / "ledgers"
    ledgers.mkdir()
    out = run(examples / "benchmark_synchrony.py", "--sizes", "1,20", "--rounds", "1", "--ledger", str(ledgers))
    rows = [line for line in out.splitlines() if re.search(r"\d+\.\dx", line)]
    assert len(rows) == 8 and all(re.search(r"\b(1 of 1|20 of 20)\b", row) for row in rows)
    assert list(ledgers.iterdir()) == []
