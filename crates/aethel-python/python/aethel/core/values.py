"""What results are made of; ``aethel.core.synchrony`` has it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from functools import cached_property
from typing import Any, Union

from .._aethel import Outcome

Value = Union[Decimal, int, bool]
"""What a place of a ledger holds: a ``Decimal`` with the decimal places of the asset, an ``int`` where the asset has none
or the place is a declared number, a ``bool`` for a declared truth value."""


_EXACT = Context(prec=100, traps=[Inexact])
"""Wide enough for any two amounts; the context of the caller may have few digits."""


def value_of(text: str, scale: int, is_bool: bool, is_field: bool) -> Value:
    """A value from its text."""
    if is_bool:
        return text == "true"
    return int(text) if is_field or scale == 0 else Decimal(text)


@dataclass(frozen=True)
class ProofResult:
    """Why the outcome is that of the serial run, one transaction after the other in ``serial_order``."""

    is_linearizable: bool
    """It is: nothing else is ever committed."""
    way: str
    """``parallel``, ``serial``, or ``serial after doubt``."""
    transactions_checked: int
    """Transactions that the independent checker evaluated again."""
    accesses_checked: int
    replay_equal: bool | None
    by_sums: bool
    lemmas: tuple[str, ...]
    """Digests of the lemmas that it relies on, each proved by Z3."""
    fallback: str | None
    """Why the parallel run was not accepted and the serial one taken, when that was so."""
    direct: str | None
    """What Z3 said about the whole run, when it was asked: ``proved``, ``refuted``, ``undecided``."""
    solver: str

    @cached_property
    def serial_order(self) -> list[str]:
        """The ids of the transactions, in the order of which the outcome is."""
        outcome: Outcome | None = self.__dict__.get("_outcome")
        return [] if outcome is None else outcome.serial_order()

    def __bool__(self) -> bool:
        return self.is_linearizable

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "serial_order": self.serial_order, "_outcome": None}


@dataclass(frozen=True)
class AssetSums:
    """All accounts of the batch together, in one asset."""

    asset: str
    before: Value
    after: Value
    difference: Value


@dataclass(frozen=True)
class ConservationResult:
    """What the batch did to the sum of each asset: nothing, or it would not have been committed."""

    assets: tuple[AssetSums, ...]
    oracle_proofs: int
    """Proofs for external values that were verified."""

    @property
    def is_conserved(self) -> bool:
        """Whether each sum is the same before and after."""
        return all(one.difference == 0 for one in self.assets)

    is_valid = is_conserved

    def __bool__(self) -> bool:
        return self.is_conserved


@dataclass(frozen=True)
class BalanceChange:
    """What a written place held before and after the batch."""

    account: str
    asset: str | None
    """The asset, for a balance."""
    field: str | None
    """The field, for a declared one."""
    before: Value
    after: Value
    unbounded: bool
    """Whether the account may go below zero."""

    @property
    def change(self) -> Value:
        """How much it gained."""
        if isinstance(self.after, Decimal) and isinstance(self.before, Decimal):
            return _EXACT.subtract(self.after, self.before)
        return int(self.after) - int(self.before)


@dataclass(frozen=True)
class LedgerBalance:
    """What a place of a ledger holds."""

    account: str
    asset: str | None
    field: str | None
    value: Value


@dataclass(frozen=True)
class StageReport:
    """What one of the six stages did, and how long it took."""

    number: int
    name: str
    seconds: float
    numbers: Mapping[str, int]


@dataclass(frozen=True)
class ThroughputBaseline:
    """What ``throughput_improvement`` was measured on."""

    measured: int
    """Transactions that were run one by one, each with its own proof and commit."""
    of: int
    """Of how many."""
    seconds: float
    """How long they took."""
