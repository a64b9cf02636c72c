"""Columns that are likely about a person, told by their names and by what they hold.

Each gets a technique, proposed with the reason. A person decides: the draft says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lakehouse_pipeline.contracts.infer.candidates import BOOLEAN
from lakehouse_pipeline.contracts.infer.facts import ColumnFacts
from lakehouse_pipeline.contracts.infer.meanings import Meaning
from lakehouse_pipeline.contracts.infer.personal_names import MAYBE, NAMES, PERSON_TABLES
from lakehouse_pipeline.contracts.infer.words import ends_with, says, words_of
from lakehouse_pipeline.contracts.model import Anonymize

_HASH = Anonymize("hash")
_MASK = Anonymize("mask", {"keepLast": 4})
_DROP = Anonymize("drop")


@dataclass(frozen=True, slots=True)
class Personal:
    """Why a column is taken for personal, and what is proposed to make it safe.

    `strong` kinds show that the records are about persons at all.
    """

    kind: str
    why: str
    technique: Anonymize
    strong: bool = True


_KINDS: Mapping[str, Personal] = {
    found.kind: found
    for found in (
        Personal("email", "e-mail addresses; hashed they can still be joined", _HASH),
        Personal("phone", "phone numbers", _MASK),
        Personal("iban", "bank accounts", _MASK),
        Personal("card", "card numbers", _MASK),
        Personal("ip", "IP addresses lead to a person", _HASH, strong=False),
        Personal("device", "a device leads to a person", _HASH, strong=False),
        Personal("national_id", "a number the state gives to a person", _HASH),
        Personal("person_id", "a person's number; hashed it can still be joined", _HASH),
        Personal("username", "a person's name in a system; hashed it can be joined", _HASH),
        Personal("name", "a person's name", _DROP),
        Personal("birth", "a date of birth narrows down who a person is", _DROP),
        Personal("address", "where a person lives", _DROP),
        Personal("trait", "a trait of a person", _DROP),
        Personal("text", "a free text or name in records about persons", _DROP),
    )
}
_BY_MEANING = {
    "email": "email",
    "phone": "phone",
    "iban": "iban",
    "card": "card",
    "ipv4": "ip",
    "ipv6": "ip",
}
_SUBJECT_ORDER = ("person_id", "email", "username", "national_id", "iban", "phone")


def find_personal(
    dataset: str, columns: Sequence[ColumnFacts], meanings: Mapping[str, Meaning]
) -> tuple[dict[str, Personal], dict[str, str]]:
    """Return the columns taken for personal, and notes on others that may be."""
    found = {}
    for facts in columns:
        personal = _by_name(facts) or _by_meaning(meanings.get(facts.name))
        if personal is not None:
            found[facts.name] = personal
    strong = any(personal.strong for personal in found.values())
    about_persons = strong or says(words_of(dataset), PERSON_TABLES)
    notes = {}
    for facts in columns:
        if facts.name in found:
            continue
        if ends_with(facts.name, MAYBE):
            if about_persons:
                found[facts.name] = _KINDS["text"]
            else:
                notes[facts.name] = "if this names persons, add 'classification: personal'"
        elif about_persons and meanings.get(facts.name, _NO_MEANING).kind == "postal":
            notes[facts.name] = "with other columns a postal code may lead to a person"
    return _with_something_left(found, columns), notes


_NO_MEANING = Meaning("", {})


def subject_of(personal: Mapping[str, Personal]) -> str | None:
    """Return the column that most likely identifies the person, None when there is none."""
    for kind in _SUBJECT_ORDER:
        for name, found in personal.items():
            if found.kind == kind:
                return name
    return None


def _by_name(facts: ColumnFacts) -> Personal | None:
    for kind, pattern in NAMES.items():
        if ends_with(facts.name, pattern):
            return _KINDS[kind] if kind == "trait" or not _is_flag(facts) else None
    return None


def _is_flag(facts: ColumnFacts) -> bool:
    return facts.values > 0 and facts.fit(BOOLEAN) == 1


def _by_meaning(meaning: Meaning | None) -> Personal | None:
    kind = _BY_MEANING.get(meaning.kind) if meaning else None
    return _KINDS[kind] if kind else None


def _with_something_left(
    found: dict[str, Personal], columns: Sequence[ColumnFacts]
) -> dict[str, Personal]:
    """A contract that drops every column publishes nothing: then they are hashed."""
    dropped = [p for p in found.values() if p.technique.technique == "drop"]
    if len(dropped) < len(columns):
        return found
    return {name: replace(personal, technique=_HASH) for name, personal in found.items()}
