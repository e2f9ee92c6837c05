"""How things look in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .core.synchrony import BatchResult


def block(text: str) -> str:
    """Text as it is, in the letters of a terminal."""
    return f'<pre style="white-space: pre; overflow-x: auto">{escape(text)}</pre>'


def result(of: BatchResult) -> str:
    """A result, as the command line prints it."""
    return block(of.report())
