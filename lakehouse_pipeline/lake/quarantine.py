"""The quarantined layer as people read it: counts per rule, records with reasons, a CSV report.

Shows values of records, personal ones too: for the supplier and stewards, never for events or logs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.rule_columns import rule_columns
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import (
    BATCH_ID,
    REASONS,
    RECORD,
    TEXT,
    Layer,
    identifier,
    literal,
)

REPORT_COLUMNS = ("batch", "record", "reasons", "text")
SHOWN = 6
"""Of a rule of many columns, how many values are shown."""


def report_columns(contract: Contract) -> tuple[str, str, str, str]:
    """Return the names of the report's own columns: batch, record, reasons, text.

    One that the contract has too gets a `_` at its end.
    """
    batch, record, reasons, text = (
        f"{name}_" if name in contract.column_names else name for name in REPORT_COLUMNS
    )
    return batch, record, reasons, text


def quarantined_counts(
    connection: duckdb.DuckDBPyConnection,
    tables: Tables,
    dataset: str,
    batches: Sequence[str] | None,
) -> dict[str, int]:
    """Return how many records broke each rule, the commonest first."""
    source = _source(tables, dataset, batches)
    if source is None:
        return {}
    each = f"SELECT unnest({REASONS}).rule AS rule FROM {source}"
    sql = f"SELECT rule, count(*) FROM ({each}) GROUP BY ALL ORDER BY 2 DESC, 1"
    return dict(connection.execute(sql).fetchall())


def quarantined_records(
    connection: duckdb.DuckDBPyConnection,
    tables: Tables,
    contract: Contract,
    batches: Sequence[str] | None,
    limit: int | None,
) -> list[dict[str, Any]]:
    """Return the first records, None for all: batch, record, values, text, reasons.

    Each reason has rule, column, message, and `value`, the text of its column as it stood; of a
    rule of several columns it is each column's name and text.
    """
    source = _source(tables, contract.dataset, batches)
    if source is None:
        return []
    first = "" if limit is None else f"LIMIT {limit}"
    sql = f"FROM {source} ORDER BY {BATCH_ID}, {RECORD} {first}"
    result = connection.execute(f"SELECT * {sql}")
    names = [column[0] for column in result.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    several = rule_columns(contract)
    return [_record(row, contract, several) for row in rows]


def _record(
    row: dict[str, Any], contract: Contract, several: Mapping[str, tuple[str, ...]]
) -> dict[str, Any]:
    values = {name: row.get(name) for name in contract.column_names}

    def value(reason: dict[str, Any]) -> object:
        if reason["column"]:
            return values.get(reason["column"])
        names = several.get(reason["rule"])
        return _named_texts(names, values) if names else row[TEXT]

    reasons = [{**reason, "value": value(reason)} for reason in row[REASONS]]
    return {
        "batch": row[BATCH_ID],
        "record": row[RECORD],
        "values": values,
        "text": row[TEXT],
        "reasons": reasons,
    }


def _named_texts(names: Sequence[str], values: Mapping[str, str | None]) -> str:
    more = ", …" if len(names) > SHOWN else ""
    return ", ".join(f"{name}: '{values[name] or ''}'" for name in names[:SHOWN]) + more


@dataclass(frozen=True, slots=True)
class Report:
    """What a report is about: a contract's dataset, batches (None: all), a sentence per rule."""

    contract: Contract
    batches: Sequence[str] | None
    said: Mapping[str, str]


def write_report(
    connection: duckdb.DuckDBPyConnection, tables: Tables, report: Report, target: Path
) -> int:
    """Write a CSV that a supplier can read and send back; return the number of records.

    Columns: batch, record, reasons (sentences, separated by blanks), the contract's columns as they
    stood (empty in one that is younger than the record), and the physical text of a record that
    could not be split. It is delimited and quoted as
    the contract's files are, in UTF-8. A rule without a sentence says its message.
    """
    contract = report.contract
    source = _source(tables, contract.dataset, report.batches)
    stored = set(connection.sql(f"FROM {source} LIMIT 0").columns) if source else set()
    columns = [
        identifier(name) if name in stored else f"NULL AS {identifier(name)}"
        for name in contract.column_names
    ]
    batch, record, reasons, text = map(identifier, report_columns(contract))
    if source is None:
        source = (
            f"(SELECT NULL AS {TEXT}, "
            f"NULL::STRUCT(rule VARCHAR, message VARCHAR)[] AS {REASONS}, "
            f"NULL AS {RECORD}, NULL AS {BATCH_ID} WHERE false)"
        )
    known = ", ".join(f"{literal(rule)}: {literal(text)}" for rule, text in report.said.items())
    sentence = f"coalesce((MAP {{{known}}})[r.rule], r.message)"
    why = f"array_to_string(list_transform({REASONS}, lambda r: {sentence}), ' ')"
    sql = (
        f"SELECT {BATCH_ID} AS {batch}, {RECORD} AS {record}, {why} AS {reasons}, "
        f"{', '.join(columns)}, {TEXT} AS {text} FROM {source} ORDER BY {BATCH_ID}, {RECORD}"
    )
    options = f"FORMAT csv, HEADER, DELIMITER {literal(contract.csv.delimiter)}"
    if contract.csv.quote:
        options += f", QUOTE {literal(contract.csv.quote)}, ESCAPE {literal(contract.csv.escape)}"
    written = connection.execute(f"COPY ({sql}) TO {literal(str(target))} ({options})")
    return int(written.fetchall()[0][0])


def _source(tables: Tables, dataset: str, batches: Sequence[str] | None) -> str | None:
    files = tables.files(dataset, Layer.QUARANTINED, batches)
    return parquet_relation(files) if files else None
