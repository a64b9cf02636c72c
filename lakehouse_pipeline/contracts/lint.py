"""Rules between the parts of a contract; each broken one is a problem at its place.

Here: the columns and the primary key. Rules are in `lint_rules`, publishing in `lint_publish`, how
long layers keep what others need in `lint_retention`.
What one part says by itself is judged where it is read: `columns`, `column_options`, `quality`,
`relationships`, `custom_properties`.
"""

from collections.abc import Sequence

from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.lint_protection import lint_protection
from lakehouse_pipeline.contracts.lint_publish import lint_publish
from lakehouse_pipeline.contracts.lint_retention import lint_retention
from lakehouse_pipeline.contracts.lint_rules import Places, lint_rules
from lakehouse_pipeline.contracts.lint_techniques import lint_technique, missing_technique
from lakehouse_pipeline.contracts.literals import Value, parse_literal
from lakehouse_pipeline.contracts.model import Column, Contract


def lint(contract: Contract, places: Places) -> Contract:
    """Return `contract` with what its rules use filled in; problems go to their places."""
    _check_names(contract.columns, places.columns)
    _check_primary_key(contract.columns, places.columns)
    for column, place in zip(contract.columns, places.columns, strict=True):
        _check_lengths(column, place / "logicalTypeOptions")
        _check_range(column, place / "logicalTypeOptions")
        _check_privacy(column, contract.compliance, place)
        lint_technique(column, contract, _property_place(place, "anonymize") or place)
    lint_publish(contract, places.publish)
    lint_protection(contract, places.privacy)
    lint_retention(contract, places.retention)
    return lint_rules(contract, places)


def _check_names(columns: Sequence[Column], places: Sequence[Place]) -> None:
    seen: dict[str, tuple[str, int]] = {}
    for column, place in zip(columns, places, strict=True):
        folded = column.name.casefold()
        if folded in seen:
            name, line = seen[folded]
            (place / "name").error(
                f"column '{column.name}' repeats '{name}' of line {line}; "
                "names are compared without case"
            )
        seen.setdefault(folded, (column.name, place.line))


def _check_primary_key(columns: Sequence[Column], places: Sequence[Place]) -> None:
    """The columns of a key agree: each has its own position, and all the same scope."""
    keys = [
        (column, place)
        for column, place in zip(columns, places, strict=True)
        if column.primary_key_position is not None
    ]
    positions: dict[int | None, str] = {}
    for column, place in keys:
        position, here = column.primary_key_position, place / "primaryKeyPosition"
        if position in positions and here.exists:
            here.error(f"column '{positions[position]}' has this 'primaryKeyPosition' too")
        positions.setdefault(position, column.name)
        first = keys[0][0]
        if column.unique_scope != first.unique_scope:
            (_property_place(place, "uniqueScope") or place).error(
                f"the columns of a primary key have one uniqueScope; '{column.name}' has "
                f"{column.unique_scope}, '{first.name}' has {first.unique_scope}"
            )


def _check_lengths(column: Column, place: Place) -> None:
    low, high = column.min_length, column.max_length
    if low is not None and high is not None and low > high:
        (place / "minLength").error(f"'minLength' {low} is above the longest length {high}")


def _check_range(column: Column, place: Place) -> None:
    """A range that no value can be in would quarantine every record."""
    lower = (("minimum", column.minimum), ("exclusiveMinimum", column.exclusive_minimum))
    upper = (("maximum", column.maximum), ("exclusiveMaximum", column.exclusive_maximum))
    for low_name, low in lower:
        for high_name, high in upper:
            if low is None or high is None:
                continue
            strict = low_name == "exclusiveMinimum" or high_name == "exclusiveMaximum"
            if _is_empty(parse_literal(low, column.type), parse_literal(high, column.type), strict):
                (place / low_name).error(
                    f"'{low_name}' {low} leaves no value under '{high_name}' {high}"
                )


def _is_empty(low: Value, high: Value, strict: bool) -> bool:  # noqa: FBT001 - one more fact
    above: bool = low > high  # type: ignore[operator]  # both are of the column's type
    return above or (strict and low == high)


def _check_privacy(column: Column, compliance: str, place: Place) -> None:
    if column.personal and column.anonymize is None and compliance != "standard":
        if _property_place(place, "anonymize"):  # it was found wrong before
            return
        place.error(missing_technique(column, compliance))
    if column.not_personal and column.personal:
        (_property_place(place, "notPersonal") or place).error(
            f"column '{column.name}' is 'notPersonal' and classified as personal; remove one"
        )
    if column.subject and not column.personal:
        place.error(
            f"column '{column.name}' names the subject, so it is personal; "
            "add 'classification: personal'"
        )


def _property_place(place: Place, name: str) -> Place | None:
    """Return where the custom property `name` of the column at `place` stands, if it does."""
    properties = place / "customProperties"
    count = 0
    while (properties / count).exists:
        if (properties / count / "property").text == name:
            return properties / count / "value"
        count += 1
    return None
