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


class Input(StrEnum):
    """What people add to a batch after it arrived; tables beside the layers, kept by a replay."""

    CORRECTIONS = "corrections"
    RELEASES = "releases"


Stored = Layer | Input
"""What has a Delta table per dataset."""

LANDING = "landing"
"""Where files arrive, before anything has been read; no layer, but with a retention of its own."""

VAULT = "vault"
"""Where the plain values behind the tokens of `tokenize` are; no layer."""

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
"""Validated and later: BOOLEAN, true when a person let the record pass although it breaks rules."""

SYSTEM_COLUMNS: Mapping[str, str] = {RELEASED: "BOOLEAN", RECORD: "BIGINT", BATCH_ID: "VARCHAR"}
"""The columns that a reader of published gets behind the contract's, with their SQL types."""

RANK = "_rank"
"""While judging: BIGINT, who holds a key first; records as delivered before corrected ones."""

WAIVED = "_waived"
"""While judging: LIST of VARCHAR, the rules a person lets the record break, or null."""


def identifier(name: str) -> str:
    """Return `name` quoted as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return `text` quoted as an SQL string."""
    return "'" + text.replace("'", "''") + "'"
