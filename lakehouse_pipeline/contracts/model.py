"""What a contract says, as frozen values the rest of the product works with.

`load.py` makes these from ODCS YAML and `lint.py` judges them; SQL is made in `layers/`.
Nothing here reads a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lakehouse_pipeline.contracts.types import ColumnType

Compliance = Literal["standard", "gdpr", "strict"]
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Csv:
    """How the files of a dataset are written. Taken from the contract, never sniffed.

    `delimiter`, `quote` and `escape` are one ASCII character each; an empty `quote` means no
    quoting. `null_values` are the texts that mean null. `line_end` is `lf` (CRLF is read too) or
    `cr` (a lone carriage return). `encoding` is a Python codec name. Without a `header` the
    columns are those of the contract, in its order.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    encoding: str = "utf-8"
    header: bool = True
    null_values: tuple[str, ...] = ("",)
    line_end: Literal["lf", "cr"] = "lf"


@dataclass(frozen=True, slots=True)
class Anonymize:
    """The technique that makes a column safe, with its parameters as the contract gives them."""

    technique: str
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Column:
    """One column and every rule it carries; `None` means the contract has no such rule.

    Bounds are kept as the contract's text (`"2020-01-01"`, `"0"`), exact in any type.
    `personal` is true when the classification marks the column as data about a person;
    `subject` when it identifies the person.
    """

    name: str
    type: ColumnType
    description: str = ""
    required: bool = False
    unique: bool = False
    primary_key_position: int | None = None
    enum: tuple[str, ...] | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    minimum: str | None = None
    maximum: str | None = None
    exclusive_minimum: str | None = None
    exclusive_maximum: str | None = None
    multiple_of: str | None = None
    format: str | None = None
    personal: bool = False
    subject: bool = False
    anonymize: Anonymize | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expression:
    """A `custom` rule of engine `lakehouse`: a boolean SQL expression over a record's columns.

    A record breaks it when the expression is false; null (a value is unknown) keeps it.
    """

    name: str
    sql: str
    columns: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True, slots=True)
class RowCount:
    """A `rowCount` rule over the whole batch. `bounds` maps an operator to its number.

    Operators: `=`, `!=`, `>`, `>=`, `<`, `<=`; a batch whose count breaks one is refused, or
    only warned about with severity `warning`.
    """

    name: str
    bounds: tuple[tuple[str, float], ...]
    description: str = ""
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Publish:
    """What is published and when not. `columns` empty means all columns that are not dropped.

    `max_quarantined_percent` is the gate: above it nothing of the batch is published.
    """

    mode: Literal["append"] = "append"
    max_quarantined_percent: float = 100.0
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """One version of what a dataset promises.

    `sha256` is of the file's text. `path` is where it was read from, for messages.
    """

    dataset: str
    version: str
    status: str
    columns: tuple[Column, ...]
    compliance: Compliance = "standard"
    csv: Csv = field(default_factory=Csv)
    publish: Publish = field(default_factory=Publish)
    expressions: tuple[Expression, ...] = ()
    row_counts: tuple[RowCount, ...] = ()
    description: str = ""
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    domain: str = ""
    retention_days: float | None = None
    path: str = ""
    sha256: str = ""

    def column(self, name: str) -> Column:
        """Return the column of this name. Raises: KeyError: there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of all columns, in the contract's order."""
        return tuple(column.name for column in self.columns)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The names of the primary key's columns, by position; empty without one."""
        keys = [c for c in self.columns if c.primary_key_position is not None]
        return tuple(c.name for c in sorted(keys, key=lambda c: c.primary_key_position or 0))
