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
"""Of a rule. Of a record: `error` quarantines it, `warning` counts it. Of a batch: `error` refuses
the batch, `warning` says so in its gate check."""

Scope = Literal["batch", "dataset"]
"""Where a key must not repeat: within its batch, or over all published batches too."""


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
    `personal` is true when the classification marks the column as data about a person, or when it
    has a technique and no reason why it is `not_personal`;
    `subject` when it identifies the person; `not_personal` is the reason why it is not, where it
    looks as if it were. `warns` are the kinds of its rules (`pattern`,
    `maximum`) that only warn; every other rule quarantines.
    """

    name: str
    type: ColumnType
    description: str = ""
    required: bool = False
    unique: bool = False
    unique_scope: Scope = "batch"
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
    not_personal: str = ""
    warns: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expression:
    """A `custom` rule of engine `lakehouse`: a boolean SQL expression over a record's columns.

    A record breaks it when the expression is false; null (a value is unknown) keeps it. `german`
    is the description in German, where the contract has one.
    """

    name: str
    sql: str
    columns: tuple[str, ...]
    description: str = ""
    severity: Severity = "error"
    german: str = ""


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """Columns whose values together stand in one record only, in a batch or in the dataset.

    A record with a null in one of them repeats nothing. `name` is `<column>.unique`, or
    `primaryKey` for a primary key of several columns.
    """

    name: str
    columns: tuple[str, ...]
    scope: Scope = "batch"


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A `relationships` entry: `columns` together stand in another dataset's published table.

    `references` are that dataset's columns, in the order of `columns`. A null points nowhere and
    keeps the rule. `name` is `<column>.foreignKey`, the columns joined with `_`.
    """

    name: str
    columns: tuple[str, ...]
    dataset: str
    references: tuple[str, ...]
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class PanderaCheck:
    """A `custom` rule of engine `pandera`: a check registered with pandera, judging records.

    `check` is its name, `arguments` its statistics, `columns` what it sees: one column as a
    series, several as a frame. A record breaks it where the check is false; null values of a
    single column are not asked. `german` is the description in German, where there is one.
    """

    name: str
    check: str
    columns: tuple[str, ...]
    arguments: Mapping[str, object] = field(default_factory=dict)
    description: str = ""
    severity: Severity = "error"
    german: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """A `mustBe…` of ODCS with its number, or its two numbers for `mustBeBetween` (inclusive)."""

    key: str
    numbers: tuple[float, ...]

    def holds(self, value: float) -> bool:
        """Return whether `value` keeps the limit."""
        low, high = self.numbers[0], self.numbers[-1]
        return {
            "mustBe": value == low,
            "mustNotBe": value != low,
            "mustBeGreaterThan": value > low,
            "mustBeGreaterOrEqualTo": value >= low,
            "mustBeLessThan": value < low,
            "mustBeLessOrEqualTo": value <= low,
            "mustBeBetween": low <= value <= high,
            "mustNotBeBetween": not low <= value <= high,
        }[self.key]

    def __str__(self) -> str:
        low, high = self.numbers[0], self.numbers[-1]
        words = {
            "mustBe": f"{low:g}",
            "mustNotBe": f"other than {low:g}",
            "mustBeGreaterThan": f"more than {low:g}",
            "mustBeGreaterOrEqualTo": f"at least {low:g}",
            "mustBeLessThan": f"less than {low:g}",
            "mustBeLessOrEqualTo": f"at most {low:g}",
            "mustBeBetween": f"{low:g} to {high:g}",
            "mustNotBeBetween": f"outside {low:g} to {high:g}",
        }
        return words[self.key]


