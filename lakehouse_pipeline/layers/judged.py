"""Effective records with their texts, typed values and flags: what every rule is judged over.

The views made here are private to a run; validated and quarantined are projections of them. The
tables that the flags are joined from (`repeatsN`, `refersN`, `failsN`) are made in
`pipeline/flags.py`, by the SQL of `keys.py` where it is SQL.
"""

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.layers.keys import FAILS, REFERS, REPEATS, key_texts, positions
from lakehouse_pipeline.layers.rules import Rule, record_rules
from lakehouse_pipeline.layers.values import text_value, typed_value
from lakehouse_pipeline.names import (
    BATCH_ID,
    DEFECT,
    RANK,
    RECORD,
    WAIVED,
    identifier,
    literal,
)


def typed_records(contract: Contract, records: str) -> str:
    """Return SQL over `records` (SQL of effective records): system columns, then `c…`, `x…`, `t…`.

    Effective records are those of raw with their corrections in place, and `_rank` and `_waived`.
    """
    columns = list(enumerate(contract.columns))
    stood = [f"{identifier(column.name)} AS c{i}" for i, column in columns]
    texts = [f"{text_value(f'c{i}', contract.csv)} AS x{i}" for i, _ in columns]
    typed = [f"{typed_value(f'x{i}', column.type)} AS t{i}" for i, column in columns]
    system = f"{BATCH_ID}, {RECORD}, {DEFECT}, {RANK}, {WAIVED}"
    return (
        f"SELECT *, {', '.join(typed)} FROM (SELECT *, {', '.join(texts)} FROM "
        f"(SELECT {system}, {', '.join(stood)} FROM {records}))"
    )


def judged_records(contract: Contract, typed: str) -> str:
    """Return SQL of `typed` plus a flag per key, foreign key and pandera check of the contract.

    Of the records with one key the one of the lowest rank keeps it, unless the dataset holds it.
    """
    flags, joins = "", ""
    for n, key in enumerate(contract.unique_keys):
        alias = f"r{n}"
        same = " AND ".join(
            f"{alias}.{text} = j.t{i}"
            for text, i in zip(
                key_texts(key.columns), positions(contract, key.columns), strict=True
            )
        )
        flags += f", coalesce({alias}.first < j.{RANK}, false) AS _repeats{n}"
        joins += (
            f" LEFT JOIN {REPEATS}{n} AS {alias} ON {alias}.{BATCH_ID} = j.{BATCH_ID} AND {same}"
        )
    for n, foreign in enumerate(contract.foreign_keys):
        alias, at = f"f{n}", positions(contract, foreign.columns)
        same = " AND ".join(
            f"{alias}.{text} = j.t{i}"
            for text, i in zip(key_texts(foreign.columns), at, strict=True)
        )
        points = " AND ".join(f"j.t{i} IS NOT NULL" for i in at)
        flags += f", ({alias}.k0 IS NULL AND {points}) AS _dangles{n}"
        joins += f" LEFT JOIN {REFERS}{n} AS {alias} ON {same}"
    for n, _ in enumerate(contract.pandera_checks):
        alias = f"p{n}"
        flags += f", {alias}.{RECORD} IS NOT NULL AS _fails{n}"
        joins += (
            f" LEFT JOIN {FAILS}{n} AS {alias} ON {alias}.{BATCH_ID} = j.{BATCH_ID} "
            f"AND {alias}.{RECORD} = j.{RECORD}"
        )
    return f"SELECT j.*{flags} FROM ({typed}) AS j{joins}"


def broken(contract: Contract, *, waivers: bool = False) -> str:
    """Return SQL over judged records: true when a record breaks a rule that quarantines.

    Never null. With `waivers` a rule in the record's `_waived` does not count.
    """
    rules = [rule for rule in record_rules(contract) if rule.severity == "error"]
    hard = " OR ".join(
        [f"{DEFECT} IS NOT NULL", *(f"coalesce({rule.broken}, false)" for rule in rules)]
    )
    if not waivers:
        return hard
    left = " OR ".join([f"{DEFECT} IS NOT NULL", *(_counts(rule) for rule in rules)])
    return f"CASE WHEN {WAIVED} IS NULL THEN {hard} ELSE {left} END"


def _counts(rule: Rule) -> str:
    flag = f"coalesce({rule.broken}, false)"
    return f"({flag} AND NOT {waives(rule)})" if rule.releasable else flag


def waives(rule: Rule) -> str:
    """Return SQL over judged records: true when a person lets the record break the rule."""
    return f"coalesce(list_contains({WAIVED}, {literal(rule.name)}), false)"
