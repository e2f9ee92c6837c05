"""Transactions, and what comes of a batch of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, overload

from .._aethel import Outcome, to_json
from ..errors import BatchError, Diagnostic, diagnostics_of
from .values import (
    AssetSums,
    BalanceChange,
    ConservationResult,
    LedgerBalance,
    ProofResult,
    StageReport,
    ThroughputBaseline,
    Value,
    value_of,
)

if TYPE_CHECKING:
    import pandas

__all__ = [
    "AssetSums",
    "BalanceChange",
    "BatchResult",
    "ConservationResult",
    "LedgerBalance",
    "ProofResult",
    "StageReport",
    "ThroughputBaseline",
    "Transaction",
]

@dataclass
class Transaction:
    """One transaction of a list: the accounts that it touches, and its operations in order.

    :raises InexactAmountError: when an amount or balance is a float.
    """

    id: str
    """Unique in the list."""
    intent_name: str
    """What it is called in reports."""
    accounts: Mapping[str, Mapping[str, Any]]
    """For each account the balance before the whole batch, ``{"balance": 1000}``, or ``{"balances": {"USD": "1.00"}}``. An
    account that the ledger does not know is opened with it; for a known one another balance is an error."""
    operations: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """``debit``, ``credit``, ``transfer`` and ``swap``, each checked where it stands."""
    verify_conditions: Sequence[str] = field(default_factory=list)
    """Conditions that must hold after it, such as ``"alice.balance == old(alice.balance) + 85"``."""
    depends_on: Sequence[str] = field(default_factory=list)
    """The ids of transactions that must be done before."""
    oracle_proofs: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """Signed values, as ``aethel oracle sign`` prints them."""

    def __post_init__(self) -> None:
        # Said here, where the number was written, and again when the batch runs: the dictionaries may change meanwhile.
        to_json(self.accounts, "accounts")
        to_json(self.operations, "operations")


class _Measured:
    """A field that is measured when it is read first."""

    @overload
    def __get__(self, result: None, owner: type) -> float: ...
    @overload
    def __get__(self, result: BatchResult, owner: type) -> float: ...
    def __get__(self, result: BatchResult | None, owner: type) -> float:
        return math.nan if result is None else result._measure()

    def __set__(self, result: BatchResult, value: float) -> None:
        if not math.isnan(value):
            result.__dict__["_improvement"] = value


@dataclass(repr=False, eq=False, kw_only=True)
class BatchResult:
    """What came of a batch. The first ten fields are those of the Synchrony Protocol."""

    success: bool
    """It was committed, now or before (or would have been, in a dry run)."""
    transactions_executed: int
    """How many transactions were executed and kept; 0 when the batch failed or had been committed before."""
    transactions_parallel: int
    """How many of them ran in chunks that overlapped a chunk of another thread in time."""
    execution_time: float
    """The six stages, in seconds."""
    throughput_improvement: _Measured = _Measured()
    """The time of the same transactions one by one, each as a batch of its own with its own proof and commit, over the time
    of this batch. Measured when it is first read, for at most about a second on at most 100 of the transactions, on a
    scratch ledger of the same kind (see ``throughput_baseline``); ``nan`` where there is nothing to measure."""
    thread_count: int
    """Threads that executed at least one transaction."""
    avg_parallelism: float
    """Busy time of all threads over the wall time of stage 3."""
    linearizability_proof: ProofResult | None
    """``None`` when the batch did not come so far."""
    conservation_proof: ConservationResult | None
    """``None`` when the batch did not come so far."""
    error_message: str | None
    """What was wrong, in one line."""

    error_type: str | None = None
    """Its kind, in the words of the protocol: ``TimeoutError``, ``ConservationViolationError``, …"""
    error_code: str | None = None
    """Its code; ``aethel explain`` tells more."""
    error: Diagnostic | None = None
    """All about it: where, what was expected, what to do."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """What else was said: warnings and notes, and further errors."""
    batch: str = ""
    """The batch's name."""
    key: str | None = None
    """What makes it the same batch again."""
    receipt: str | None = None
    """The ledger's receipt, in hexadecimal digits."""
    content_hash: str | None = None
    """What it means, as a hash in hexadecimal digits."""
    sequence: int | None = None
    """The number of its record in the ledger."""
    already_committed: bool = False
    """It had been committed before: nothing was executed now."""
    dry_run: bool = False
    """Nothing was committed on purpose."""
    outcome_unknown: bool = False
    """The commit was handed over, and whether it was made cannot be known: run it again with the same key."""
    stages: tuple[StageReport, ...] = ()
    """What each stage did."""
    threads_why: str | None = None
    """How many threads were used, and why."""

    _outcome: ClassVar[Outcome | None] = None
    _kept: ClassVar[dict[str, Any] | None] = None
    """What there is instead of ``_outcome`` after a result was copied to another process."""

    # -- values -----------------------------------------------------------------------------------------------------

    @cached_property
    def balances(self) -> tuple[BalanceChange, ...]:
        """Every place that the batch wrote, before and after."""
        if self._outcome is None:
            return self._kept["balances"] if self._kept else ()
        return tuple(
            BalanceChange(
                account,
                asset,
                name,
                value_of(before, scale, is_bool, name is not None),
                value_of(after, scale, is_bool, name is not None),
                unbounded,
            )
            for account, asset, name, scale, before, after, unbounded, is_bool in self._outcome.balances()
        )

    def balance(self, account: str, asset: str | None = None) -> Value:
        """What an account holds after the batch.

        :raises KeyError: when the batch did not change it, or it has several assets and none is named.
        """
        found = [
            one
            for one in self.balances
            if one.account == account and one.asset is not None and asset in (None, one.asset)
        ]
        if len(found) != 1:
            why = "has several assets: name one" if found else "was not changed by this batch"
            raise KeyError(f"{account!r} {why}")
        return found[0].after

    @property
    def throughput_baseline(self) -> ThroughputBaseline | None:
        """On how many transactions of how many ``throughput_improvement`` was measured; measures it."""
        self._measure()
        baseline: ThroughputBaseline | None = self.__dict__.get("_baseline")
        return baseline

    def _measure(self) -> float:
        if "_improvement" not in self.__dict__:
            self._improvement: float | None = None
            if self._outcome is not None:
                self._improvement, baseline, _ = self._outcome.measure()
                self._baseline = ThroughputBaseline(*baseline) if baseline else None
        return math.nan if self._improvement is None else self._improvement

    @property
    def certificate(self) -> bytes:
        """The certificate of the run, for an independent checker; empty when nothing was executed."""
        if self._outcome is None:
            kept: bytes = self._kept["certificate"] if self._kept else b""
            return kept
        return self._outcome.certificate()

    def raise_for_error(self) -> None:
        """Raises what was wrong, when something was.

        :raises BatchError: with code, place and what to do.
        """
        if not self.success:
            found = (self.error,) if self.error else ()
            raise BatchError(self.error_message or "the batch failed", found + self.diagnostics)

    # -- shapes -----------------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """What ``aethel run -o json`` prints about this batch, as a text."""
        if self._outcome is None:
            kept: str = self._kept["json"] if self._kept else "{}"
            return kept
        return self._outcome.json()

    def to_dict(self) -> dict[str, Any]:
        """The same as a dictionary. Amounts are strings."""
        data: dict[str, Any] = json.loads(self.to_json())
        return data

    def report(self) -> str:
        """What ``aethel run`` prints about this batch: what happened, the six stages, balances, the receipt."""
        if self._outcome is None:
            kept: str = self._kept["report"] if self._kept else ""
            return kept
        return self._outcome.report()

    def to_html(self) -> str:
        """The page that ``aethel run --report`` writes, about this batch: one document that needs no network."""
        if self._outcome is None:
            kept: str = self._kept["page"] if self._kept else ""
            return kept
        return self._outcome.html(False)

    def to_pandas(self, table: str = "balances") -> pandas.DataFrame:
        """One of the tables of the result as a DataFrame, with amounts as ``Decimal``: ``balances``, ``stages``,
        ``conservation``, ``conflicts`` (the most conflicted places) or ``chunks`` (which thread ran what when).

        :raises ImportError: when pandas is not installed.
        :raises ValueError: when there is no such table.
        """
        from .._tables import frame

        return frame(self, table)

    def __str__(self) -> str:
        return self.report()

    def __repr__(self) -> str:
        head = f"BatchResult({self.batch!r}"
        if not self.success:
            return f"{head}, success=False, error={self.error_code}: {self.error_message})"
        if self.already_committed:
            return f"{head}, success=True, already_committed=True, receipt={self.receipt!r})"
        ran = f"{_counted(self.transactions_executed, 'transaction')} on {_counted(self.thread_count, 'thread')}"
        ran += f" in {self.execution_time:.4f} s"
        return f"{head}, success=True, {ran})"

    def _repr_html_(self) -> str:
        if self._outcome is None:
            kept: str = self._kept["frame"] if self._kept else ""
            return kept
        return self._outcome.html(True)

    # -- copies -----------------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if self._outcome is not None:
            state["_kept"] = {
                "balances": self.balances,
                "json": self.to_json(),
                "report": self.report(),
                "page": self.to_html(),
                "frame": self._repr_html_(),
                "certificate": self.certificate,
            }
        state["_outcome"] = None
        return state


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def result_of(outcome: Outcome) -> BatchResult:
    """The result of what the engine did."""
    data: dict[str, Any] = json.loads(outcome.summary())
    told: dict[str, Any] = json.loads(outcome.diagnostics())
    proof, sums = data["linearizability_proof"], data["conservation_proof"]
    result = BatchResult(
        success=data["success"],
        transactions_executed=data["transactions_executed"],
        transactions_parallel=data["transactions_parallel"],
        execution_time=data["execution_time"],
        thread_count=data["thread_count"],
        avg_parallelism=data["avg_parallelism"],
        linearizability_proof=None if proof is None else _proof(proof, outcome),
        conservation_proof=None if sums is None else _conservation(sums),
        error_message=data["error_message"],
        error_type=data["error_type"],
        error_code=data["error_code"],
        error=next(iter(diagnostics_of([told["failure"]])), None) if told["failure"] else None,
        diagnostics=diagnostics_of(told["others"]),
        batch=data["batch"],
        key=data["key"],
        receipt=data["receipt"],
        content_hash=data["content_hash"],
        sequence=data["sequence"],
        already_committed=data["already_committed"],
        dry_run=data["dry_run"],
        outcome_unknown=data["outcome_unknown"],
        stages=tuple(
            StageReport(one["number"], one["name"], one["duration_ns"] / 1e9, one["numbers"])
            for one in data["stages"]
        ),
        threads_why=data["threads_why"],
    )
    result.__dict__["_outcome"] = outcome
    return result


def _proof(data: dict[str, Any], outcome: Outcome) -> ProofResult:
    proof = ProofResult(**{**data, "lemmas": tuple(data["lemmas"])})
    proof.__dict__["_outcome"] = outcome
    return proof


def _conservation(data: dict[str, Any]) -> ConservationResult:
    def number(text: str) -> Value:
        return Decimal(text) if "." in text else int(text)

    return ConservationResult(
        assets=tuple(
            AssetSums(one["asset"], *(number(one[key]) for key in ("before", "after", "difference")))
            for one in data["assets"]
        ),
        oracle_proofs=data["oracle_proofs"],
    )
