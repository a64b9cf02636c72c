"""ODCS `quality` as rules, by type: `library`, `sql` and `custom`; `text` is documentation.

Metrics are read in `metrics`, pandera checks in `pandera_rules`, limits in `limits`. Whether SQL
may run, and whether the columns that a rule names are there, is judged in `lint_rules`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from open_data_contract_standard.model import DataQuality

from lakehouse_pipeline.contracts.custom_properties import named_properties
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.limits import LIMITS, read_limits
from lakehouse_pipeline.contracts.metrics import read_metric
from lakehouse_pipeline.contracts.model import (
    Column,
    Expression,
    Metric,
    PanderaCheck,
    SqlRule,
)
from lakehouse_pipeline.contracts.pandera_rules import read_pandera
from lakehouse_pipeline.contracts.severities import read_severity
from lakehouse_pipeline.contracts.translations import read_german
from lakehouse_pipeline.errors import nearest

TYPES = ("custom", "library", "sql", "text")
ENGINES = ("lakehouse", "pandera")
OVER = ("batch", "published")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass
class Rules:
    """The rules of a contract with the place of each, in the order of the file.

    `sql_columns` has for each of the `sql_rules` the column it belongs to, if any.
    """

    expressions: list[tuple[Expression, Place]] = field(default_factory=list)
    metrics: list[tuple[Metric, Place]] = field(default_factory=list)
    sql_rules: list[tuple[SqlRule, Place]] = field(default_factory=list)
    sql_columns: list[str | None] = field(default_factory=list)
    pandera_checks: list[tuple[PanderaCheck, Place]] = field(default_factory=list)

    def read(
        self, items: Sequence[DataQuality] | None, place: Place, column: Column | None = None
    ) -> None:
        """Add the rules of one `quality` list; `column` is the column it belongs to, if any."""
        for index, item in enumerate(items or ()):
            self._read_rule(item, place / index, column)

    def _read_rule(self, item: DataQuality, place: Place, column: Column | None) -> None:
        kind = item.type or ("library" if item.metric else None)
        if kind not in ("sql", "custom") and item.customProperties:
            (place / "customProperties").unenforced("'customProperties' of a quality rule")
        if kind == "text":
            return
        if kind == "custom":
            self._read_custom(item, place, column)
        elif kind == "library":
            self._read_library(item, place, column)
        elif kind == "sql":
            self._read_sql(item, place, column)
        else:
            (place / "type").error(
                f"a quality rule needs a 'type'; '{kind}' is not known."
                f"{nearest(str(kind), TYPES)} Known: {', '.join(TYPES)}"
            )

    def _read_library(self, item: DataQuality, place: Place, column: Column | None) -> None:
        _refuse(item, place, ("engine", "implementation", "query"))
        if item.name:
            _read_name(item.name, place)
        metric = read_metric(item, place, column)
        if metric is not None:
            self.metrics.append((metric, place))

    def _read_sql(self, item: DataQuality, place: Place, column: Column | None) -> None:
        _refuse(item, place, ("metric", "rule", "arguments", "engine", "implementation", "unit"))
        name = _read_name(item.name, place)
        limits = read_limits(item, place, "an sql rule")
        severity = read_severity(item.severity, place / "severity")
        over = _over(item, place / "customProperties")
        if not item.query:
            (place / "query").missing("an sql rule needs a 'query', one SELECT of one number")
        elif name:
            words = (item.description or "").strip()
            rule = SqlRule(name, item.query, limits, over, words, severity)
            self.sql_rules.append((rule, place))
            self.sql_columns.append(column.name if column else None)

    def _read_custom(self, item: DataQuality, place: Place, column: Column | None) -> None:
        _refuse(item, place, ("metric", "rule", "arguments", "query", "unit", *LIMITS))
        if item.engine is None:
            (place / "engine").missing(
                f"a custom rule needs an 'engine'; known: {', '.join(ENGINES)}"
            )
            return
        if item.engine not in ENGINES:
            near = nearest(item.engine, ENGINES)
            instead = near.strip() or "use engine 'lakehouse' or 'pandera'"
            (place / "engine").unenforced(f"engine '{item.engine}'", instead)
            return
        name = _read_name(item.name, place)
        severity = read_severity(item.severity, place / "severity")
        if item.engine == "pandera":
            check = read_pandera(item, name, severity, place, column.name if column else "")
            if check is not None and name:
                self.pandera_checks.append((check, place))
        elif not isinstance(item.implementation, str):
            place.error("a custom rule needs an 'implementation', an SQL expression as text")
        elif name:
            words = (item.description or "").strip()
            german = read_german(item, place)
            rule = Expression(name, item.implementation, (), words, severity, german)
            self.expressions.append((rule, place))


def _refuse(item: DataQuality, place: Place, keys: Sequence[str]) -> None:
    for key in keys:
        if getattr(item, key) is not None:
            (place / key).unenforced(f"'{key}' in a quality rule of this type")


def _read_name(name: str | None, place: Place) -> str:
    if not name:
        (place / "name").missing("a quality rule needs a 'name'; reports show it")
        return ""
    if not _NAME.fullmatch(name):
        (place / "name").error(
            f"'{name}' is no name of a rule: expected up to 100 letters, digits, '_' or '-'"
        )
    return name


def _over(item: DataQuality, place: Place) -> Literal["batch", "published"]:
    """Return which data the query runs over: its custom property `over`."""
    found = named_properties(item.customProperties, place, ("over",), "of an sql rule")
    value, where = found.get("over", ("batch", place))
    if value not in OVER:
        near = nearest(str(value), OVER)
        where.error(f"over '{value}' is not known.{near} Expected batch or published")
        return "batch"
    return cast("Literal['batch', 'published']", value)
