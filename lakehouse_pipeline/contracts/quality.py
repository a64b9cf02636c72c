"""ODCS `quality` as rules: `custom` of engine `lakehouse` and `library` rowCount.

`text` rules are documentation. Every other kind is a promise this version does not keep and is
refused. Whether an expression's SQL may run is judged in `lint`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from open_data_contract_standard.model import DataQuality

from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.model import Expression, Limit, Metric, Severity
from lakehouse_pipeline.errors import nearest

TYPES = ("custom", "library", "sql", "text")
METRICS = ("rowCount", "nullValues", "missingValues", "invalidValues", "duplicateValues")
OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
)
_LIMITS = (*OPERATORS, "mustBeBetween", "mustNotBeBetween")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass
class Rules:
    """The rules of a contract with the place of each, in the order of the file."""

    expressions: list[tuple[Expression, Place]] = field(default_factory=list)
    metrics: list[tuple[Metric, Place]] = field(default_factory=list)

    def read(self, items: Sequence[DataQuality] | None, place: Place, column: str = "") -> None:
        """Add the rules of one `quality` list; `column` is the column it belongs to, if any."""
        for index, item in enumerate(items or ()):
            self._read_rule(item, place / index, column)

    def _read_rule(self, item: DataQuality, place: Place, column: str) -> None:
        if item.customProperties:
            (place / "customProperties").unenforced("'customProperties' of a quality rule")
        kind = item.type or ("library" if item.metric else None)
        if kind == "text":
            return
        if kind == "custom":
            self._read_custom(item, place)
        elif kind == "library":
            self._read_library(item, place, column)
        elif kind == "sql":
            (place / "type").unenforced("a quality rule of type 'sql'")
        else:
            (place / "type").error(
                f"a quality rule needs a 'type'; '{kind}' is not known."
                f"{nearest(str(kind), TYPES)} Known: {', '.join(TYPES)}"
            )

    def _read_custom(self, item: DataQuality, place: Place) -> None:
        _refuse(item, place, ("metric", "rule", "arguments", "query", "unit", *_LIMITS))
        if item.engine is None:
            (place / "engine").missing("a custom rule needs an 'engine'; expected lakehouse")
            return
        if item.engine != "lakehouse":
            (place / "engine").unenforced(f"engine '{item.engine}'", "use engine 'lakehouse'")
            return
        if item.severity not in (None, "error"):
            (place / "severity").unenforced(
                f"severity '{item.severity}' of a custom rule", "use error"
            )
        name = _read_name(item.name, place)
        if not isinstance(item.implementation, str):
            place.error("a custom rule needs an 'implementation', an SQL expression as text")
        elif name:
            rule = Expression(name, item.implementation, (), (item.description or "").strip())
            self.expressions.append((rule, place))

    def _read_library(self, item: DataQuality, place: Place, column: str) -> None:
        _refuse(item, place, ("engine", "implementation", "query", "arguments", "mustNotBeBetween"))
        if item.rule is not None:
            (place / "rule").key_error("'rule' is deprecated in ODCS; write 'metric'")
        elif item.metric in METRICS and item.metric != "rowCount":
            (place / "metric").unenforced(f"metric '{item.metric}'")
        elif item.metric != "rowCount":
            (place / "metric").error(
                f"metric '{item.metric}' is not known.{nearest(str(item.metric), METRICS)} "
                "Expected rowCount"
            )
        elif column:
            (place / "metric").error(
                f"rowCount counts records of a batch; move it from column '{column}' to 'quality' "
                "of the schema"
            )
        else:
            self._read_row_count(item, place)

    def _read_row_count(self, item: DataQuality, place: Place) -> None:
        if item.unit not in (None, "rows"):
            (place / "unit").error(f"rowCount is counted in rows, not in '{item.unit}'")
        limits = tuple(_limits(item, place))
        if not limits and not any((place / name).exists for name in _LIMITS):
            place.error(
                f"rowCount needs a limit; known: {', '.join((*OPERATORS, 'mustBeBetween'))}"
            )
        name = _read_name(item.name or "row_count", place)
        severity = _severity(item.severity, place / "severity")
        words = (item.description or "").strip()
        rule = Metric(name, "rowCount", limits, description=words, severity=severity)
        self.metrics.append((rule, place))


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


def _limits(item: DataQuality, place: Place) -> Iterator[Limit]:
    for key in OPERATORS:
        value = getattr(item, key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            (place / key).error(f"'{key}': expected a number of records")
        else:
            yield Limit(key, (float(value),))
    if item.mustBeBetween is not None:
        low, high = item.mustBeBetween
        if low > high:
            (place / "mustBeBetween").error(f"'mustBeBetween': {low:g} is above {high:g}")
        yield Limit("mustBeBetween", (float(low), float(high)))


def _severity(severity: str | None, place: Place) -> Severity:
    if severity not in (None, "error", "warning"):
        place.error(f"severity '{severity}' is not known; expected error or warning")
    return "warning" if severity == "warning" else "error"
