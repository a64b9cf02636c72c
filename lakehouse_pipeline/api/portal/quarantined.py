"""The quarantined records of a batch as a page shows them: a sentence per reason, then values."""

from dataclasses import dataclass, replace
from typing import Any

from lakehouse_pipeline.api.portal.decisions import releasable
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.engine import engine
from lakehouse_pipeline.lake.quarantine import quarantined_records
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.layers.sentences import Language, sentences
from lakehouse_pipeline.settings import Settings

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A record: its number, why it is there, and its values where they may be seen.

    `values` are texts as they stood, each with whether a rule breaks on it; `text` is the physical
    text of a record that could not be split. `releasable`: it may pass although it breaks rules.
    """

    record: int
    reasons: tuple[str, ...]
    values: tuple[tuple[str | None, bool], ...] = ()
    text: str | None = None
    releasable: bool = False


def first_rows(
    settings: Settings, contract: Contract, batch: str, language: Language, *, values: bool
) -> list[Row]:
    """Return the first records in quarantine; without `values` only their numbers and reasons."""
    with engine(settings.home / "tmp", settings.memory_limit, settings.threads) as connection:
        tables = Tables(settings.lake)
        found = quarantined_records(connection, tables, contract, [batch], SHOWN)
    said = sentences(contract, language)
    free = releasable(contract)
    return [
        replace(
            _row(record, said, values=values),
            releasable=all(reason["rule"] in free for reason in record["reasons"]),
        )
        for record in found
    ]


def _row(record: dict[str, Any], said: dict[str, str], *, values: bool) -> Row:
    reasons = tuple(
        dict.fromkeys(said.get(one["rule"], one["message"]) for one in record["reasons"])
    )
    if not values:
        return Row(record["record"], reasons)
    broken = {reason["column"] for reason in record["reasons"]}
    shown = tuple((value, name in broken) for name, value in record["values"].items())
    return Row(record["record"], reasons, shown, record["text"])
