# The compiled part; what it takes and gives is private to the package.

from collections.abc import Sequence
from datetime import timedelta
from os import PathLike
from typing import Any, final

__build__: str
__version__: str

def to_json(value: object, what: str) -> str: ...
def transactions_json(
    name: str, assets: object | None, unbounded: object | None, transactions: object
) -> str: ...
@final
class Program:
    @staticmethod
    def parse(text: str, name: str, directory: str | PathLike[str]) -> Program: ...
    @staticmethod
    def check(text: str, name: str, directory: str | PathLike[str]) -> tuple[str, str, str, bool]: ...
    def outline(self) -> str: ...

@final
class Outcome:
    def summary(self) -> str: ...
    def diagnostics(self) -> str: ...
    def json(self) -> str: ...
    def report(self) -> str: ...
    def html(self, framed: bool) -> str: ...
    def balances(
        self,
    ) -> list[tuple[str, str | None, str | None, int, str, str, bool, bool]]: ...
    def serial_order(self) -> list[str]: ...
    def certificate(self) -> bytes: ...
    def measure(
        self,
    ) -> tuple[float | None, tuple[int, int, float] | None, str | None]: ...

@final
class Processor:
    def __new__(
        cls,
        *,
        threads: int,
        exactly: bool,
        details: bool,
        timeout: timedelta,
        ledger: str | None,
        wait: timedelta,
        config: str | PathLike[str] | None,
        signatures: Sequence[str | PathLike[str]],
    ) -> Processor: ...
    def run_list(
        self, name: str, text: str, key: str | None, dry_run: bool, keep: bool
    ) -> tuple[Outcome, Any]: ...
    def run_program(
        self,
        program: Program,
        name: str,
        is_intent: bool,
        given: tuple[str, str, str | PathLike[str]] | None,
        key: str | None,
        dry_run: bool,
        keep: bool,
    ) -> tuple[Outcome, Any]: ...
    def rows(self) -> list[tuple[str, str | None, str | None, str, bool, int]]: ...
    def balance(self, account: str, asset: str) -> str | None: ...
    @property
    def ledger(self) -> str: ...
