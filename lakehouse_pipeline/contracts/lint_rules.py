"""The rules of a contract, judged against its columns: their names, columns and SQL.

What a rule says by itself is judged in `quality`, `metrics`, `pandera_rules` and `relationships`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lakehouse_pipeline.contracts.expressions import check_condition
from lakehouse_pipeline.contracts.findings import Place
from lakehouse_pipeline.contracts.lint_publish import published_columns
from lakehouse_pipeline.contracts.model import Contract, Expression, PanderaCheck, SqlRule
from lakehouse_pipeline.contracts.queries import checked_query, counts_only
from lakehouse_pipeline.errors import nearest

_SHOWN = 10
"""How many names of columns a message lists."""


@dataclass(frozen=True)
class Places:
    """Where the parts of a contract stand, each in the order of the contract's own tuple.

    `sql_columns` has the column each sql rule belongs to, None at the schema.
    """

    columns: Sequence[Place]
    publish: Place
    retention: Place
    privacy: Place
    expressions: Sequence[Place] = ()
    metrics: Sequence[Place] = ()
    pandera_checks: Sequence[Place] = ()
    sql_rules: Sequence[Place] = ()
    sql_columns: Sequence[str | None] = ()


def lint_rules(contract: Contract, places: Places) -> Contract:
    """Return `contract` with the columns of its rules and the names in its queries filled in."""
    _check_rule_names(contract, places)
    for metric, place in zip(contract.metrics, places.metrics, strict=True):
        listed = place / "arguments" / "properties"
        if listed.exists:
            _check_columns(contract, metric.columns, listed)
    return replace(
        contract,
        expressions=tuple(_expressions(contract, places)),
        pandera_checks=tuple(_pandera_checks(contract, places)),
        sql_rules=tuple(_sql_rules(contract, places)),
    )


def _check_rule_names(contract: Contract, places: Places) -> None:
    """Every rule has a name of its own; reports and releases go by it."""
    rules = [
        *zip((rule.name for rule in contract.expressions), places.expressions, strict=True),
        *zip((rule.name for rule in contract.metrics), places.metrics, strict=True),
        *zip((rule.name for rule in contract.sql_rules), places.sql_rules, strict=True),
        *zip((rule.name for rule in contract.pandera_checks), places.pandera_checks, strict=True),
    ]
    seen: dict[str, int] = {}
    key = next((place for place in places.columns if (place / "primaryKey").exists), None)
    if key and any(unique.name == "primaryKey" for unique in contract.unique_keys):
        seen["primarykey"] = key.line
    for name, place in sorted(rules, key=lambda rule: rule[1].line):
        if name.lower() in seen:
            (place / "name").error(
                f"quality rule '{name}' repeats the name of line {seen[name.lower()]}; "
                "each rule needs its own"
            )
        seen.setdefault(name.lower(), place.line)


def _check_columns(contract: Contract, names: Sequence[str], place: Place) -> None:
    known = contract.column_names
    for index, name in enumerate(names):
        if name not in known:
            near = nearest(name, known)
            (place / index).error(f"unknown column '{name}'.{near}")
        elif name in names[:index]:
            (place / index).error(f"column '{name}' stands there twice")


def _expressions(contract: Contract, places: Places) -> Iterator[Expression]:
    names = contract.column_names
    booleans = [c.name for c in contract.columns if c.type.logical == "boolean"]
    for rule, place in zip(contract.expressions, places.expressions, strict=True):
        try:
            used = check_condition(rule.sql, names, booleans)
        except ValueError as error:
            (place / "implementation").error(f"quality rule '{rule.name}': {error}")
            used = ()
        yield replace(rule, columns=used)


def _pandera_checks(contract: Contract, places: Places) -> Iterator[PanderaCheck]:
    for rule, place in zip(contract.pandera_checks, places.pandera_checks, strict=True):
        listed = place / "implementation" / "columns"
        if listed.exists:
            _check_columns(contract, rule.columns, listed)
        yield replace(rule, columns=rule.columns or contract.column_names)


def _sql_rules(contract: Contract, places: Places) -> Iterator[SqlRule]:
    names = contract.column_names
    personal = [column.name for column in contract.columns if column.personal]
    for rule, place, column in zip(
        contract.sql_rules, places.sql_rules, places.sql_columns, strict=True
    ):
        try:
            query = checked_query(rule.query, contract.dataset, names, column)
            if rule.over == "published":
                _check_published(query, contract)
            untold = rule.over == "batch" and not counts_only(query, personal)
        except ValueError as error:
            (place / "query").error(f"quality rule '{rule.name}': {error}")
            query, untold = rule.query, True
        yield replace(rule, query=query, untold=untold)


def _check_published(query: str, contract: Contract) -> None:
    """Judge `query`, sound over all columns, over those that are published."""
    published = published_columns(contract)
    try:
        checked_query(query, contract.dataset, published)
    except ValueError as error:
        hidden = [name for name in contract.column_names if name not in published]
        more = ", ..." if len(hidden) > _SHOWN else ""
        raise ValueError(
            f"over published data, where {', '.join(hidden[:_SHOWN])}{more} is not: {error}"
        ) from error
