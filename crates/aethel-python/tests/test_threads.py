"""Threads, signals and forks: a batch runs beside the interpreter."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import many, pay, python

from aethel import BatchProcessor, Transaction


@pytest.mark.parametrize("on_main", [True, False])
def test_other_threads_go_on_meanwhile(processor: BatchProcessor, on_main: bool) -> None:
    ticks, running, started, passed = 0, True, 0, 0
    batch = many(20_000)

    def tick() -> None:
        nonlocal ticks
        while running:
            ticks += 1
            time.sleep(0.0005)

    def transactions() -> Iterator[Transaction]:
        nonlocal started
        yield from batch
        started = ticks

    def run() -> None:
        nonlocal running, passed
        try:
            assert processor.execute_batch(transactions()).success
            passed = ticks - started
        finally:
            running = False

    here, there = (run, tick) if on_main else (tick, run)
    other = threading.Thread(target=there)
    other.start()
    here()
    other.join()
    # With the interpreter held the whole time there would be one, at most.
    assert passed >= 5


def test_a_processor_serves_many_threads(processor: BatchProcessor) -> None:
    def run(n: int) -> bool:
        return processor.execute_batch([pay(f"t{n}", f"payer_{n}", f"payee_{n}", 1)]).success

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(64)))
    assert len(processor.balances()) == 129


def test_time_that_is_up() -> None:
    processor = BatchProcessor(timeout_seconds=1e-6)
    result = processor.execute_batch(many(100))
    assert (result.success, result.error_type, result.error_code) == (False, "TimeoutError", "AE0508")
    assert result.error_message is not None and processor.balances() == []


INTERRUPTED = """
import os, signal, sys, threading
from aethel import BatchProcessor, Transaction

def transactions(count):
    pay = [{"type": "debit", "account": "company", "amount": 1}]
    for n in range(count):
        name = f"e{n}"
        accounts = {"company": {"balance": count}, name: {"balance": 0}}
        yield Transaction(f"t{n}", "pay", accounts, pay + [{"type": "credit", "account": name, "amount": 1}])
    # From here on the batch runs.
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()

processor = BatchProcessor(ledger="books.redb")
try:
    result = processor.execute_batch(transactions(int(sys.argv[1])))
    # The signal is still to come.
    threading.Event().wait(10)
    print("not interrupted")
except KeyboardInterrupt as interrupt:
    result = getattr(interrupt, "result", None)
    if result is None:
        print("too late", processor.balances() != [])
    else:
        print("interrupted", result.success, result.error_code, result.transactions_executed)
        print(interrupt)
print(len(processor.balances()))
# It can be used again.
small = Transaction("small", "nothing", {"ann": {"balance": 5}}, [])
print(processor.execute_batch([small]).success)
"""


def test_ctrl_c_rolls_back(tmp_path: Path) -> None:
    count = 20_000
    while True:
        run = python(INTERRUPTED, str(count))
        lines = run.stdout.splitlines()
        assert len(lines) >= 3, run
        if lines[0] == "too late True" and count < 2_000_000:
            # This machine was done before the signal came.
            (tmp_path / "books.redb").unlink(missing_ok=True)
            count *= 4
            continue
        break
    assert lines[0] == "interrupted False AE0509 0", run
    assert lines[1].startswith("`batch`: interrupted during ")
    assert lines[2:] == ["0", "True"]


WAITING = """
import os, signal, sys, threading
from aethel import BatchProcessor, Transaction
processor = BatchProcessor(ledger="books.redb", wait_seconds=60)
def transactions():
    yield Transaction("t", "nothing", {"ann": {"balance": 5}}, [])
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    print(processor.execute_batch(transactions()).error_message)
except KeyboardInterrupt as interrupt:
    print(interrupt)
"""


def test_ctrl_c_ends_the_wait_for_a_ledger() -> None:
    first = BatchProcessor(ledger="books.redb")
    assert first.execute_batch([pay("t", "ann", "ben", 1)]).success
    with open("books.redb", "r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        begun = time.monotonic()
        told = python(WAITING).stdout
    assert told == "`batch`: interrupted during the wait for the ledger\n"
    assert time.monotonic() - begun < 30


def test_a_handler_of_ones_own_is_heard() -> None:
    script = """
import os, signal, threading
from aethel import BatchProcessor
from conftest import many
class Enough(Exception): pass
def enough(*_): raise Enough("enough")
signal.signal(signal.SIGUSR1, enough)
def transactions():
    yield from many(30_000)
    threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGUSR1)).start()
try:
    BatchProcessor().execute_batch(transactions())
    threading.Event().wait(10)
except Enough as error:
    result = getattr(error, "result", None)
    print(error, result is None or result.error_code == "AE0509")
"""
    assert python(script).stdout == "enough True\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_goes_on() -> None:
    script = """
import os, signal
from aethel import BatchProcessor
from conftest import many
processor = BatchProcessor(2, exact_threads=True)
parent = processor.execute_batch(many(5000, "a"), dry_run=True)
kept = processor.execute_batch(many(1, "b"))
child = os.fork()
if child == 0:
    signal.alarm(60)  # a child that hangs must not stay
    own = processor.execute_batch(many(5000, "c"))
    new = BatchProcessor(2, exact_threads=True).execute_batch(many(5000, "d"))
    held = processor.balance("employee_0_of_b") == processor.balance("employee_9_of_c") == 1
    os._exit(0 if own.success and new.success and held else 1)
print(parent.success, kept.success, os.waitpid(child, 0)[1])
"""
    assert python(script).stdout == "True True 0\n"
