"""What ``aethel check`` does: syntax, names, types, meaning, and proofs for all states and inputs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

from ._aethel import Program
from .core.parser import located
from .errors import AethelError, AethelSyntaxError, Diagnostic, diagnostics_of

__all__ = ["CheckReport", "check"]


@dataclass(frozen=True)
class CheckReport:
    """What a check found. ``bool(report)`` is whether nothing is wrong and everything was decided."""

    diagnostics: tuple[Diagnostic, ...]
    undecided: bool
    """Something that would be an error could not be decided: this is no success."""
    rendered: str = field(repr=False)
    """The diagnostics as the command line shows them."""
    _json: str = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether there is no error and everything was decided."""
        return not self.errors and not self.undecided

    def __bool__(self) -> bool:
        return self.ok

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics of severity ``error``."""
        return tuple(one for one in self.diagnostics if one.severity == "error")

    @property
    def proofs(self) -> list[dict[str, Any]]:
        """What was proved of each intent and batch, as in :meth:`to_dict`."""
        found: list[dict[str, Any]] = self.to_dict()["proofs"]
        return found

    def raise_for_error(self) -> None:
        """Raises what was found, when there is an error among it.

        :raises AethelError: with all diagnostics.
        """
        if self.errors:
            first = self.errors[0]
            kind = AethelSyntaxError if first.code.startswith("AE01") else AethelError
            raise kind(first.message, self.diagnostics)

    def to_json(self) -> str:
        """What ``aethel check -o json`` prints."""
        return self._json

    def to_dict(self) -> dict[str, Any]:
        """The same as a dictionary."""
        data: dict[str, Any] = json.loads(self._json)
        return data

    def __str__(self) -> str:
        return self.rendered or "no problems"

    def _repr_html_(self) -> str:
        from ._notebook import block

        return block(str(self))


def check(source: str | os.PathLike[str]) -> CheckReport:
    """Judges a program for all states and inputs. Needs no ledger and runs nothing.

    Other Python threads go on meanwhile; Ctrl-C stops it.

    :param source: The text of a program, or the path of a file (any ``os.PathLike``).
    :raises OSError: when the file cannot be read.
    """
    text, name, directory = located(source)
    told, found, rendered, undecided = Program.check(text, name, directory)
    return CheckReport(diagnostics_of(json.loads(found)), undecided, rendered, told)
