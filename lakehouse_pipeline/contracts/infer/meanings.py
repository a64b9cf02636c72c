"""What a column of texts means when its values have a known form: e-mail, IBAN, UUID and more.

`FORMS` are the forms that are counted in a sample. What the meaning does to the draft is a format
or a pattern; whether it makes the column personal is decided in `personal`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lakehouse_pipeline.contracts.infer.facts import ColumnFacts
from lakehouse_pipeline.contracts.infer.personal_names import NAMES
from lakehouse_pipeline.contracts.infer.words import ends_with

TOLERANCE = 0.005
"""The share of values that may break what is proposed: dirt that belongs into quarantine."""

PHONE = r"^\+?[0-9(][0-9 ()/.-]{5,22}$"
IBAN = r"^[A-Z]{2}[0-9]{2}( ?[A-Z0-9]){11,30}$"
CARD = r"^[0-9]([ -]?[0-9]){12,18}$"
URL = r"^[A-Za-z]+://[^\s]+$"
IPV6 = r"^[0-9a-fA-F]{0,4}(:[0-9a-fA-F]{0,4}){3,7}$"

FORMS: Mapping[str, str] = {
    "phone": PHONE,
    "international": r"^(\+|00)[1-9][0-9 ()/.-]{5,20}$",
    "iban": IBAN,
    "card": CARD,
    "url": URL,
    "ipv6": IPV6,
}
"""Forms as RE2; `email`, `uuid` and `ipv4` are formats of the contract and counted as such."""

FORMATS = ("email", "uuid", "ipv4")
_PROVEN = 0.99
_POSTAL_NAME = (
    "zip|zips|zip_?code|postal|postal_?code|post_?code|plz|postleitzahl|cap|code_postal|"
    "codigo_postal"
)
_CODE_NAME = "bic|swift|vat|vat_(?:id|no)|ust_id|isbn|ean|gtin|upc"
_TEXT_KINDS = ("phone", "iban", "card", "national_id")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column means: `kind` is its name, `options` what it adds to `logicalTypeOptions`."""

    kind: str
    options: Mapping[str, str]


def stays_text(facts: ColumnFacts) -> bool:
    """Return whether the column's digits are no number: a phone number, a postal code, a card."""
    personal = any(ends_with(facts.name, NAMES[kind]) for kind in _TEXT_KINDS)
    return personal or ends_with(facts.name, f"{_POSTAL_NAME}|{_CODE_NAME}") or _is_card(facts)


def meaning_of(facts: ColumnFacts) -> Meaning | None:
    """Return what a column of texts means, None when its values have no known form."""
    if facts.values == 0:
        return None
    for name in FORMATS:
        if _most(facts, name):
            return Meaning(name, {"format": name})
    for name, options, holds in _PROOFS:
        if _most(facts, name) and holds(facts):
            return Meaning(name, options)
    return Meaning("postal", {}) if ends_with(facts.name, _POSTAL_NAME) else None


def _most(facts: ColumnFacts, form: str) -> bool:
    return facts.looks_like(form) >= 1 - TOLERANCE


def _is_card(facts: ColumnFacts) -> bool:
    return _most(facts, "card") and facts.proven.get("card", 0.0) >= _PROVEN


def _is_iban(facts: ColumnFacts) -> bool:
    return facts.proven.get("iban", 0.0) >= _PROVEN


def _is_phone(facts: ColumnFacts) -> bool:
    return _most(facts, "international") or ends_with(facts.name, NAMES["phone"])


def _by_form_alone(_: ColumnFacts) -> bool:
    return True


_PROOFS: Sequence[tuple[str, Mapping[str, str], Callable[[ColumnFacts], bool]]] = (
    ("url", {"format": "uri"}, _by_form_alone),
    ("iban", {"pattern": IBAN}, _is_iban),
    ("card", {"pattern": CARD}, _is_card),
    ("phone", {"pattern": PHONE}, _is_phone),
    ("ipv6", {"format": "ipv6"}, _by_form_alone),
)
"""Forms that most values must have, what they add to the draft, and what must hold besides."""
