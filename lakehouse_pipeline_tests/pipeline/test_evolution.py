"""Tables under a new version of the contract, as `compare` says they follow.

Read with DuckDB over the data files, and with deltalake over the table: both must find the same.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import pytest
from deltalake import DeltaTable

from lakehouse_pipeline.contracts.compare import compare
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import SchemaChangeError
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.lake import open_lake
from lakehouse_pipeline.pipeline.widening import widen
from lakehouse_pipeline_tests.contracts.contract_text import contract_of
from lakehouse_pipeline_tests.pipelines import drop, records, take

TYPED = (Layer.VALIDATED, Layer.ANONYMIZED, Layer.PUBLISHED)
REJUDGED = (Layer.QUARANTINED, Layer.VALIDATED, Layer.ANONYMIZED, Layer.PUBLISHED)
ID = "      - {name: id, logicalType: integer, physicalType: INTEGER}\n"
AMOUNT = '      - {name: amount, logicalType: number, physicalType: "DECIMAL(10,2)"}\n'
NAME = "      - {name: name, logicalType: string}\n"
MAIL = """\
      - name: name
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: TECHNIQUE}}]
"""
CONTRACT = contract_of(ID + AMOUNT + NAME)
WIDER = contract_of(
    (ID + AMOUNT + NAME).replace("INTEGER", "BIGINT").replace("DECIMAL(10,2)", "DECIMAL(12,4)")
)
HEADER = "id,amount,name\n"
BIG = 3_000_000_000


def filled(home: Path, contract: Contract = CONTRACT) -> list[str]:
    """Put two batches through all layers; return their ids."""
    one = drop(home, contract, "one.csv", HEADER + "1,1.50,Ann\n-2,,Bob\nx,1,Eve\n")
    two = drop(home, contract, "two.csv", HEADER + "2147483647,99999999.99,\n")
    take(home, contract, [one, two])
    return [one, two]


def grown(home: Path, contract: Contract, text: str) -> str:
    """Put one more batch through all layers; return its id."""
    batch = drop(home, contract, "new.csv", text)
    take(home, contract, [batch])
    return batch


def table(home: Path, layer: Layer, version: int | None = None) -> DeltaTable:
    found = Tables(home / "lake").open(CONTRACT.dataset, layer, version)
    assert found is not None
    return found


def columns(home: Path, layer: Layer = Layer.PUBLISHED) -> list[str]:
    return [column.name for column in table(home, layer).schema().fields]


def by_delta(home: Path, layer: Layer, version: int | None = None) -> list[dict[str, Any]]:
    """Return every record as deltalake reads it, by batch and number."""
    rows = deltalake.QueryBuilder().register("t", table(home, layer, version))
    found = rows.execute("SELECT * FROM t ORDER BY _batch_id, _record").read_all()
    names = found.schema.names
    return [dict(zip(names, row, strict=True)) for row in zip(*_lists(found), strict=True)]


def _lists(found: Any) -> Sequence[list[Any]]:  # noqa: ANN401 - an Arrow table without types
    import pyarrow as pa  # noqa: PLC0415 - only here

    return [column.to_pylist() for column in pa.table(found).columns]


def types(home: Path, layer: Layer) -> set[tuple[str, ...]]:
    """Return the types of id and amount in each data file of the layer."""
    found = set()
    for file in Tables(home / "lake").files(CONTRACT.dataset, layer):
        relation = duckdb.connect().sql(f"SELECT id, amount FROM read_parquet('{file}')")
        found.add(tuple(map(str, relation.types)))
    return found


def effects(old: Contract, new: Contract) -> set[str]:
    return {change.effect for change in compare(old, new)}


def version_of(home: Path, layer: Layer) -> int:
    return table(home, layer).version()


def test_wider_columns_keep_every_value_and_both_engines_read_them(tmp_path: Path) -> None:
    filled(tmp_path)
    before = {layer: records(tmp_path, CONTRACT, layer) for layer in TYPED}
    batch = grown(tmp_path, WIDER, HEADER + f"{BIG},0.1234,Zoe\n")
    for layer in TYPED:
        after = records(tmp_path, WIDER, layer)
        assert [row for row in after if row["_batch_id"] != batch] == before[layer]
        assert by_delta(tmp_path, layer) == after
        assert types(tmp_path, layer) == {("BIGINT", "DECIMAL(12,4)")}
    (row,) = [row for row in after if row["_batch_id"] == batch]
    assert (row["id"], row["amount"]) == (BIG, Decimal("0.1234"))
    assert effects(CONTRACT, WIDER) == {"evolves"}


def test_the_version_before_a_widening_stays_readable(tmp_path: Path) -> None:
    filled(tmp_path)
    before = records(tmp_path, CONTRACT, Layer.PUBLISHED)
    old = version_of(tmp_path, Layer.PUBLISHED)
    grown(tmp_path, WIDER, HEADER + "5,5,e\n")
    assert by_delta(tmp_path, Layer.PUBLISHED, old) == before
    kinds = {str(column.type) for column in table(tmp_path, Layer.PUBLISHED, old).schema().fields}
    assert 'PrimitiveType("decimal(10,2)")' in kinds


def test_each_table_is_widened_in_one_commit_and_is_whole_after_every_commit(
    tmp_path: Path,
) -> None:
    batches = filled(tmp_path)
    before = {layer: records(tmp_path, CONTRACT, layer) for layer in TYPED}
    versions = {layer: version_of(tmp_path, layer) for layer in TYPED}
    new = grown(tmp_path, WIDER, HEADER + "5,5,e\n")
    for layer in TYPED:
        assert version_of(tmp_path, layer) == versions[layer] + 2
        for step in (0, 1, 2):
            rows = by_delta(tmp_path, layer, versions[layer] + step)
            assert [row for row in rows if row["_batch_id"] in batches] == before[layer]
            assert len(rows) - len(before[layer]) == (step == 2)
    assert {row["_batch_id"] for row in rows} == {*batches, new}


def test_a_run_that_ended_between_two_widenings_is_finished_by_the_next(tmp_path: Path) -> None:
    filled(tmp_path)
    before = {layer: records(tmp_path, CONTRACT, layer) for layer in TYPED}
    wider = {"id": "BIGINT", "amount": "DECIMAL(12,4)"}
    with open_lake(tmp_path) as lake, lake.tables.lock(CONTRACT.dataset):
        widen(lake, CONTRACT.dataset, Layer.VALIDATED, wider)
    assert {layer: by_delta(tmp_path, layer) for layer in TYPED} == before
    assert [types(tmp_path, layer) == {("BIGINT", "DECIMAL(12,4)")} for layer in TYPED] == [
        True,
        False,
        False,
    ]
    grown(tmp_path, WIDER, HEADER + f"{BIG},5,e\n")
    assert all(types(tmp_path, layer) == {("BIGINT", "DECIMAL(12,4)")} for layer in TYPED)


def test_a_layer_asked_for_alone_widens_the_layers_it_is_made_from(tmp_path: Path) -> None:
    batches = filled(tmp_path)
    take(tmp_path, WIDER, batches[:1], [Layer.PUBLISHED])
    for layer in TYPED:
        assert types(tmp_path, layer) == {("BIGINT", "DECIMAL(12,4)")}
    assert len(records(tmp_path, WIDER, Layer.PUBLISHED)) == 3


def test_what_is_wide_already_is_not_written_again(tmp_path: Path) -> None:
    filled(tmp_path)
    grown(tmp_path, WIDER, HEADER + "5,5,e\n")
    version = version_of(tmp_path, Layer.PUBLISHED)
    batch = drop(tmp_path, WIDER, "newer.csv", HEADER + "6,6,f\n")
    take(tmp_path, WIDER, [batch])
    assert version_of(tmp_path, Layer.PUBLISHED) == version + 1


@pytest.mark.parametrize(
    ("wide", "narrow", "column"),
    [("BIGINT", "INTEGER", "id"), ("DECIMAL(12,4)", "DECIMAL(12,2)", "amount")],
)
def test_a_narrower_type_is_refused_and_nothing_is_written(
    tmp_path: Path, wide: str, narrow: str, column: str
) -> None:
    text = (ID + AMOUNT + NAME).replace("INTEGER", "BIGINT").replace("(10,2)", "(12,4)")
    old, new = contract_of(text), contract_of(text.replace(wide, narrow))
    filled(tmp_path, old)
    versions = {layer: version_of(tmp_path, layer) for layer in TYPED}
    message = f"column '{column}' is stored as {wide}, the contract now says {narrow}"
    with pytest.raises(SchemaChangeError, match=f"{re.escape(message)}.*lakehouse replay orders"):
        grown(tmp_path, new, HEADER + "5,5,e\n")
    assert {layer: version_of(tmp_path, layer) for layer in TYPED} == versions
    assert "replay" in effects(old, new)


def test_one_wider_and_one_other_type_ask_for_every_batch_and_widen_nothing(
    tmp_path: Path,
) -> None:
    batches = filled(tmp_path)
    other = contract_of(
        (ID + NAME).replace("INTEGER", "BIGINT") + "      - {name: amount, logicalType: string}\n"
    )
    with pytest.raises(SchemaChangeError, match="column 'amount' is stored as DECIMAL"):
        take(tmp_path, other, batches[:1])
    assert types(tmp_path, Layer.PUBLISHED) == {("INTEGER", "DECIMAL(10,2)")}
    old = version_of(tmp_path, Layer.PUBLISHED)
    take(tmp_path, other, batches, REJUDGED)
    assert types(tmp_path, Layer.PUBLISHED) == {("BIGINT", "VARCHAR")}
    assert version_of(tmp_path, Layer.PUBLISHED) == old + 1


def test_an_added_column_is_null_in_older_batches_until_they_are_replayed(tmp_path: Path) -> None:
    batches = filled(tmp_path)
    new = contract_of(ID + AMOUNT + NAME + "      - {name: city, logicalType: string}\n")
    grown(tmp_path, new, "id,amount,name,city\n5,5,e,Ulm\n")
    rows = records(tmp_path, new, Layer.PUBLISHED)
    assert [row["city"] for row in rows] == ["Ulm", None, None, None]
    assert by_delta(tmp_path, Layer.PUBLISHED) == [
        {name: row[name] for name in columns(tmp_path)} for row in rows
    ]
    assert columns(tmp_path) == ["id", "amount", "name", "city", "_record", "_batch_id"]
    assert effects(CONTRACT, new) == {"evolves"}
    take(tmp_path, new, batches, REJUDGED)
    assert len(records(tmp_path, new, Layer.PUBLISHED)) == 4


def test_a_removed_column_stays_with_older_batches_until_they_are_replayed(
    tmp_path: Path,
) -> None:
    batches = filled(tmp_path)
    new = contract_of(ID + AMOUNT)
    grown(tmp_path, new, "id,amount\n5,5\n")
    for layer in TYPED:
        assert columns(tmp_path, layer) == ["id", "amount", "_record", "_batch_id", "name"]
        assert [row["name"] for row in by_delta(tmp_path, layer)] == [None, "Ann", "Bob", None]
    assert effects(CONTRACT, new) == {"replay"}
    for batch in batches:
        take(tmp_path, new, [batch], REJUDGED)
    for layer in TYPED:
        assert columns(tmp_path, layer) == ["id", "amount", "_record", "_batch_id"]
        assert "name" not in records(tmp_path, new, layer)[0]


def test_a_column_that_is_dropped_now_stays_with_older_batches_until_they_are_replayed(
    tmp_path: Path,
) -> None:
    batches = filled(tmp_path)
    new = contract_of(ID + AMOUNT + MAIL.replace("TECHNIQUE", "drop"))
    grown(tmp_path, new, HEADER + "5,5,e\n")
    assert [row["name"] for row in by_delta(tmp_path, Layer.PUBLISHED)][1:] == ["Ann", "Bob", None]
    assert effects(CONTRACT, new) == {"replay", "none"}
    take(tmp_path, new, batches, REJUDGED)
    assert "name" not in columns(tmp_path)
    assert "name" in columns(tmp_path, Layer.VALIDATED)


def test_a_technique_that_changes_leaves_older_values_until_they_are_replayed(
    tmp_path: Path,
) -> None:
    batches = filled(tmp_path)
    new = contract_of(ID + AMOUNT + MAIL.replace("TECHNIQUE", "mask"))
    grown(tmp_path, new, HEADER + "5,5,Zoe\n")
    names = [row["name"] for row in by_delta(tmp_path, Layer.PUBLISHED)]
    assert names == ["***", "Ann", "Bob", None]
    assert effects(CONTRACT, new) == {"replay", "none"}
    take(tmp_path, new, batches, REJUDGED)
    assert [r["name"] for r in by_delta(tmp_path, Layer.PUBLISHED)] == ["***", "***", "***", None]


def test_a_column_that_was_dropped_is_null_in_older_batches(tmp_path: Path) -> None:
    old = contract_of(ID + AMOUNT + MAIL.replace("TECHNIQUE", "drop"))
    new = contract_of(ID + AMOUNT + MAIL.replace("TECHNIQUE", "mask"))
    filled(tmp_path, old)
    grown(tmp_path, new, HEADER + "5,5,Zoe\n")
    names = [row["name"] for row in by_delta(tmp_path, Layer.PUBLISHED)]
    assert names == ["***", None, None, None]
    assert effects(old, new) == {"evolves"}


def test_a_number_that_is_masked_now_asks_for_every_batch(tmp_path: Path) -> None:
    batches = filled(tmp_path)
    new = contract_of(
        MAIL.replace("- name: name", "- name: id")
        .replace("logicalType: string", "logicalType: integer\n        physicalType: INTEGER")
        .replace("TECHNIQUE", "mask")
        + AMOUNT
        + NAME
    )
    with pytest.raises(SchemaChangeError, match=r"column 'id' is stored as INTEGER.*VARCHAR"):
        grown(tmp_path, new, HEADER + "5,5,Zoe\n")
    assert "replay" in effects(CONTRACT, new)
    take(tmp_path, new, batches, REJUDGED)
    assert [row["id"] for row in by_delta(tmp_path, Layer.PUBLISHED)] == ["*", "**", "*" * 10]


def test_a_tighter_rule_leaves_older_batches_as_judged_until_they_are_replayed(
    tmp_path: Path,
) -> None:
    batches = filled(tmp_path)
    new = contract_of(
        ID.replace("INTEGER", "INTEGER, logicalTypeOptions: {minimum: 0}") + AMOUNT + NAME
    )
    grown(tmp_path, new, HEADER + "5,5,e\n")
    assert [row["id"] for row in by_delta(tmp_path, Layer.PUBLISHED)] == [5, 1, -2, 2147483647]
    assert effects(CONTRACT, new) == {"replay"}
    take(tmp_path, new, batches, REJUDGED)
    assert [row["id"] for row in by_delta(tmp_path, Layer.PUBLISHED)] == [5, 1, 2147483647]


def test_another_order_is_the_tables_with_the_next_batch(tmp_path: Path) -> None:
    filled(tmp_path)
    before = by_delta(tmp_path, Layer.PUBLISHED)
    new = contract_of(NAME + ID + AMOUNT)
    grown(tmp_path, new, HEADER + "5,5,e\n")
    assert columns(tmp_path) == ["name", "id", "amount", "_record", "_batch_id"]
    assert by_delta(tmp_path, Layer.PUBLISHED)[1:] == before
    assert effects(CONTRACT, new) == {"evolves"}


def test_what_published_no_longer_takes_is_not_copied_back_from_anonymized(
    tmp_path: Path,
) -> None:
    """Where published is a copy of anonymized it takes the copied files' columns, no older ones."""
    top = "customProperties: [{property: publish, value: {mode: append, columns: [id, amount]}}]\n"
    filled(tmp_path, contract_of(ID + AMOUNT + NAME, top=top))
    grown(tmp_path, contract_of(ID + AMOUNT), "id,amount\n5,5\n")
    assert "name" in columns(tmp_path, Layer.ANONYMIZED)
    assert columns(tmp_path) == ["id", "amount", "_record", "_batch_id"]
