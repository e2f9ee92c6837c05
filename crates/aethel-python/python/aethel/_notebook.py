"""How things look in a notebook."""

from __future__ import annotations

from html import escape


def block(text: str) -> str:
    """Text as it is, in the letters of a terminal."""
    return f'<pre style="white-space: pre; overflow-x: auto">{escape(text)}</pre>'
