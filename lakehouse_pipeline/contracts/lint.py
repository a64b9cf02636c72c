"""Rules between the parts of a contract; each broken one is a problem at its place.

What one part says by itself is judged where it is read: `columns`, `column_options`, `quality`,
`custom_properties`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lakehouse_pipeline.contracts.expressions import check_condition
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.literals import Value, parse_literal
from lakehouse_pipeline.contracts.model import Column, Contract, Expression
from lakehouse_pipeline.errors import nearest


@dataclass(frozen=True)
class Places:
    """Where the parts of a contract stand, each in the order of the contract's own tuple."""

    columns: Sequence[Place]
    expressions: Sequence[Place]
    metrics: Sequence[Place]
    publish: Place


def lint(contract: Contract, places: Places) -> Contract:
    """Return `contract` with the columns each expression uses; problems go to their places."""
    _check_names(contract.columns, places.columns)
    _check_primary_key(contract.columns, places.columns)
    for column, place in zip(contract.columns, places.columns, strict=True):
        _check_lengths(column, place / "logicalTypeOptions")
        _check_range(column, place / "logicalTypeOptions")
        _check_privacy(column, contract.compliance, place)
    _check_rule_names(contract, places)
    _check_published(contract, places.publish)
    return replace(contract, expressions=tuple(_with_columns(contract, places)))


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
    keys = [
        place
        for column, place in zip(columns, places, strict=True)
        if column.primary_key_position is not None
    ]
    for place in keys[1:]:
        (place / "primaryKey").unenforced(
            "a primary key of several columns", "keep 'primaryKey' on one of them"
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
        if (place / "customProperties").exists and _names_technique(place):
            return
        place.error(
            f"column '{column.name}' is personal and the contract is under {compliance}, but it "
            "has no technique; add the custom property 'anonymize' (hash, mask or drop)"
        )
    if column.subject and not column.personal:
        place.error(
            f"column '{column.name}' names the subject, so it is personal; "
            "add 'classification: personal'"
        )


def _names_technique(place: Place) -> bool:
    """Return whether an `anonymize` stands there that was already found wrong."""
    properties = place / "customProperties"
    count = 0
    while (properties / count).exists:
        if (properties / count / "property").text == "anonymize":
            return True
        count += 1
    return False


def _check_rule_names(contract: Contract, places: Places) -> None:
    rules: list[tuple[str, Place]] = [
        (rule.name, place)
        for rule, place in zip(contract.expressions, places.expressions, strict=True)
    ]
    rules += [
        (rule.name, place) for rule, place in zip(contract.metrics, places.metrics, strict=True)
    ]
    seen: dict[str, int] = {}
    for name, place in sorted(rules, key=lambda rule: rule[1].line):
        if name.lower() in seen:
            (place / "name").error(
                f"quality rule '{name}' repeats the name of line {seen[name.lower()]}; "
                "each rule needs its own"
            )
        seen.setdefault(name.lower(), place.line)


def _check_published(contract: Contract, place: Place) -> None:
    dropped = {c.name for c in contract.columns if c.anonymize and c.anonymize.technique == "drop"}
    names = contract.publish.columns
    for index, name in enumerate(names):
        here = place / "columns" / index
        if name not in contract.column_names:
            near = nearest(name, contract.column_names)
            here.error(f"publish: unknown column '{name}'.{near}")
        elif name in dropped:
            here.error(f"publish: column '{name}' is dropped by its technique")
        elif name in names[:index]:
            here.error(f"publish: column '{name}' stands there twice")
    if contract.columns and len(dropped) == len(contract.columns):
        place.error("every column is dropped; nothing is left to publish")


def _with_columns(contract: Contract, places: Places) -> Iterator[Expression]:
    booleans = [c.name for c in contract.columns if c.type.logical == "boolean"]
    for rule, place in zip(contract.expressions, places.expressions, strict=True):
        try:
            used = check_condition(rule.sql, contract.column_names, booleans)
        except ValueError as error:
            (place / "implementation").error(f"quality rule '{rule.name}': {error}")
            used = ()
        yield replace(rule, columns=used)
