"""The five layers, the system columns, and how names and texts are quoted in SQL.

The words that the SQL of `layers/` and the storage of `lake/` share; nothing else is here.
"""

from collections.abc import Mapping
from enum import StrEnum


class Layer(StrEnum):
    """The layers of a dataset, in the order in which a batch passes through them."""

    RAW = "raw"
    QUARANTINED = "quarantined"
    VALIDATED = "validated"
    ANONYMIZED = "anonymized"
    PUBLISHED = "published"


LANDING = "landing"
"""Where files arrive, before anything has been read; no layer, but with a retention of its own."""

RECORD = "_record"
"""System column of every layer: BIGINT, the record's number in its file, 1 after the header."""

BATCH_ID = "_batch_id"
"""System column and Delta partition of every layer: VARCHAR, the Dagster partition key."""

DEFECT = "_defect"
"""Raw only: STRUCT(rule, message, bytes) of a record that could not be split, else null."""

REASONS = "_reasons"
"""Quarantined only: LIST of STRUCT(rule, column, message), every rule the record breaks."""

TEXT = "_text"
"""Quarantined only: VARCHAR, the physical text of a record that could not be split, else null."""

RELEASED = "_released"
"""Published: BOOLEAN, true for a record that a steward let pass although it breaks a rule."""

SYSTEM_COLUMNS: Mapping[str, str] = {RECORD: "BIGINT", BATCH_ID: "VARCHAR", RELEASED: "BOOLEAN"}
"""The columns that a reader of published gets behind the contract's, with their SQL types."""


def identifier(name: str) -> str:
    """Return `name` quoted as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return `text` quoted as an SQL string."""
    return "'" + text.replace("'", "''") + "'"
