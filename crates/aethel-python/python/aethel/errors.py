"""What went wrong: diagnostics as values, and the exceptions that carry them.

A batch that fails is not an exception: it gives a :class:`~aethel.core.synchrony.BatchResult` with ``success`` false and
the reason in ``error_message``. Exceptions are for what cannot be run at all: a program that is not well formed, a file
that cannot be read, a number that is not exact. ``result.raise_for_error()`` makes one of a failed batch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

__all__ = [
    "AethelError",
    "AethelSyntaxError",
    "BatchError",
    "Diagnostic",
    "InexactAmountError",
    "Label",
]


@dataclass(frozen=True)
class Label:
    """A place in a text with a remark. Lines and columns count from 1, columns in characters."""

    message: str
    file: str | None
    line: int | None
    column: int | None
    end_line: int | None
    end_column: int | None
    span: tuple[int, int] | None
    """The bytes of the UTF-8 text, the end excluded."""


@dataclass(frozen=True)
class Diagnostic:
    """One problem: a code, what is wrong, where, and what to do."""

    code: str
    """Such as ``AE0501``; ``aethel explain AE0501`` tells more."""
    name: str
    severity: str
    """``error``, ``warning`` or ``note``."""
    message: str
    help: str | None
    file: str | None
    line: int | None
    column: int | None
    end_line: int | None
    end_column: int | None
    span: tuple[int, int] | None
    """The bytes of the UTF-8 text, the end excluded."""
    labels: tuple[Label, ...]
    counterexample: str | None
    """A concrete example that shows the fault, in words."""
    rendered: str
    """All of it as the command line shows it."""

    def __str__(self) -> str:
        return self.rendered

    def _repr_html_(self) -> str:
        from ._notebook import block

        return block(self.rendered)


def _span(data: dict[str, Any]) -> tuple[int, int] | None:
    start, end = data.get("byte_start"), data.get("byte_end")
    return None if start is None or end is None else (start, end)


def _diagnostic(data: dict[str, Any]) -> Diagnostic:
    place: dict[str, Any] = {
        key: data.get(key) for key in ("file", "line", "column", "end_line", "end_column")
    }
    return Diagnostic(
        code=data["code"],
        name=data["name"],
        severity=data["severity"],
        message=data["message"],
        help=data["help"],
        span=_span(data),
        labels=tuple(_label(one) for one in data["labels"]),
        counterexample=data["counterexample"],
        rendered=data.get("rendered", data["message"]),
        **place,
    )


def _label(data: dict[str, Any]) -> Label:
    place: dict[str, Any] = {
        key: data.get(key) for key in ("file", "line", "column", "end_line", "end_column")
    }
    return Label(message=data["message"], span=_span(data), **place)


class AethelError(Exception):
    """A problem with a code. ``str()`` is the message with the code; ``diagnostics`` has all that was found."""

    def __init__(self, message: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message, diagnostics)
        self.diagnostics = diagnostics

    @property
    def diagnostic(self) -> Diagnostic | None:
        """The first error."""
        errors = (one for one in self.diagnostics if one.severity == "error")
        return next(errors, self.diagnostics[0] if self.diagnostics else None)

    @property
    def code(self) -> str | None:
        """Such as ``AE0501``."""
        return self.diagnostic.code if self.diagnostic else None

    @property
    def message(self) -> str:
        """What is wrong, in one line."""
        return self.diagnostic.message if self.diagnostic else str(self.args[0])

    @property
    def help(self) -> str | None:
        """What to do."""
        return self.diagnostic.help if self.diagnostic else None

    @property
    def file(self) -> str | None:
        """Where it is wrong."""
        return self.diagnostic.file if self.diagnostic else None

    @property
    def line(self) -> int | None:
        """Its line, from 1."""
        return self.diagnostic.line if self.diagnostic else None

    @property
    def column(self) -> int | None:
        """Its column in characters, from 1."""
        return self.diagnostic.column if self.diagnostic else None

    @property
    def span(self) -> tuple[int, int] | None:
        """Its bytes in the UTF-8 text, the end excluded."""
        return self.diagnostic.span if self.diagnostic else None

    def __str__(self) -> str:
        if not self.diagnostics:
            return str(self.args[0])
        return "\n\n".join(one.rendered for one in self.diagnostics)


class AethelSyntaxError(AethelError):
    """A program that is not well formed."""


class BatchError(AethelError):
    """A batch that failed; made by ``result.raise_for_error()``."""


class InexactAmountError(AethelError, TypeError):
    """A float where an exact number is needed: it has been rounded before Aethel sees it."""

    @property
    def code(self) -> str:
        """``AE0907``, as for a JSON number with a fraction."""
        return "AE0907"

    @property
    def help(self) -> str:
        """What to do."""
        return 'give an int, a decimal.Decimal or a string such as "0.10"'


def diagnostics_of(data: list[dict[str, Any]]) -> tuple[Diagnostic, ...]:
    """Diagnostics from the shape in which the engine tells them."""
    return tuple(_diagnostic(one) for one in data)


def from_json(text: str) -> AethelError:
    """The exception for problems that the engine tells. Not for direct use."""
    found = diagnostics_of(json.loads(text))
    error = AethelError("", found)
    kind = AethelSyntaxError if (error.code or "").startswith("AE01") else AethelError
    return kind(error.message, found)


def inexact(at: str, kind: str, shown: str) -> InexactAmountError:
    """The exception for a number that is not exact. Not for direct use."""
    written = f'Decimal("{shown}") or "{shown}"' if kind == "float" else "a Decimal or a string"
    return InexactAmountError(f"AE0907: {at} is the {kind} {shown}, which is not exact: write {written}")
