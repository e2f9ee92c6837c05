"""Runs batches, all or nothing, on a ledger."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Union

from .._aethel import Outcome, Processor, Program, to_json, transactions_json
from .parser import AtomicBatchNode, IntentNode
from .synchrony import BatchResult, Transaction, result_of
from .values import LedgerBalance, Value, value_of

__all__ = ["BatchProcessor", "Inputs"]

Inputs = Union[Mapping[str, Any], str, "os.PathLike[str]"]
"""What a run brings beside its program: a dictionary in the shape of an inputs file (``accounts``, ``args``, ``bind``, …),
or the path of such a file."""

_MAX_SECONDS = 10.0 * 365 * 24 * 3600


class BatchProcessor:
    """Runs batches: each is committed as a whole with a proof, or the ledger is as it was and the result says why.

    A processor may be used by several Python threads; it runs one batch at a time. While a batch runs, other Python
    threads go on. Ctrl-C stops a batch before its commit and nothing is changed: the ``KeyboardInterrupt`` then has the
    :class:`BatchResult` as its attribute ``result``.

    :param num_threads: How many threads may execute transactions; never more than the machine has cores, and fewer where
        fewer are faster (``result.threads_why`` says why).
    :param timeout_seconds: How long a batch may take until its commit; then its ``error_type`` is ``TimeoutError``.
    :param ledger: A durable ledger, opened for each batch: the path of a file, made by the first commit, or a
        ``postgres://`` URL. Without it the processor keeps a ledger of its own in memory.
    :param inputs: Balances, arguments and bindings for programs, as a dictionary or the path of an inputs file.
    :param assets: The assets of transaction lists and their decimal places, such as ``{"USD": 2}``. Without it there is
        one asset, ``unit``, with nine decimal places.
    :param unbounded: Accounts of transaction lists that may go below zero.
    :param wait_seconds: How long to wait for a ledger that another process has open, or whose server is away.
    :param config: An ``aethel.toml`` whose trust in oracles counts, instead of the one beside the ledger.
    :param signatures: Files with signatures of approvers, as ``aethel sign`` makes them.
    :param exact_threads: Use as many threads as ``num_threads`` and the cores allow, faster or not.
    :param details: Gather for each result what its page shows of every transaction, and the drawing of what waits for
        what. ``None`` does so in a notebook.
    :param measure: Keep with each result what ``throughput_improvement`` needs.
    :raises ValueError: when a number is out of range.
    :raises AethelError: when the ledger's name or a file of signatures is wrong.
    """

    def __init__(
        self,
        num_threads: int = 8,
        timeout_seconds: float = 300.0,
        *,
        ledger: str | os.PathLike[str] | None = None,
        inputs: Inputs | None = None,
        assets: Mapping[str, int] | None = None,
        unbounded: Iterable[str] | None = None,
        wait_seconds: float = 0.0,
        config: str | os.PathLike[str] | None = None,
        signatures: Sequence[str | os.PathLike[str]] = (),
        exact_threads: bool = False,
        details: bool | None = None,
        measure: bool = True,
    ) -> None:
        if not 1 <= num_threads <= 4096:
            raise ValueError(f"num_threads is {num_threads}; it is from 1 to 4096")
        if not 0 < timeout_seconds <= _MAX_SECONDS:  # also false for nan
            raise ValueError(f"timeout_seconds is {timeout_seconds}; it is a number above 0")
        if not 0 <= wait_seconds <= _MAX_SECONDS:
            raise ValueError(f"wait_seconds is {wait_seconds}; it is a number from 0")
        self.num_threads = num_threads
        self.timeout_seconds = timeout_seconds
        self.inputs = inputs
        self.assets = dict(assets) if assets is not None else None
        self.unbounded = list(unbounded) if unbounded is not None else None
        self.measure = measure
        self._processor = Processor(
            threads=num_threads,
            exactly=exact_threads,
            details="IPython" in sys.modules if details is None else details,
            # A timeout of less than a microsecond is one that is over.
            timeout=timedelta(microseconds=math.ceil(timeout_seconds * 1e6)),
            ledger=None if ledger is None else os.fspath(ledger),
            wait=timedelta(seconds=wait_seconds),
            config=config,
            signatures=signatures,
        )

    # -- the Synchrony Protocol -------------------------------------------------------------------------------------

    def execute_batch(
        self,
        transactions: Iterable[Transaction | Mapping[str, Any]],
        *,
        name: str = "batch",
        key: str | None = None,
        dry_run: bool = False,
    ) -> BatchResult:
        """Runs a list of transactions as one batch.

        :param transactions: Transactions, or dictionaries with their fields.
        :param name: The batch's name in the ledger and in reports.
        :param key: What makes it the same batch again: a batch that was committed under its name and key does nothing the
            second time (``already_committed``). Without a key each call is a batch of its own.
        :param dry_run: Do everything but the commit.
        :raises InexactAmountError: when an amount is a float.
        """
        text = transactions_json(name, self.assets, self.unbounded, transactions)
        return _result(self._processor.run_list(name, text, key, dry_run, self.measure))

    def execute_single_transaction(
        self, transaction: Transaction, *, key: str | None = None, dry_run: bool = False
    ) -> BatchResult:
        """Runs one transaction as a batch of one, under its id, with a proof and a commit of its own (the v1.7 way)."""
        return self.execute_batch([transaction], name=transaction.id, key=key, dry_run=dry_run)

    def execute_atomic_batch(
        self,
        batch_ast: AtomicBatchNode,
        *,
        inputs: Inputs | None = None,
        key: str | None = None,
        dry_run: bool = False,
    ) -> BatchResult:
        """Runs a batch of a program.

        :param batch_ast: One of those that :meth:`AethelParser.parse` gives.
        :param inputs: Taken instead of the processor's. Without either, a program that was read from a file takes those
            beside it: ``payroll.inputs.json`` for ``payroll.ae``.
        :param key: As for :meth:`execute_batch`.
        :param dry_run: Do everything but the commit.
        :raises InexactAmountError: when a number of the inputs is a float.
        :raises OSError: when an inputs file cannot be read.
        """
        if not isinstance(batch_ast, AtomicBatchNode):
            found = type(batch_ast).__name__
            raise TypeError(f"expected an AtomicBatchNode, as AethelParser().parse(..) lists them, not {found}")
        return self._run(batch_ast, False, inputs, key, dry_run)

    # -- more -------------------------------------------------------------------------------------------------------

    def execute_intent(
        self,
        intent: IntentNode,
        *,
        inputs: Inputs | None = None,
        key: str | None = None,
        dry_run: bool = False,
    ) -> BatchResult:
        """Runs a top-level intent as a single transaction. Takes and raises what :meth:`execute_atomic_batch` does."""
        if not isinstance(intent, IntentNode):
            found = type(intent).__name__
            raise TypeError(f"expected an IntentNode, as AethelParser().parse_intents(..) lists them, not {found}")
        return self._run(intent, True, inputs, key, dry_run)

    def balance(self, account: str, asset: str | None = None) -> Value | None:
        """What an account holds; ``None`` when nobody opened it.

        :param asset: The asset; may be left out when the account holds only one.
        :raises AethelError: when the ledger cannot be read.
        :raises ValueError: when the account holds several assets and none is named.
        """
        held = [one for one in self.balances() if one.account == account and one.asset is not None]
        held = [one for one in held if asset in (None, one.asset)]
        if len(held) > 1:
            raise ValueError(f"{account!r} holds {', '.join(str(one.asset) for one in held)}: name the asset")
        return held[0].value if held else None

    def balances(self) -> list[LedgerBalance]:
        """Everything in the ledger, by account; nothing where there is no ledger yet.

        :raises AethelError: when the ledger cannot be read.
        """
        return [
            LedgerBalance(account, asset, field, value_of(text, scale, is_bool, field is not None))
            for account, asset, field, text, is_bool, scale in self._processor.rows()
        ]

    def __repr__(self) -> str:
        return f"BatchProcessor(num_threads={self.num_threads}, ledger={self._processor.ledger!r})"

    def _run(
        self,
        node: AtomicBatchNode | IntentNode,
        is_intent: bool,
        inputs: Inputs | None,
        key: str | None,
        dry_run: bool,
    ) -> BatchResult:
        given = _given(inputs if inputs is not None else self.inputs, node._path)
        program: Program = node._program
        answer = self._processor.run_program(
            program, node.name, is_intent, given, key, dry_run, self.measure
        )
        return _result(answer)


def _given(inputs: Inputs | None, program: Path | None) -> tuple[str, str, Path] | None:
    """The name and text of inputs, and where the files are that they name."""
    if inputs is None:
        beside = program.with_suffix(".inputs.json") if program else None
        if beside is None or not beside.is_file():
            return None
        inputs = beside
    if isinstance(inputs, (str, os.PathLike)):
        path = Path(inputs)
        return str(path), path.read_bytes().decode("utf-8"), path.parent
    if not isinstance(inputs, Mapping):
        raise TypeError(f"inputs are a dict or a path, not {type(inputs).__name__}")
    return "inputs", to_json(inputs, "inputs"), Path(".")


def _result(answer: tuple[Outcome, BaseException | None]) -> BatchResult:
    outcome, interrupt = answer
    result = result_of(outcome)
    if interrupt is None:
        return result
    # Who interrupts must be able to learn how it ended: a commit that was handed over is made.
    if isinstance(interrupt, KeyboardInterrupt) and not interrupt.args:
        committed = f"`{result.batch}` was committed, receipt {result.receipt}"
        interrupt.args = (committed if result.success else f"`{result.batch}`: {result.error_message}",)
    interrupt.result = result  # type: ignore[attr-defined]
    raise interrupt
