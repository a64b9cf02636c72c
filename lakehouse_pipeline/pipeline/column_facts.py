"""Facts about the columns of a sample, counted with the SQL that judges records.

The sample is a raw layer. Each column's different texts are held once with their counts; a type
is counted by `layers.values`, a format by `layers.rules`. What the facts mean for a draft is
decided in `contracts/infer`, which also says what is asked.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from lakehouse_pipeline.contracts.format_patterns import FORMATS
from lakehouse_pipeline.contracts.infer.candidates import CANDIDATES, DOUBLE
from lakehouse_pipeline.contracts.infer.check_digits import is_card_number, is_iban
from lakehouse_pipeline.contracts.infer.facts import (
    MOST_COMMON,
    ColumnFacts,
    Digits,
    Extent,
    NullTexts,
)
from lakehouse_pipeline.contracts.infer.meanings import FORMATS as FORMAT_NAMES
from lakehouse_pipeline.contracts.infer.meanings import FORMS
from lakehouse_pipeline.contracts.infer.null_texts import CANDIDATES as NULL_CANDIDATES
from lakehouse_pipeline.contracts.types import ColumnType
from lakehouse_pipeline.layers.values import DOUBLE_TEXT, PLAIN_DOUBLE_TEXT, pattern_of, typed_value
from lakehouse_pipeline.names import DEFECT, identifier, literal

_PROBES = 500  # values that are tried on every type before the rest is
_FIRST_PROBES = 20
_LEAST_FIT = 0.5  # of the probes, or a type is not tried on all values
_MOST_MASKS = 200
_CHECKED = {"iban": is_iban, "card": is_card_number}
_TEXTS = "texts"  # the table of a column's different texts: value, n
_FORM_PATTERNS = {**FORMS, **{name: FORMATS[name] for name in FORMAT_NAMES}}
_HEAD_RECORDS = 10_000


class ColumnReader:
    """Counts the columns of `raw`, SQL of a relation in the layout of the raw layer.

    Its whole records are copied to `copy`, one Parquet file, which is read column by column.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, raw: str, copy: Path) -> None:
        self._connection = connection
        target = literal(str(copy))
        connection.execute(
            f"COPY (SELECT * EXCLUDE ({DEFECT}) FROM {raw} WHERE {DEFECT} IS NULL) TO {target} "
            "(FORMAT parquet)"
        )
        self._raw = f"read_parquet({target})"
        self._nulls: tuple[str, ...] = ("",)
        self.records = int(self._one(f"SELECT count(*) FROM {self._raw}")[0])

    def null_texts(self, columns: Sequence[str]) -> list[NullTexts]:
        """Return the texts that may mean null, of the columns that have such texts."""
        listed = ", ".join(map(literal, NULL_CANDIDATES))
        found = self._one(
            "SELECT "
            + ", ".join(f"coalesce(bool_or({identifier(c)} IN ({listed})), false)" for c in columns)
            + f" FROM {self._raw}"
        )
        held = [column for column, holds in zip(columns, found, strict=True) if holds]
        return [self._null_texts(column, listed) for column in held]

    def _null_texts(self, column: str, listed: str) -> NullTexts:
        with self._texts(column):
            sql = f"SELECT value, n::BIGINT FROM {_TEXTS} WHERE value IN ({listed}) ORDER BY 1"
            counts = dict(self._connection.execute(sql).fetchall())
            typed = any(_survivors(self._probes(without=NULL_CANDIDATES)))
        return NullTexts(column, counts, typed)

    def with_nulls(self, texts: Sequence[str]) -> None:
        """Take these texts for null from now on."""
        self._nulls = tuple(texts)

    def facts(self, column: str) -> ColumnFacts:
        """Return everything about a column but its extent."""
        with self._texts(column):
            values, distinct, longest = self._one(
                f"SELECT coalesce(sum(n), 0)::BIGINT, count(*), coalesce(max(length(value)), 0) "
                f"FROM {_TEXTS}"
            )
            candidates = _survivors(self._probes()) if values else []
            common = self._connection.execute(
                f"SELECT value, n::BIGINT FROM {_TEXTS} ORDER BY n DESC, value LIMIT {MOST_COMMON}"
            ).fetchall()
            forms = self._forms() if values else {}
            return ColumnFacts(
                name=column,
                records=self.records,
                nulls=self.records - values,
                distinct=distinct,
                longest=longest,
                common=tuple(common),
                fits=self._fits(candidates),
                digits=self._digits() if DOUBLE in candidates or not candidates else Digits(),
                forms=forms,
                proven={n: self._proven(n) for n in _CHECKED if forms.get(n, 0) > values // 2},
            )

    def extent(self, column: str, kind: ColumnType) -> Extent | None:
        """Return the least and the largest value, None when no value fits the type."""
        with self._texts(column):
            zero = "0" if kind.logical in ("integer", "number") else "NULL"
            low, high, negatives = self._one(
                f"SELECT min(t)::VARCHAR, max(t)::VARCHAR, "
                f"coalesce(sum(n) FILTER (t < {zero}), 0)::BIGINT "
                f"FROM (SELECT n, {typed_value('value', kind)} AS t FROM {_TEXTS})"
            )
        return None if low is None else Extent(low, high, negatives)

    def masks(self, column: str) -> tuple[tuple[str, int], ...]:
        """Return the shapes of a column's texts with their counts, the most common first."""
        mask = "value"
        for letters, sign in (("[0-9]", "9"), ("[A-Z]", "A"), ("[a-z]", "a")):
            mask = f"regexp_replace({mask}, '{letters}', '{sign}', 'g')"
        sql = (
            f"SELECT {mask} AS mask, sum(n)::BIGINT AS n FROM {_TEXTS} GROUP BY ALL "
            f"ORDER BY n DESC, mask LIMIT {_MOST_MASKS}"
        )
        with self._texts(column):
            return tuple(self._connection.execute(sql).fetchall())

    def is_unique(self, one: str, other: str) -> bool:
        """Return whether no two records have the same texts in both columns."""
        both = f"{identifier(one)}, {identifier(other)}"
        sources = (f"(SELECT * FROM {self._raw} LIMIT {_HEAD_RECORDS})", self._raw)
        repeats = f"GROUP BY {both} HAVING count(*) > 1 LIMIT 1"
        return not any(
            self._connection.execute(f"SELECT 1 FROM {source} {repeats}").fetchall()
            for source in sources
        )

    @contextmanager
    def _texts(self, column: str) -> Iterator[None]:
        """Make the table of the column's different texts, nulls left out, for the block."""
        name, nulls = identifier(column), ", ".join(map(literal, self._nulls))
        self._connection.execute(
            f"CREATE OR REPLACE TABLE {_TEXTS} AS SELECT {name} AS value, count(*) AS n "
            f"FROM {self._raw} WHERE {name} NOT IN ({nulls}) GROUP BY ALL"
        )
        try:
            yield
        finally:
            self._connection.execute(f"DROP TABLE {_TEXTS}")

    def _probes(self, without: Sequence[str] = ()) -> list[str]:
        """Return some of the values, spread over all of them."""
        left_out = f"WHERE value NOT IN ({', '.join(map(literal, without))})" if without else ""
        sql = f"SELECT value FROM {_TEXTS} {left_out} ORDER BY hash(value), value LIMIT {_PROBES}"
        return [value for (value,) in self._connection.execute(sql).fetchall()]

    def _fits(self, candidates: Sequence[ColumnType]) -> dict[ColumnType, int]:
        if not candidates:
            return {}
        sums = ", ".join(
            f"coalesce(sum(n) FILTER ({typed_value('value', kind)} IS NOT NULL), 0)::BIGINT"
            for kind in candidates
        )
        return dict(zip(candidates, self._one(f"SELECT {sums} FROM {_TEXTS}"), strict=True))

    def _digits(self) -> Digits:
        """Return how the numbers are written."""
        number = f"regexp_full_match(value, {literal(DOUBLE_TEXT)})"
        plain = f"regexp_full_match(value, {literal(PLAIN_DOUBLE_TEXT)})"
        point = "strpos(value, '.')"
        whole = "length(ltrim(split_part(ltrim(value, '+-'), '.', 1), '0'))"
        scale = f"CASE WHEN {point} = 0 THEN 0 ELSE length(value) - {point} END"
        padded = f"regexp_full_match(value, {literal('[+-]?0[0-9].*')})"
        commas = f"regexp_full_match(value, {literal('[+-]?[0-9]+([.][0-9]{3})*(,[0-9]+)?')})"
        found = self._one(
            f"SELECT sum(n) FILTER (plain), max({whole}) FILTER (plain), "
            f"max({scale}) FILTER (plain), min({scale}) FILTER (plain), "
            f"sum(n) FILTER (number AND {padded}), sum(n) FILTER (number AND value[1] = '+'), "
            f"sum(n) FILTER ({commas}) "
            f"FROM (SELECT value, n, {number} AS number, {plain} AS plain FROM {_TEXTS})"
        )
        return Digits(*(int(one or 0) for one in found))

    def _forms(self) -> dict[str, int]:
        names = _likely_forms(self._probes())
        if not names:
            return {}
        sums = ", ".join(
            f"coalesce(sum(n) FILTER (regexp_matches(value, {literal(_FORM_PATTERNS[name])})), 0)"
            "::BIGINT"
            for name in names
        )
        return dict(zip(names, self._one(f"SELECT {sums} FROM {_TEXTS}"), strict=True))

    def _proven(self, form: str) -> float:
        """Return the share of the probes whose check digit is right."""
        probes = self._probes()
        return sum(map(_CHECKED[form], probes)) / len(probes) if probes else 0.0

    def _one(self, sql: str) -> tuple[Any, ...]:
        """Return the one row of a query."""
        row: tuple[Any, ...] = self._connection.execute(sql).fetchall()[0]
        return row


def _survivors(probes: Sequence[str]) -> list[ColumnType]:
    """Return the types that enough of some values are written as, to be tried on all of them."""
    first = probes[:_FIRST_PROBES]
    near = [kind for kind in CANDIDATES if _share(kind, first) >= _LEAST_FIT]
    return [kind for kind in near if _share(kind, probes) >= _LEAST_FIT]


def _share(kind: ColumnType, probes: Sequence[str]) -> float:
    pattern = _compiled(pattern_of(kind))
    return sum(pattern.fullmatch(text) is not None for text in probes) / max(1, len(probes))


def _likely_forms(probes: Sequence[str]) -> list[str]:
    return [
        name
        for name, pattern in _FORM_PATTERNS.items()
        if 2 * sum(_compiled(pattern).search(text) is not None for text in probes) >= len(probes)
    ]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """The patterns mean the same to Python and to RE2; what counts is counted by DuckDB."""
    return re.compile(pattern)
