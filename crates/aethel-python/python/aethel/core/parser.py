"""Programs: read, parsed into batches and intents."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .._aethel import Program

__all__ = ["AethelParser", "AtomicBatchNode", "IntentNode", "ParameterNode", "Source"]


class Source(str):
    """The text of a program that remembers its file.

    Messages name the file, files that the program names are looked for beside it, and ``name.inputs.json`` beside
    ``name.ae`` is taken as inputs when a processor has none, as ``aethel run`` does.
    """

    path: Path

    def __new__(cls, text: str, path: str | os.PathLike[str]) -> Source:
        self = super().__new__(cls, text)
        self.path = Path(path)
        return self

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Source:
        """Reads a program from a file.

        :raises OSError: when it cannot be read.
        :raises UnicodeDecodeError: when it is not UTF-8.
        """
        return cls(Path(path).read_bytes().decode("utf-8"), path)

    def __reduce__(self) -> tuple[type[Source], tuple[str, Path]]:
        return Source, (str(self), self.path)


@dataclass(frozen=True)
class ParameterNode:
    """A parameter of an intent."""

    name: str
    type: str
    """As written, such as ``Account<USD>``."""
    external: bool = False
    secret: bool = False


@dataclass(frozen=True)
class IntentNode:
    """An intent. ``guard`` and ``verify`` hold their lines as written."""

    name: str
    parameters: tuple[ParameterNode, ...]
    guard: tuple[str, ...]
    verify: tuple[str, ...]
    after: tuple[str, ...]
    line: int
    column: int
    span: tuple[int, int]
    """The bytes of the UTF-8 text, the end excluded."""
    text: str = field(repr=False)
    _program: Program = field(repr=False, compare=False)
    _path: Path | None = field(repr=False, compare=False)


@dataclass(frozen=True)
class AtomicBatchNode:
    """A batch of a program, for :meth:`BatchProcessor.execute_atomic_batch`."""

    name: str
    intents: tuple[IntentNode, ...]
    """The intents that the batch itself defines, each of which is one transaction."""
    calls: tuple[str, ...]
    """Calls of top-level intents and loops over files, as written."""
    line: int
    column: int
    span: tuple[int, int]
    """The bytes of the UTF-8 text, the end excluded."""
    text: str = field(repr=False)
    _program: Program = field(repr=False, compare=False)
    _path: Path | None = field(repr=False, compare=False)


class AethelParser:
    """Parses programs."""

    def parse(self, source: str | os.PathLike[str]) -> list[AtomicBatchNode]:
        """The batches of a program, in the order of the text.

        :param source: The text of a program, or the path of a file (any ``os.PathLike``, such as ``pathlib.Path``).
        :raises AethelSyntaxError: with code, line, column and what to do, when the text is not well formed.
        :raises OSError: when the file cannot be read.
        """
        program, path = _program(source)
        batches: list[dict[str, Any]] = json.loads(program.outline())["batches"]
        return [_batch(one, program, path) for one in batches]

    def parse_intents(self, source: str | os.PathLike[str]) -> list[IntentNode]:
        """The top-level intents of a program, each of which :meth:`BatchProcessor.execute_intent` can run alone.

        Takes and raises what :meth:`parse` does.
        """
        program, path = _program(source)
        return _intents(json.loads(program.outline())["intents"], program, path)


def _program(source: str | os.PathLike[str]) -> tuple[Program, Path | None]:
    text, name, directory = located(source)
    program = Program.parse(text, name, directory)
    return program, source.path if isinstance(source, Source) else None if isinstance(source, str) else Path(source)


def located(source: str | os.PathLike[str]) -> tuple[str, str, Path]:
    """The text of a program, what messages call it, and where its files are."""
    if not isinstance(source, str):
        if not isinstance(source, os.PathLike):
            found = type(source).__name__
            raise TypeError(f"a program is a string or a path, not {found}")
        source = Source.read(source)
    if isinstance(source, Source):
        return source, str(source.path), source.path.parent
    return source, "<string>", Path(".")


def _batch(data: dict[str, Any], program: Program, path: Path | None) -> AtomicBatchNode:
    return AtomicBatchNode(
        name=data["name"],
        intents=tuple(_intents(data["intents"], program, path)),
        calls=tuple(one["text"] for one in data["calls"]),
        line=data["line"],
        column=data["column"],
        span=(data["span"][0], data["span"][1]),
        text=data["text"],
        _program=program,
        _path=path,
    )


def _intents(data: Sequence[dict[str, Any]], program: Program, path: Path | None) -> list[IntentNode]:
    return [
        IntentNode(
            name=one["name"],
            parameters=tuple(ParameterNode(**parameter) for parameter in one["parameters"]),
            guard=tuple(one["guard"]),
            verify=tuple(one["verify"]),
            after=tuple(one["after"]),
            line=one["line"],
            column=one["column"],
            span=(one["span"][0], one["span"][1]),
            text=one["text"],
            _program=program,
            _path=path,
        )
        for one in data
    ]
