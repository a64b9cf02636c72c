"""A draft after its own sample was judged by it: rules that set aside too much are taken back."""

from collections.abc import Mapping
from dataclasses import replace

from lakehouse_pipeline.contracts.counted import counted
from lakehouse_pipeline.contracts.infer.candidates import STRING
from lakehouse_pipeline.contracts.infer.draft import Draft, DraftColumn
from lakehouse_pipeline.contracts.infer.facts import percent
from lakehouse_pipeline.contracts.types import in_words

ACCEPTED = 0.99
"""The share of the sample's records that a draft must accept."""

_GATES = (5, 10, 20, 50, 100)


def judged(draft: Draft, rules: Mapping[str, int], quarantined: int, worst_percent: float) -> Draft:
    """Return the draft with the counts of a judgement: records per rule's name, and in all."""
    columns = tuple(replace(c, broken=_of_column(c.name, rules)) for c in draft.columns)
    gate = next((gate for gate in _GATES if gate >= 2 * worst_percent), _GATES[-1])
    return replace(
        draft,
        columns=columns,
        quarantined=quarantined,
        unsplit=sum(count for rule, count in rules.items() if rule in _DEFECTS),
        worst_percent=worst_percent,
        max_percent=gate,
    )


_DEFECTS = ("record.fields", "record.quote", "record.encoding", "record.nul")


def _of_column(name: str, rules: Mapping[str, int]) -> dict[str, int]:
    split = (rule.rpartition(".") for rule in rules)
    return {
        kind: rules[f"{column}.{kind}"]
        for column, _, kind in split
        if column == name and f"{column}.{kind}" not in _DEFECTS
    }


def loosened(draft: Draft) -> Draft | None:
    """Return the draft without the rules that set aside too much, None when it is good.

    Also None when only records that cannot be split are left: no rule changes that. Of the rules
    those go that alone are too much, or else the one that most records break.
    """
    records = draft.sample.records
    if draft.quarantined <= (1 - ACCEPTED) * records:
        return None
    worst = max((n for c in draft.columns for n in c.broken.values()), default=0)
    if not worst:
        return None
    limit = min(worst, max(1, int((1 - ACCEPTED) * records)))
    columns = tuple(_without(column, limit, records) for column in draft.columns)
    return replace(draft, columns=columns)


def _without(column: DraftColumn, limit: int, records: int) -> DraftColumn:
    for kind, count in column.broken.items():
        if count >= limit:
            share = percent(count, records)
            column = _without_rule(column, kind, f"{counted(count, 'record')} ({share})")
    return column


def _without_rule(column: DraftColumn, kind: str, breaking: str) -> DraftColumn:
    if kind == "type":
        notes = (
            *column.notes,
            f"text, because {breaking} cannot be read as {in_words(column.type)}",
        )
        return replace(column, type=STRING, options={}, enum=None, notes=notes)
    notes = (*column.notes, f"'{kind}' was left out: {breaking} would break it")
    if kind == "required":
        return replace(column, required=False, key=False, notes=notes)
    if kind == "unique":
        return replace(column, key=False, notes=notes)
    if kind == "enum":
        return replace(column, enum=None, notes=notes)
    options = {name: text for name, text in column.options.items() if name != kind}
    return replace(column, options=options, notes=notes)
