"""Personal data that nobody declared: what a column's values and its name say.

Candidates are counted by their form (RE2, in SQL); where a form alone proves little, a sample of
them is proven here by check digits (python-stdnum). No value leaves this module.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stdnum import iban, luhn
from stdnum.be import nn
from stdnum.br import cpf
from stdnum.de import idnr
from stdnum.es import dni
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.pl import pesel

from lakehouse_pipeline.contracts.infer.personal_names import NAMES
from lakehouse_pipeline.contracts.infer.words import ends_with
from lakehouse_pipeline.contracts.model import Column

SCANNED = 100_000
"""At most this many records of a batch are looked at, evenly spread over it."""

PROVEN = 1_000
"""At most this many different candidates of a form are proven by their check digits."""

MOST = 0.9
"""Numbers whose check digit one in ten or eleven has by chance: this share must be right."""

LEAST = 5
"""And so many different ones, before a column of numbers is taken for cards or national ids."""

Proof = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Form:
    """A form of personal values: `words` say what it is, RE2 `pattern` finds candidates.

    Without `proof` the form proves itself. `certain` proofs hold for one value; others need most
    values of the column.
    """

    words: str
    pattern: str
    proof: Proof | None = None
    certain: bool = True


_IBAN = (
    r"^\s*[A-Za-z]{2}[0-9]{2}( ?[A-Za-z0-9]){11,30}\s*$"
    r"|\b[A-Za-z]{2}[0-9]{2}([A-Za-z0-9]{11,30}|( [A-Za-z0-9]{4}){2,7}( [A-Za-z0-9]{1,4})?)\b"
)
"""A bank account alone, or within a text as one word or in groups of four."""

_SHORTEST_IBAN = 15


def _holds_iban(text: str) -> bool:
    """Return whether a candidate, or what it begins with, is an IBAN: words may follow one."""
    plains = (found[0].replace(" ", "").strip() for found in re.finditer(_IBAN, text))
    return any(
        iban.is_valid(plain[:length])
        for plain in plains
        for length in range(_SHORTEST_IBAN, len(plain) + 1)
    )


def _is_card(text: str) -> bool:
    plain = text.replace(" ", "").replace("-", "")
    return plain[:1] in "3456" and bool(luhn.is_valid(plain))


def _is_national_id(text: str) -> bool:
    plain = text.strip()
    return any(
        module.is_valid(plain)
        for module in (idnr, nn, cpf, dni, hetu, nir, codicefiscale, bsn, pesel)
    )


FORMS: Mapping[str, Form] = {
    "email": Form(
        "e-mail addresses",
        r"[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)*\.\p{L}{2,}",
    ),
    "phone": Form(
        "phone numbers",
        r"^\s*(\+|00)[1-9]([ ()/.-]*[0-9]){7,14}\s*$"
        r"|(^|[^0-9A-Za-z+])\+[1-9]([ ()/.-]{0,3}[0-9]){7,14}($|[^0-9])",
    ),
    "iban": Form("bank accounts", _IBAN, _holds_iban),
    "card": Form(
        "card numbers", r"^\s*[3-6][0-9]{3}([ -]?[0-9]){9,15}\s*$", _is_card, certain=False
    ),
    "national_id": Form(
        "national ids",
        r"^\s*([0-9]([ ./-]{0,2}[0-9]){8,14}|[XYZxyz]?[0-9]{7,8}-?[A-Za-z]"
        r"|[0-9]{6}[-+A][0-9]{3}[0-9A-Za-z]|[A-Za-z]{6}[0-9]{2}[A-Za-z][0-9]{2}[A-Za-z][0-9]{3}[A-Za-z])\s*$",
        _is_national_id,
        certain=False,
    ),
}
"""What is looked for in values, in this order."""

_NAMED = {
    "email": "e-mail addresses",
    "phone": "phone numbers",
    "iban": "bank accounts",
    "card": "card numbers",
    "national_id": "national ids",
    "name": "names of persons",
    "birth": "dates of birth",
    "address": "addresses",
    "trait": "traits of persons",
}
"""Kinds of names that tell personal columns; an id or a device may be anything's."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of one form in one column: records with a value, candidates, and a sample.

    `sample` has different candidates, as they stand; it is dropped with the object.
    """

    values: int
    candidates: int
    sample: Sequence[str] = ()


def looked_at(column: Column) -> bool:
    """Return whether values of a column may be personal without anyone having said so."""
    unsaid = not column.personal and column.anonymize is None and not column.not_personal
    return unsaid and column.type.logical in ("string", "integer")


def named_as(column: Column) -> str:
    """Return what the column's name says its values are, empty when nothing personal."""
    if column.personal or column.anonymize is not None or column.not_personal:
        return ""
    if column.type.logical == "boolean":
        return ""
    found = (words for kind, words in _NAMED.items() if ends_with(column.name, NAMES[kind]))
    return next(found, "")


def finds(column: str, counted: Mapping[str, Counted]) -> Iterator[str]:
    """Yield a sentence for each form that the values of a column have; holds no value."""
    for name, form in FORMS.items():
        found = counted.get(name)
        if found is None or not found.candidates:
            continue
        if form.proof is None:
            yield f"column '{column}' holds {form.words} in {found.candidates:,} records"
            continue
        right = sum(form.proof(text) for text in found.sample)
        if not right or not (form.certain or _is_most(right, found)):
            continue
        of = f"{right:,} of {len(found.sample):,} different ones proven by their check digits"
        yield f"column '{column}' holds {form.words} in about {found.candidates:,} records ({of})"


def _is_most(right: int, found: Counted) -> bool:
    enough = right >= LEAST and right >= MOST * len(found.sample)
    return enough and found.candidates >= MOST * found.values
