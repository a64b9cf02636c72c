"""The type of a column, chosen from how many of its values the product takes for each type.

A type is proposed when all but a few values fit it (`TOLERANCE`); those would be quarantined.
What a number would lose stays text: leading zeros, a plus before every value, very long digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse_pipeline.contracts.infer.candidates import BOOLEAN, DOUBLE, INTEGER, MOMENTS, STRING
from lakehouse_pipeline.contracts.infer.facts import ColumnFacts, percent
from lakehouse_pipeline.contracts.infer.meanings import TOLERANCE, stays_text
from lakehouse_pipeline.contracts.infer.moments import choose_moment, compact_date, day_first_voters
from lakehouse_pipeline.contracts.infer.words import says, words_of
from lakehouse_pipeline.contracts.types import DECIMAL_DIGITS, ColumnType, column_type, in_words

INTEGER_DIGITS = 18
"""A BIGINT holds every number of so many digits."""

_ROOM = 4  # digits before the point that a DECIMAL has more than were seen
_LEAST_PRECISION = 12
_CENTS = 2
_LONGEST_SCALE = 6  # of money
_NEARLY = 0.9
_COMMAS = (
    "numbers with a decimal comma, or points between thousands; a number is read with a decimal "
    "point only: text"
)
_MONEY = (
    "price|amount|costs?|total|sum|fee|revenue|salary|wage|income|balance|tax|discount|payment|"
    "spend|turnover|betrag|preis|kosten|summe|umsatz|gehalt|gebuehr|saldo|rabatt|prix|montant|"
    "precio|importe|prezzo|importo|usd|eur|gbp"
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A column's type, with notes for the person who reads the draft."""

    type: ColumnType
    notes: tuple[str, ...] = ()


def choose_types(columns: Sequence[ColumnFacts]) -> list[Choice]:
    """Return a type for each column; dates whose order is open follow the file's other dates."""
    voters = day_first_voters(columns)
    return [_choose(facts, voters) for facts in columns]


def _choose(facts: ColumnFacts, voters: dict[str, bool]) -> Choice:
    if not facts.values:
        return Choice(STRING, ("no value was seen, so the type is open",))
    if stays_text(facts):
        return Choice(STRING)
    if _is_boolean(facts):
        return Choice(BOOLEAN)
    kind = compact_date(facts)
    if kind is not None:
        return Choice(kind)
    found = _number(facts)
    if found is None:
        moment = choose_moment(facts, voters)
        found = Choice(*moment) if moment else None
    return found or Choice(STRING, _near_misses(facts))


def _is_boolean(facts: ColumnFacts) -> bool:
    words = {text.lower() for text, _ in facts.common}
    return facts.fit(BOOLEAN) >= 1 - TOLERANCE and not words.isdisjoint(("true", "false"))


def _number(facts: ColumnFacts) -> Choice | None:
    digits, enough = facts.digits, (1 - TOLERANCE) * facts.values
    whole, number = facts.fit(INTEGER) >= 1 - TOLERANCE, facts.fit(DOUBLE) >= 1 - TOLERANCE
    plain = digits.plain >= enough
    if not (whole or number or plain):
        return None
    if reason := _would_lose(facts):
        return Choice(STRING, (f"{reason}: text",))
    if whole and digits.least_scale < _CENTS:
        return Choice(INTEGER)
    decimal = _decimal(facts) if plain else None
    if decimal and (_is_money(facts) or not number):
        return Choice(decimal)
    return Choice(DOUBLE) if number else None


def _would_lose(facts: ColumnFacts) -> str:
    """Return what the column's numbers would lose as numbers, nothing if nothing."""
    digits = facts.digits
    if digits.padded:
        return "numbers with leading zeros, which a number would lose"
    if digits.plus >= (1 - TOLERANCE) * facts.values:
        return "numbers with a plus sign, which a number would lose"
    if not digits.scale and digits.whole > INTEGER_DIGITS:
        return f"numbers of more than {INTEGER_DIGITS} digits"
    return ""


def _is_money(facts: ColumnFacts) -> bool:
    digits = facts.digits
    named = says(words_of(facts.name), _MONEY) and digits.scale <= _LONGEST_SCALE
    return named or digits.least_scale == digits.scale == _CENTS


def _decimal(facts: ColumnFacts) -> ColumnType | None:
    """Return a DECIMAL with room to grow, None when the values have too many digits."""
    scale = max(_CENTS, facts.digits.scale)
    needed = facts.digits.whole + scale
    if needed > DECIMAL_DIGITS:
        return None
    precision = min(DECIMAL_DIGITS, max(_LEAST_PRECISION, needed + _ROOM))
    return column_type("number", f"DECIMAL({precision},{scale})", None)


def _near_misses(facts: ColumnFacts) -> tuple[str, ...]:
    if facts.digits.commas >= (1 - TOLERANCE) * facts.values:
        return (_COMMAS,)
    best = max((INTEGER, DOUBLE, *MOMENTS), key=facts.fit)
    if facts.fit(best) < _NEARLY:
        return ()
    others = facts.values - facts.fits[best]
    share = percent(others, facts.values)
    return (f"text, because {others:,} values ({share}) are not {in_words(best)}",)
