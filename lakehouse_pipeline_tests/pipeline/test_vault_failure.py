"""A vault that cannot be read is no fault of the data: the batch is not refused for it."""

import sqlite3
from pathlib import Path

import pytest

from lakehouse_pipeline.names import Layer
from lakehouse_pipeline_tests.contracts.contract_text import contract_of
from lakehouse_pipeline_tests.pipelines import drop, records, take

CONTRACT = contract_of(
    "      - {name: id, logicalType: integer}\n"
    "      - {name: who, logicalType: string, classification: personal, customProperties: "
    "[{property: anonymize, value: {technique: tokenize}}]}\n"
)


def test_a_vault_that_is_damaged_stops_the_run_and_refuses_no_batch(tmp_path: Path) -> None:
    batch = drop(tmp_path, CONTRACT, "a.csv", "id,who\n1,ann\n")
    vault = tmp_path / "vault" / "tokens.sqlite"
    vault.parent.mkdir()
    vault.write_bytes(b"no database at all, and longer than the head of one would be. " * 9)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        take(tmp_path, CONTRACT, [batch])
    vault.unlink()
    take(tmp_path, CONTRACT, [batch])
    assert [r["id"] for r in records(tmp_path, CONTRACT, Layer.PUBLISHED)] == [1]
