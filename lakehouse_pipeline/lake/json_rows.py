"""Rows as JSON: exact decimals, times and what JSON has no word for are texts; null is null."""

import base64
import json
import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from lakehouse_pipeline.errors import QueryError

_INT64 = 1 << 63
_CHUNK = 2048


def json_rows(rows: pa.Table) -> Iterator[dict[str, object]]:
    """Yield each row by column name, in order, in values that JSON has.

    Raises: QueryError: a value is of no time that a program can name, such as the year 200000.
    """
    try:
        for batch in with_integers(rows).to_batches(max_chunksize=_CHUNK):
            for row in batch.to_pylist():
                yield {name: _plain(value) for name, value in row.items()}
    except (OverflowError, ValueError, pa.ArrowException) as error:
        problem = "a value of the result cannot be written as JSON; ask for CSV or Arrow"
        raise QueryError(problem) from error


def write_json(rows: pa.Table, target: Path, *, cut: bool) -> None:
    """Write `{"columns", "rows", "cut"}` to the new file `target`, row by row."""
    columns = [{"name": field.name, "type": str(field.type)} for field in rows.schema]
    with target.open("w", encoding="utf-8") as file:
        file.write(f'{{"columns":{_text(columns)},"rows":[')
        for number, row in enumerate(json_rows(rows)):
            file.write(f"{',' if number else ''}{_text(row)}")
        file.write(f'],"cut":{_text(cut)}}}')


def write_ndjson(rows: pa.Table, target: Path) -> None:
    """Write one JSON object a line to the new file `target`."""
    with target.open("w", encoding="utf-8") as file:
        file.writelines(f"{_text(row)}\n" for row in json_rows(rows))


def with_integers(rows: pa.Table) -> pa.Table:
    """Return rows whose decimals without places (a sum of integers) JSON shows as numbers."""
    for at, column in enumerate(rows.schema):
        if pa.types.is_decimal(column.type) and column.type.scale == 0:
            values = [None if v is None else int(v) for v in rows.column(at).to_pylist()]
            if all(v is None or abs(v) < _INT64 for v in values):
                rows = rows.set_column(at, column.name, pa.array(values, pa.int64()))
    return rows


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | str():
            return value
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case float() if math.isfinite(value):
            return value
    return _as_text(value)


def _as_text(value: object) -> str:
    match value:
        case Decimal():
            return format(value, "f")
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
    return str(value)
