"""The `arguments` of a library metric: what is missing, what is valid, which columns are a key.

Which metric takes which arguments is ODCS's; the metrics themselves are read in `metrics`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from open_data_contract_standard.model import DataQuality

from lakehouse_pipeline.contracts.csv_dialect import read_entries
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.literals import parse_literal
from lakehouse_pipeline.contracts.model import Column
from lakehouse_pipeline.contracts.regular_expressions import pattern_fault
from lakehouse_pipeline.contracts.types import ColumnType

_TAKES = {"missingValues": ("missingValues",), "invalidValues": ("validValues", "pattern")}


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a metric counts; the fields are those of `Metric`."""

    columns: tuple[str, ...] = ()
    valid_values: tuple[str, ...] | None = None
    pattern: str | None = None
    missing_values: tuple[str | None, ...] = ()


def read_arguments(
    metric: str, item: DataQuality, place: Place, column: Column | None
) -> Arguments:
    """Return the arguments of a metric at `column`, or at the schema when it is None.

    `place` is the rule's. An argument that is wrong is a problem and left out.
    """
    here = place / "arguments"
    if column is None and metric == "duplicateValues":
        return Arguments(_properties(item, here))
    columns = (column.name,) if column else ()
    if column is None or metric not in _TAKES:
        if item.arguments:
            here.key_error(f"{metric} takes no 'arguments' here; remove it")
        return Arguments(columns)
    if not item.arguments:
        here.missing(f"{metric} needs 'arguments' with {' or '.join(_TAKES[metric])}")
    entries = read_entries(item.arguments or {}, here, _TAKES[metric], f"arguments of {metric}")
    missing = _texts(entries, "missingValues", here)
    return Arguments(
        columns,
        valid_values=_valid_values(entries, column.type, here),
        pattern=_pattern(entries, column.type, here / "pattern"),
        missing_values=tuple(text for text, _ in missing),
    )


def _properties(item: DataQuality, place: Place) -> tuple[str, ...]:
    """Return the columns of a key, as the contract writes them."""
    known = ("properties",)
    entries = read_entries(item.arguments or {}, place, known, "arguments of duplicateValues")
    names = entries.get("properties")
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        return tuple(names)
    (place / "properties").missing(
        "duplicateValues of the schema needs 'arguments' with 'properties', a list of columns"
    )
    return ()


def _texts(
    entries: Mapping[str, object], name: str, place: Place
) -> list[tuple[str | None, Place]]:
    """Return the values of a list as written, each with its place; null stays null."""
    if name not in entries:
        return []
    values, here = entries[name], place / name
    if not isinstance(values, list) or not values:
        here.error(f"'{name}': expected a list of values, such as [A, B]")
        return []
    found: dict[str | None, Place] = {}
    for index, value in enumerate(values):
        text = None if value is None else (here / index).text
        if isinstance(value, list | dict):
            (here / index).error(f"'{name}': expected text, a number or true/false")
        elif text in found:
            (here / index).error(f"'{name}': the value stands there twice")
        else:
            found[text] = here / index
    return list(found.items())


def _valid_values(
    entries: Mapping[str, object], of_type: ColumnType, place: Place
) -> tuple[str, ...] | None:
    if "validValues" not in entries:
        return None
    return tuple(_fitting(_texts(entries, "validValues", place), of_type))


def _fitting(texts: list[tuple[str | None, Place]], of_type: ColumnType) -> Iterator[str]:
    seen = set()
    for text, place in texts:
        if text is None:
            place.error("'validValues': null is no value; count nulls with nullValues")
            continue
        try:
            value = parse_literal(text, of_type)
        except ValueError as error:
            place.error(f"'validValues': {error}")
            continue
        if value in seen:
            place.error("'validValues': the value stands there twice")
        else:
            seen.add(value)
            yield text


def _pattern(entries: Mapping[str, object], of_type: ColumnType, place: Place) -> str | None:
    if "pattern" not in entries:
        return None
    text = place.text
    if of_type.logical != "string":
        place.key_error(f"'pattern' does not apply to logicalType '{of_type.logical}'")
    elif text is None or entries["pattern"] is None:
        place.error("'pattern': expected a regular expression as text")
    elif fault := pattern_fault(text):
        place.error(f"'pattern' is no regular expression of RE2: {fault}")
    return text