MetricName = Literal["rowCount", "nullValues", "missingValues", "invalidValues", "duplicateValues"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A `library` rule over the whole batch as it was delivered, corrections included.

    `columns`: none for rowCount, one or more for duplicateValues (a key), one for the others.
    `unit` percent is of the records of the batch. invalidValues counts values (not nulls) that are
    none of `valid_values` or do not match `pattern`; missingValues counts texts that are in
    `missing_values` (None: null); duplicateValues counts the records that repeat an earlier key.
    """

    name: str
    metric: MetricName
    limits: tuple[Limit, ...]
    columns: tuple[str, ...] = ()
    unit: Literal["rows", "percent"] = "rows"
    valid_values: tuple[str, ...] | None = None
    pattern: str | None = None
    missing_values: tuple[str | None, ...] = ()
    description: str = ""
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class SqlRule:
    """An `sql` rule: one SELECT of one number, judged by `limits`.

    `over` says what the dataset's name stands for in it: the validated records of the batch, or
    `published`, what published would hold with the batch in it. What is `untold` may be a value of
    a person, such as the largest salary: nobody is told the number, only whether it keeps `limits`.
    """

    name: str
    query: str
    limits: tuple[Limit, ...]
    over: Literal["batch", "published"] = "batch"
    description: str = ""
    severity: Severity = "error"
    untold: bool = False


@dataclass(frozen=True, slots=True)
class Freshness:
    """How often data is promised, and how much later it may come; in seconds."""

    frequency: float
    latency: float = 0.0


@dataclass(frozen=True, slots=True)
class Deletes:
    """Of an upsert: a record whose `column` holds one of `values` deletes its primary key."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Publish:
    """What is published and when not. `columns` empty means all columns that are not dropped.

    `max_quarantined_percent` is the gate: above it nothing of the batch is published. Mode `append`
    publishes the records of all batches; `upsert` of each primary key the one of the batch that
    arrived last, without the keys that it `deletes`.
    """

    mode: Literal["append", "upsert"] = "append"
    max_quarantined_percent: float = 100.0
    columns: tuple[str, ...] = ()
    deletes: Deletes | None = None


@dataclass(frozen=True, slots=True)
class Privacy:
    """What published promises about the people in it, measured over `quasi_identifiers`.

    Records that share these columns' published values are a class: one has `k` records at least,
    and of every `sensitive` column `l` different values, distributed no farther than `t` from the
    column's distribution over all records (None: not measured). `below` says what becomes of a
    class that has not: its records are withheld from published, or the batch is refused.
    """

    quasi_identifiers: tuple[str, ...]
    k: int
    l: int | None = None  # noqa: E741 - the name that l-diversity has
    t: float | None = None
    sensitive: tuple[str, ...] = ()
    below: Literal["suppress", "refuse"] = "refuse"


@dataclass(frozen=True, slots=True)
class Contract:
    """One version of what a dataset promises.

    `status` is what the file says. `retention` maps `landing` and the layers' names to the days
    their records are kept; a name that is missing is kept for ever. `sha256` is of the file's text.
    `path` is where it was read from, for messages.
    """

    dataset: str
    version: str
    status: str
    columns: tuple[Column, ...]
    compliance: Compliance = "standard"
    csv: Csv = field(default_factory=Csv)
    publish: Publish = field(default_factory=Publish)
    expressions: tuple[Expression, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    pandera_checks: tuple[PanderaCheck, ...] = ()
    metrics: tuple[Metric, ...] = ()
    sql_rules: tuple[SqlRule, ...] = ()
    freshness: Freshness | None = None
    privacy: Privacy | None = None
    description: str = ""
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    domain: str = ""
    retention: Mapping[str, float] = field(default_factory=dict)
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

    @property
    def unique_keys(self) -> tuple[UniqueKey, ...]:
        """The keys that must not repeat: unique columns in order, then a composite primary key."""
        keys = tuple(
            UniqueKey(f"{c.name}.unique", (c.name,), c.unique_scope)
            for c in self.columns
            if c.unique
        )
        names = self.primary_key
        if len(names) > 1:
            keys += (UniqueKey("primaryKey", names, self.column(names[0]).unique_scope),)
        return keys
