"""Collecting the problems of one contract file, each at its place in the text.

A `Place` is a path into the document that knows where its problems go. What is a problem is
decided by the modules that read a part: `shape`, `columns`, `quality`, `custom_properties`, `lint`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from lakehouse_pipeline.contracts.yaml_positions import Document, DocumentPath, Mark
from lakehouse_pipeline.errors import ContractError, Problem


@dataclass
class Findings:
    """The problems found so far in the file at `path` (a name for messages, not opened)."""

    path: str
    document: Document
    problems: list[Problem] = field(default_factory=list)
    _known: set[Problem] = field(default_factory=set, init=False)
    _wrong: set[DocumentPath] = field(default_factory=set, init=False)

    def add(self, mark: Mark, message: str) -> None:
        """Add a problem at `mark`, once however often it is found."""
        problem = Problem(self.path, mark.line, mark.column, message)
        if problem not in self._known:
            self._known.add(problem)
            self.problems.append(problem)
            for path in self._paths.get(mark, ()):
                self._wrong.update(path[:depth] for depth in range(len(path) + 1))

    def is_wrong(self, path: DocumentPath) -> bool:
        """Return whether a problem was found at the value of `path` or at one below it."""
        return path in self._wrong

    @cached_property
    def _paths(self) -> Mapping[Mark, Sequence[DocumentPath]]:
        """The values at each mark; an alias stands where its anchor does."""
        paths: dict[Mark, list[DocumentPath]] = {}
        for path, mark in self.document.values.items():
            paths.setdefault(mark, []).append(path)
        return paths

    def raise_if_any(self) -> None:
        """Raise: ContractError: with every problem, if there is one."""
        if self.problems:
            raise ContractError(self.problems)


@dataclass(frozen=True)
class Place:
    """A value in the document; `place / "schema" / 0` is a place below it."""

    findings: Findings
    path: DocumentPath = ()

    def __truediv__(self, key: str | int) -> "Place":
        return Place(self.findings, (*self.path, key))

    @property
    def exists(self) -> bool:
        """Whether the document has a value here, null included."""
        return self.path in self.findings.document.values

    @property
    def text(self) -> str | None:
        """The scalar here exactly as written (`0.10`), or None if there is no scalar."""
        return self.findings.document.texts.get(self.path)

    @property
    def line(self) -> int:
        """The line of the value, or of its nearest parent."""
        return self.findings.document.mark(self.path).line

    def error(self, message: str) -> None:
        """Add a problem at the value, or at its nearest parent if there is no value."""
        self.findings.add(self.findings.document.mark(self.path), message)

    def key_error(self, message: str) -> None:
        """Add a problem at the key of the value."""
        self.findings.add(self.findings.document.key_mark(self.path), message)

    def missing(self, message: str) -> None:
        """Add a problem at the value or its parent, unless the value was found wrong before."""
        if not self.findings.is_wrong(self.path):
            self.error(message)

    def unenforced(self, what: str, instead: str = "remove it") -> None:
        """Add the problem that the contract promises what this version does not keep."""
        self.key_error(f"{what} is not enforced by this version of lakehouse_pipeline; {instead}")
