"""The techniques that need a key or a vault: which texts they replace, and what comes of them.

The texts named here are replaced on their way from DuckDB to the file (`lake/replacing.py`): by 64
hexadecimal digits under a key, or by a token. Of the digits the SQL here makes the value.
"""

from lakehouse_pipeline.contracts.model import Column
from lakehouse_pipeline.contracts.promised import promised_type
from lakehouse_pipeline.contracts.techniques import noise_bounds
from lakehouse_pipeline.contracts.types import INTEGER_TYPES, decimal_digits
from lakehouse_pipeline.layers import pseudonym_words as words
from lakehouse_pipeline.layers.values import bound
from lakehouse_pipeline.names import literal

LISTS = {
    "en": (words.FIRST_EN, words.LAST_EN, words.STREETS_EN, words.TOWNS_EN),
    "de": (words.FIRST_DE, words.LAST_DE, words.STREETS_DE, words.TOWNS_DE),
}
DOMAINS = "example.org, example.com, example.net"
"""Domains that belong to no one (RFC 2606): a made-up address reaches no mailbox."""

NO_COUNTRY = "+999"
"""A country code that the ITU has not given out: a made-up number is nobody's."""

_WORD_DIGITS = 8
_BITS = 52
"""How many bits of the digits make a number between 0 and 1: those of a DOUBLE's fraction."""


def keyed_value(column: Column, value: str, digits: str) -> str:
    """Return SQL: the safe value, of the value itself and of the digits (or token) made from it."""
    if column.anonymize is None or column.anonymize.technique in ("hash", "tokenize"):
        return digits
    if column.anonymize.technique == "noise":
        return _noisy(column, value, digits)
    given = column.anonymize.parameters
    return _pseudonym(str(given["kind"]), str(given.get("locale", "en")), digits)


def split_words(text: str) -> list[str]:
    """Return the words of one of the lists."""
    return [" ".join(word.split()) for word in text.split(",")]


def _pseudonym(kind: str, locale: str, digits: str) -> str:
    first, last, streets, towns = LISTS[locale]
    name, surname = _word(first, digits, 0), _word(last, digits, 1)
    street, town = _word(streets, digits, 0), _word(towns, digits, 1)
    number = f"({_number(digits, 2)} % 199 + 1)"
    postal = f"lpad(CAST({_number(digits, 3)} % 100000 AS VARCHAR), 5, '0')"
    line = f"{number} || ' ' || {street}" if locale == "en" else f"{street} || ' ' || {number}"
    place = f"{town} || ' ' || {postal}" if locale == "en" else f"{postal} || ' ' || {town}"
    domain = _word(DOMAINS, digits, 3)
    subscriber = f"lpad(CAST({_number(digits, 0, 12)} % 10000000000 AS VARCHAR), 10, '0')"
    return {
        "firstName": name,
        "lastName": surname,
        "name": f"{name} || ' ' || {surname}",
        "email": f"lower({name}) || '.' || lower({surname}) || '.' || {_part(digits, 2)} "
        f"|| '@' || {domain}",
        "phone": f"'{NO_COUNTRY} ' || {subscriber}",
        "address": f"{line} || ', ' || {place}",
    }[kind]


def _part(digits: str, place: int, length: int = _WORD_DIGITS) -> str:
    return f"substr({digits}, {place * _WORD_DIGITS + 1}, {length})"


def _number(digits: str, place: int, length: int = _WORD_DIGITS) -> str:
    return f"CAST('0x' || {_part(digits, place, length)} AS BIGINT)"


def _word(text: str, digits: str, place: int) -> str:
    listed = split_words(text)
    quoted = ", ".join(literal(word) for word in listed)
    return f"list_extract([{quoted}], {_number(digits, place)} % {len(listed)} + 1)"


def _noisy(column: Column, value: str, digits: str) -> str:
    """Return SQL: the value and Laplace noise of scale sensitivity/epsilon, within its bounds.

    The noise is drawn by the value's own digits (inverse of the distribution function), so a replay
    draws the same; a sum outside the bounds is set to the bound.
    """
    given = column.anonymize.parameters if column.anonymize else {}
    scale = float(str(given["sensitivity"])) / float(str(given["epsilon"]))
    u = f"((CAST('0x' || left({digits}, {_BITS // 4}) AS BIGINT) + 0.5) / {2**_BITS}::DOUBLE)"
    noise = f"(-{scale!r}::DOUBLE * sign({u} - 0.5) * ln(1 - 2 * abs({u} - 0.5)))"
    low, high = (f"{bound(column, str(text))}::DOUBLE" for text in noise_bounds(column))
    kept = f"least(greatest({value}::DOUBLE + {noise}, {low}), {high})"
    kind = promised_type(column)
    if kind in INTEGER_TYPES:
        kept = f"round({kept})"
    elif kind.startswith("DECIMAL"):
        kept = f"round({kept}, {decimal_digits(kind)[1]})"
    return f"CASE WHEN {value} IS NOT NULL THEN CAST({kept} AS {kind}) END"
