"""The techniques that need no key, as SQL of one value; `layers/keyed.py` has the others.

All but `aggregate` look at one record and stream. `aggregate` sorts a batch; DuckDB spills what
does not fit its memory limit.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

from lakehouse_pipeline.contracts.expressions import render
from lakehouse_pipeline.contracts.hierarchies import NOT_LISTED, coarser
from lakehouse_pipeline.contracts.model import Anonymize, Column
from lakehouse_pipeline.contracts.promised import promised_type
from lakehouse_pipeline.contracts.techniques import (
    REDACTED,
    STEP_DIGITS,
    kept_ends,
    step_scale,
    whole,
)
from lakehouse_pipeline.contracts.types import INTEGER_TYPES, decimal_digits
from lakehouse_pipeline.layers.masks import masked_signs
from lakehouse_pipeline.layers.values import stored_type, written
from lakehouse_pipeline.names import BATCH_ID, RECORD, identifier, literal

DOMAIN = r"(?s).@[\p{L}\p{M}\p{N}.-]+$"
"""The end of an e-mail address, as RE2: a character, the last @ and a domain of any script."""

OUT_OF_RANGE = "other"


def text_of(anonymize: Anonymize, value: str) -> str:
    """Return SQL: the text of a value; null is the empty text where preserveNull is false."""
    text = written(value)
    return text if anonymize.parameters.get("preserveNull", True) else f"coalesce({text}, '')"


def plainly_safe(column: Column, names: Sequence[str]) -> str:
    """Return SQL over validated: the safe value of a column whose technique needs no key.

    `names` are all columns of validated.
    """
    value = identifier(column.name)
    if column.anonymize is None:
        return value
    if column.anonymize.technique == "custom":
        return _custom(column, str(column.anonymize.parameters["expression"]), names)
    return _TECHNIQUES[column.anonymize.technique](column, column.anonymize, value)


def ranked(column: Column, place: int) -> str:
    """Return SQL columns of what `aggregate` needs first: `_r<place>` and `_n<place>`.

    The rank of a value in its batch from 0, by value, then by record, and how many there are.
    """
    value = identifier(column.name)
    return (
        f"row_number() OVER (PARTITION BY {BATCH_ID}, {value} IS NULL ORDER BY {value}, {RECORD})"
        f" - 1 AS _r{place}, count({value}) OVER (PARTITION BY {BATCH_ID}) AS _n{place}"
    )


def group_mean(column: Column, place: int) -> str:
    """Return SQL over `ranked` records: the mean of the value's group of at least k (at most 2k-1).

    Groups are formed in the order of values, in each batch; the last takes what is left over. In a
    batch of fewer than k values there is no group, and none is given. Univariate fixed-size
    micro-aggregation (Domingo-Ferrer and Mateo-Sanz 2002).
    """
    k = whole(column.anonymize, "k") if column.anonymize else 1
    value = identifier(column.name)
    group = f"least(_r{place} // {k}, _n{place} // {k} - 1)"
    window = (
        f"OVER (PARTITION BY {BATCH_ID}, {value} IS NULL, {group} ORDER BY {value}, {RECORD} "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
    )
    mean = f"sum({value}) {window} / count({value}) {window}"
    return (
        f"CASE WHEN {value} IS NOT NULL AND _n{place} >= {k} "
        f"THEN CAST({mean} AS {promised_type(column)}) END"
    )


def _mask(_column: Column, anonymize: Anonymize, value: str) -> str:
    """Return SQL: the text with all but its first and last characters masked; null stays.

    A text too short to hide anything between the kept ends is masked whole.
    """
    character = str(anonymize.parameters.get("character", "*"))
    text, (first, last) = f"CAST({value} AS VARCHAR)", kept_ends(anonymize)
    form = anonymize.parameters.get("format")
    if form == "email":
        return _masked_address(text, first, last, character)
    if form is not None or anonymize.parameters.get("preserveFormat"):
        return f"{masked_signs.__name__}({text}, {first}, {last}, {ord(character)})"
    return _masked(text, first, last, character)


def _masked(text: str, first: int, last: int, character: str) -> str:
    mark = literal(character)
    hidden = f"repeat({mark}, length({text}) - {first + last})"
    ends = [f"left({text}, {first})", hidden] + ([f"right({text}, {last})"] if last else [])
    return (
        f"CASE WHEN length({text}) <= {first + last} THEN repeat({mark}, length({text})) "
        f"ELSE {' || '.join(ends)} END"
    )


def _masked_address(text: str, first: int, last: int, character: str) -> str:
    """Return SQL: what stands before the last @ is masked; a text that is no address, whole.

    After the @ of an address stand the letters and digits of a domain; anything else may be of a
    person. All cases are one sum, since DuckDB computes what is repeated once, but not in a CASE.
    """
    mark, domain = literal(character), f"substr(regexp_extract({text}, '{DOMAIN}'), 2)"
    hidden = f"(length({text}) - length({domain}))"
    ends = f"(({domain} <> '')::INTEGER * ({hidden} > {first + last})::INTEGER)"
    start = f"left({text}, {ends} * {first}) || " if first else ""
    end = f"substr({text}, {hidden} - {ends} * {last} + 1)" if last else domain
    return f"{start}repeat({mark}, {hidden} - {ends} * {first + last}) || {end}"


def _generalize(column: Column, anonymize: Anonymize, value: str) -> str:
    given = anonymize.parameters
    if "step" in given:
        return _binned(column, value, Decimal(str(given["step"])))
    if "bands" in given:
        return _banded(value, given["bands"], given.get("asOf"))
    if "to" in given:
        return _period(value, str(given["to"]))
    if "hierarchy" in given:
        return _looked_up(column, coarser(column), str(given.get("otherwise", NOT_LISTED)))
    return _prefix(value, whole(anonymize, "prefix"), keep=bool(given.get("preserveFormat")))


def _binned(column: Column, value: str, step: Decimal) -> str:
    """Return SQL: the half-open range the value is in, `[20,30)`; ranges begin at multiples."""
    size, scale = f"{step:f}", step_scale(step)
    kind = column.type.sql
    if kind == "DOUBLE":
        low = _below(value, f"{size}::DECIMAL({STEP_DIGITS},{scale})")
        label = f"nullif(concat('[', {low}, ',', {low} + {size}, ')'), '[,)')"
        return f"coalesce({label}, CASE WHEN {value} IS NOT NULL THEN '{OUT_OF_RANGE}' END)"
    own = decimal_digits(kind)[1] if kind.startswith("DECIMAL") else 0
    exact = "HUGEINT" if not scale else f"DECIMAL(38,{scale})"
    number = f"{value}::{exact}" if kind in INTEGER_TYPES or scale > own else value
    low = f"({number} - ((({number} % {size}) + {size}) % {size}))"
    label = f"'[' || TRY({low}) || ',' || TRY({low} + {size}) || ')'"
    return f"CASE WHEN {value} IS NOT NULL THEN coalesce({label}, '{OUT_OF_RANGE}') END"


def _below(value: str, size: str) -> str:
    """Return SQL: the multiple of `size` that a DOUBLE is at or above, as a decimal.

    0.3 / 0.1 is a little less than 3, so the quotient may miss by one. What counts is whether the
    value is at or above the DOUBLE that the multiple is written as. Beyond 2^53 several multiples
    are written as one DOUBLE: then it stays at the first. Null where the quotient is out of range;
    nothing overflows, so no TRY and no CASE keep DuckDB from computing what is repeated once.
    """
    place = f"TRY_CAST(floor({value} / {size}) AS BIGINT)::DECIMAL(19,0)"
    low, high = (f"CAST({place} * {size} AS DOUBLE)", f"CAST(({place} + 1) * {size} AS DOUBLE)")
    missed = f"(({value} > {low} AND {value} >= {high})::INTEGER - ({value} < {low})::INTEGER)"
    return f"(({place} + {missed}) * {size})"


def _banded(value: str, bands: object, as_of: object) -> str:
    """Return SQL: `<18`, `[18,65)` or `>=65`; of a date, of the years completed on `as_of`."""
    if as_of is not None:
        day = date.fromisoformat(str(as_of))
        value = f"date_sub('year', CAST({value} AS DATE), DATE '{day}')"
    edges = [f"{Decimal(str(edge)):f}" for edge in bands] if isinstance(bands, list) else []
    cases = [f"WHEN {value} < {edges[0]} THEN '<{edges[0]}'"]
    cases += [f"WHEN {value} < {high} THEN '[{low},{high})'" for low, high in pairwise(edges)]
    return f"CASE {' '.join(cases)} WHEN {value} IS NOT NULL THEN '>={edges[-1]}' END"


def _period(value: str, to: str) -> str:
    year = f"strftime({value}, '%Y')"
    return {
        "year": year,
        "decade": f"left({year}, 3) || '0s'",
        "quarter": f"{year} || '-Q' || quarter({value})",
        "month": f"strftime({value}, '%Y-%m')",
    }[to]


def _prefix(value: str, first: int, *, keep: bool) -> str:
    """Return SQL: the first characters; a text that has no more than these is hidden whole."""
    text = f"CAST({value} AS VARCHAR)"
    rest = f"repeat('*', length({text}) - {first})" if keep else "''"
    hidden = f"repeat('*', length({text}))" if keep else "'*'"
    return (
        f"CASE WHEN length({text}) > {first} THEN left({text}, {first}) || {rest} "
        f"WHEN {text} IS NOT NULL THEN {hidden} END"
    )


def _looked_up(column: Column, above: Mapping[str, str], otherwise: str) -> str:
    """Return SQL: what the hierarchy has for the value; DuckDB makes a hash join of it.

    A number or moment is looked up as what it is, however the hierarchy writes it: `5` is 5.00.
    """
    value = identifier(column.name)
    fine = f"CAST(_text AS {stored_type(column.type)})"
    rows = ", ".join(f"({literal(one)}, {literal(top)})" for one, top in above.items())
    found = (
        f"SELECT _coarse FROM (VALUES {rows}) AS _hierarchy (_text, _coarse) WHERE {fine} = {value}"
    )
    return f"CASE WHEN {value} IS NOT NULL THEN coalesce(({found}), {literal(otherwise)}) END"


def _suppress(column: Column, _anonymize: Anonymize, _value: str) -> str:
    return f"CAST(NULL AS {promised_type(column)})"


def _redact(_column: Column, anonymize: Anonymize, value: str) -> str:
    constant = literal(str(anonymize.parameters.get("value", REDACTED)))
    if not anonymize.parameters.get("preserveNull", True):
        return constant
    return f"CASE WHEN {value} IS NOT NULL THEN {constant} END"


def _custom(column: Column, sql: str, names: Sequence[str]) -> str:
    """Return SQL: the contract's expression in its type; null where it cannot be computed.

    The engine's message about a value that does not fit would quote it.
    """
    quoted = render(sql, {name: identifier(name) for name in names})
    return f"TRY(CAST(({quoted}) AS {promised_type(column)}))"


_TECHNIQUES: Mapping[str, Callable[[Column, Anonymize, str], str]] = {
    "mask": _mask,
    "generalize": _generalize,
    "suppress": _suppress,
    "redact": _redact,
}
