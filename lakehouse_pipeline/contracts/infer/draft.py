"""A draft of a contract: every column with the rules proposed for it, and why.

Made from facts here, loosened where the sample breaks it in `loosen`, written in `yaml_text`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lakehouse_pipeline.contracts.infer.column_types import Choice
from lakehouse_pipeline.contracts.infer.facts import ENOUGH_RECORDS, ColumnFacts, Extent, percent
from lakehouse_pipeline.contracts.infer.keys import choose_key
from lakehouse_pipeline.contracts.infer.meanings import TOLERANCE, Meaning, meaning_of
from lakehouse_pipeline.contracts.infer.personal import Personal, find_personal, subject_of
from lakehouse_pipeline.contracts.infer.ranges import bounds, first_moment
from lakehouse_pipeline.contracts.infer.texts import code_pattern, enum_of, rare_values
from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.contracts.types import ColumnType

_NEARLY = 0.9
_FORM_WORDS = {
    "email": "e-mail addresses",
    "uuid": "UUIDs",
    "ipv4": "IPv4 addresses",
    "iban": "IBANs",
    "international": "phone numbers",
}
_OLDEST = 1900


@dataclass(frozen=True, slots=True)
class SampleFacts:
    """How much was looked at: `sampled_bytes` of the `bytes` on disk, `records` of all records.

    `whole` when all of every file; `spread` when pieces are from all over the files.
    """

    files: int
    bytes: int
    sampled_bytes: int
    records: int
    whole: bool
    spread: bool


@dataclass(frozen=True, slots=True)
class DraftColumn:
    """One column with what is proposed for it.

    `options` are ODCS `logicalTypeOptions`, a date's format aside; `notes` are for the reader;
    `broken` counts the sample's records that break a rule of the column, by the rule's kind.
    """

    facts: ColumnFacts
    type: ColumnType
    required: bool = False
    key: bool = False
    enum: tuple[str, ...] | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    personal: Personal | None = None
    subject: bool = False
    notes: tuple[str, ...] = ()
    broken: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The column's name, as in the header."""
        return self.facts.name


@dataclass(frozen=True, slots=True)
class Draft:
    """A contract before a person has read it.

    `quarantined` counts the sample's records that it would set aside, `unsplit` those of them that
    are no records of all columns, `worst_percent` the largest share in one file; `max_percent` is
    the gate proposed.
    """

    dataset: str
    dialect: Csv
    sample: SampleFacts
    columns: tuple[DraftColumn, ...]
    notes: tuple[str, ...] = ()
    quarantined: int = 0
    unsplit: int = 0
    worst_percent: float = 0.0
    max_percent: int = 5

    @property
    def is_personal(self) -> bool:
        """Whether a column was taken for personal."""
        return any(column.personal for column in self.columns)


def make_draft(
    dataset: str,
    dialect: Csv,
    sample: SampleFacts,
    columns: Sequence[tuple[ColumnFacts, Choice, Extent | None]],
    *,
    notes: tuple[str, ...] = (),
) -> Draft:
    """Return a draft for columns with the types chosen for them and their extents."""
    meanings = {
        facts.name: meaning
        for facts, choice, _ in columns
        if choice.type.logical == "string" and (meaning := meaning_of(facts))
    }
    personal, hints = find_personal(dataset, [facts for facts, _, _ in columns], meanings)
    key, key_notes = choose_key(dataset, [(f, c.type) for f, c, _ in columns], personal)
    subject = subject_of(personal)
    made = []
    for facts, choice, extent in columns:
        name = facts.name
        column = _column(facts, choice, extent, meanings.get(name), personal.get(name))
        also = tuple(note for note in (hints.get(name), key_notes.get(name)) if note)
        notes_here = column.notes + also
        made.append(replace(column, key=name == key, subject=name == subject, notes=notes_here))
    return Draft(dataset, dialect, sample, tuple(made), notes)


def _column(
    facts: ColumnFacts,
    choice: Choice,
    extent: Extent | None,
    meaning: Meaning | None,
    personal: Personal | None,
) -> DraftColumn:
    notes = (*choice.notes, *_near_forms(facts, meaning))
    column = DraftColumn(
        facts,
        choice.type,
        required=not facts.nulls and facts.records >= ENOUGH_RECORDS,
        personal=personal,
        notes=notes,
    )
    if choice.type.logical != "string":
        found = bounds(facts, choice.type, extent)
        return replace(column, options=_of_a_person(choice.type, found) if personal else found)
    if meaning is not None and meaning.options:
        return replace(column, options=meaning.options)
    if personal is not None:
        return column
    enum = enum_of(facts)
    if enum is not None:
        rare = rare_values(facts)
        return replace(column, enum=enum, notes=(*notes, rare) if rare else notes)
    pattern = code_pattern(facts)
    return replace(column, options={"pattern": pattern}) if pattern else column


def _of_a_person(kind: ColumnType, found: dict[str, str]) -> dict[str, str]:
    """A bound of a personal column says nothing of its values: only that dates are not absurd."""
    moment = found and kind.logical in ("date", "timestamp")
    return {"minimum": first_moment(kind, _OLDEST)} if moment else {}


def _near_forms(facts: ColumnFacts, meaning: Meaning | None) -> tuple[str, ...]:
    """Say so when nearly all values have a form, but too few for a rule."""
    if meaning is not None:
        return ()
    return tuple(
        f"{percent(facts.forms[form], facts.values)} of the values are {words}: too few for a rule"
        for form, words in _FORM_WORDS.items()
        if _NEARLY <= facts.looks_like(form) < 1 - TOLERANCE
    )
