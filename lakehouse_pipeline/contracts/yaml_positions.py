"""YAML text to plain values, with the line and column of every key and value.

Scalars follow the YAML 1.2 core schema: `NO` is text (not false), `2020-01-01` is text (not a
date), so that a contract means what it shows. What the values mean is decided in `shape.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import yaml

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C parser reads 500 columns in 0.1 s, the Python one in 1 s; both give the same events."""

MAX_DEPTH = 64
MAX_VALUES = 200_000
"""Bounds on nesting and on values after aliases are followed: a small file stays small."""

Place = TypeVar("Place")
DocumentPath = tuple[str | int, ...]
"""Keys and list positions that lead to a value, as in `("schema", 0, "name")`."""

_UNPRINTABLE = re.compile(
    "[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
_NULL = re.compile(r"|~|null|Null|NULL")
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]{1,100}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map")}


class Mark(NamedTuple):
    """A place in the text, both counted from 1; columns count characters."""

    line: int
    column: int


class YamlFaultError(Exception):
    """The text cannot be read any further. `mark` is where."""

    def __init__(self, mark: Mark, message: str) -> None:
        super().__init__(message)
        self.mark = mark
        self.message = message


@dataclass
class Document:
    """A YAML document's plain value, and for each path where it stands and how it is written.

    `values` and `keys` hold the marks of values and of mapping keys, `texts` the text of scalars
    exactly as written (`0.10`), `faults` what is wrong but did not stop the reading.
    """

    value: object = None
    values: dict[DocumentPath, Mark] = field(default_factory=dict)
    keys: dict[DocumentPath, Mark] = field(default_factory=dict)
    texts: dict[DocumentPath, str] = field(default_factory=dict)
    faults: list[tuple[Mark, str]] = field(default_factory=list)

    def mark(self, path: DocumentPath) -> Mark:
        """Return where the value at `path` stands, or its nearest parent if there is none."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Mark(1, 1))

    def key_mark(self, path: DocumentPath) -> Mark:
        """Return where the key at the end of `path` stands, or its nearest parent."""
        return self.keys.get(path) or self.mark(path)


def parse_yaml(text: str) -> Document:
    """Return the one document of `text`; an empty text has the value None.

    Raises: YamlFaultError: the text is not YAML, is nested too deep or holds several documents.
    """
    text = text.removeprefix("\ufeff")
    found = _UNPRINTABLE.search(text)
    if found:
        raise YamlFaultError(
            _mark_at(text, found.start()),
            f"character U+{ord(found[0]):04X} is not allowed in YAML; write it as an escape",
        )
    try:
        return _Composer(yaml.parse(text, Loader=LOADER)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)
        reasons = ", ".join(part for part in (error.context, error.problem) if part)
        raise YamlFaultError(where, f"not valid YAML: {reasons}") from error


def _mark_at(text: str, offset: int) -> Mark:
    before = text[:offset]
    return Mark(before.count("\n") + 1, offset - before.rfind("\n"))


class _Composer:
    """Turns the parser's events into a `Document`; holds the anchors met so far."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._result = Document()
        self._anchors: dict[str, tuple[DocumentPath, object]] = {}

    def document(self) -> Document:
        """Return the only document of the events."""
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise YamlFaultError(_mark(event), "a second document; expected one a file")
                self._result.value = self._node(next(self._events), ())
        return self._result

    def _node(self, event: Any, path: DocumentPath) -> object:  # noqa: ANN401 - untyped in PyYAML
        self._result.values[path] = _mark(event)
        self._refuse_excess(path)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), path)
        if event.tag is not None and event.tag not in _PLAIN_TAGS:
            self._fault(path, f"tag '{event.tag}' is not supported; remove it")
        value = self._content(event, path)
        if event.anchor is not None:
            self._anchors[event.anchor] = (path, value)
        return value

    def _content(self, event: Any, path: DocumentPath) -> object:  # noqa: ANN401 - as above
        if isinstance(event, yaml.ScalarEvent):
            self._result.texts[path] = event.value
            return resolve(event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._mapping(path)

    def _sequence(self, path: DocumentPath) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: DocumentPath) -> dict[str, object]:
        entries: dict[str, object] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise YamlFaultError(_mark(event), "a key must be plain text")
            inner = (*path, event.value)
            if event.value in entries:
                first = self._result.keys[inner].line
                self._result.faults.append(
                    (_mark(event), f"key '{event.value}' stands there twice; first on line {first}")
                )
            self._result.keys[inner] = _mark(event)
            entries[event.value] = self._node(next(self._events), inner)
        return entries

    def _alias(self, anchor: str, path: DocumentPath) -> object:
        if anchor not in self._anchors:
            self._fault(path, f"alias '*{anchor}' names no anchor that stands before it")
            return None
        origin, value = self._anchors[anchor]
        _copy_below(self._result.values, origin, path)
        _copy_below(self._result.keys, origin, path)
        _copy_below(self._result.texts, origin, path)
        self._refuse_excess(path)
        return value

    def _refuse_excess(self, path: DocumentPath) -> None:
        if len(path) > MAX_DEPTH:
            raise YamlFaultError(
                self._result.values[path], f"nested more than {MAX_DEPTH} levels deep"
            )
        if len(self._result.values) > MAX_VALUES:
            raise YamlFaultError(self._result.values[path], f"more than {MAX_VALUES:,} values")

    def _fault(self, path: DocumentPath, message: str) -> None:
        self._result.faults.append((self._result.values[path], message))


def _copy_below(
    places: dict[DocumentPath, Place], origin: DocumentPath, target: DocumentPath
) -> None:
    depth = len(origin)
    copies = {
        target + path[depth:]: place
        for path, place in places.items()
        if path[:depth] == origin and (len(path) > depth or target not in places)
    }
    places.update(copies)


def _mark(event: Any) -> Mark:  # noqa: ANN401 - PyYAML's events have no types
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def resolve(text: str) -> object:
    """Return what a plain scalar means in the YAML 1.2 core schema (decimal numbers only)."""
    if _NULL.fullmatch(text):
        return None
    if _BOOLEAN.fullmatch(text):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
