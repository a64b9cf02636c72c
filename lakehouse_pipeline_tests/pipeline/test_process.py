"""Batches through the layers: each stands for itself, a refused one stops only itself."""

import hmac
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from lakehouse_pipeline.errors import SchemaChangeError
from lakehouse_pipeline.lake.keys import hash_key
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.outcomes import BatchRefused, LayerKept, LayerWritten
from lakehouse_pipeline_tests.contracts.contract_text import contract_of
from lakehouse_pipeline_tests.pipelines import drop, judged, records, take

COLUMNS = """\
      - {name: id, logicalType: integer, required: true, unique: true}
      - name: email
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: hash}}]
      - name: phone
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: mask, keepFirst: 3}}]
      - name: name
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: drop}}]
"""
GATE = """\
customProperties:
  - {property: compliance, value: gdpr}
  - {property: publish, value: {mode: append, maxQuarantinedPercent: 50}}
"""
CONTRACT = contract_of(COLUMNS, top=GATE)
HEADER = "id,email,phone,name\n"
GOOD = HEADER + "1,a@b.de,+49 30 1234,Ann\n2,,12,Bob\n3,ü@b.de,,Cem\n"


def test_a_file_passes_all_five_layers(tmp_path: Path) -> None:
    batch = drop(tmp_path, CONTRACT, "may.csv", GOOD)
    outcomes = take(tmp_path, CONTRACT, [batch])
    layers = [o.layer for o in outcomes if isinstance(o, LayerWritten)]
    assert sorted(layers) == sorted(Layer)
    assert [row["_record"] for row in records(tmp_path, CONTRACT, Layer.PUBLISHED)] == [1, 2, 3]
    assert {row["_batch_id"] for row in records(tmp_path, CONTRACT, Layer.RAW)} == {batch}


def test_personal_columns_are_hashed_masked_and_dropped(tmp_path: Path) -> None:
    take(tmp_path, CONTRACT, [drop(tmp_path, CONTRACT, "may.csv", GOOD)])
    published = records(tmp_path, CONTRACT, Layer.PUBLISHED)
    key = hash_key(tmp_path / "keys")
    assert [row["email"] for row in published] == [
        hmac.new(key, b"a@b.de", sha256).hexdigest(),
        None,
        hmac.new(key, "ü@b.de".encode(), sha256).hexdigest(),
    ]
    assert [row["phone"] for row in published] == ["+49********", "**", None]
    assert all("name" not in row for row in published)


def test_quarantined_keeps_the_original_text_of_every_column(tmp_path: Path) -> None:
    text = HEADER + '1,a@b.de,1,Ann\n x7 ,"q""uote, ""and"" comma",  2 ,\n'
    take(tmp_path, CONTRACT, [drop(tmp_path, CONTRACT, "may.csv", text)])
    (row,) = records(tmp_path, CONTRACT, Layer.QUARANTINED)
    assert (row["id"], row["email"], row["phone"], row["name"]) == (
        " x7 ",
        'q"uote, "and" comma',
        "  2 ",
        "",
    )
    assert row["_record"] == 2


def test_a_record_that_cannot_be_split_keeps_its_physical_text(tmp_path: Path) -> None:
    text = (HEADER + "1,a@b.de,1,Ann\n2,b@b.de,2\n").encode() + b"3,\xff@b.de,3,Cem\n"
    take(tmp_path, CONTRACT, [drop(tmp_path, CONTRACT, "may.csv", text + b"4,,,\n5,,,\n")])
    short, bad = records(tmp_path, CONTRACT, Layer.QUARANTINED)
    assert (short["_text"], [r["rule"] for r in short["_reasons"]]) == (
        "2,b@b.de,2",
        ["record.fields"],
    )
    assert (bad["_text"], [r["rule"] for r in bad["_reasons"]]) == (
        "3,\\xFF@b.de,3,Cem",
        ["record.encoding"],
    )


def test_over_the_gate_nothing_of_the_batch_is_published_and_it_says_why(tmp_path: Path) -> None:
    bad = drop(tmp_path, CONTRACT, "bad.csv", HEADER + "1,,,\nx,,,\ny,,,\n")
    good = drop(tmp_path, CONTRACT, "good.csv", GOOD)
    outcomes = take(tmp_path, CONTRACT, [bad, good])
    (refused,) = [o for o in outcomes if isinstance(o, BatchRefused)]
    assert refused.batch == bad
    assert refused.reasons == (
        "maxQuarantinedPercent: 2 of 3 records (66.67 %) are quarantined, the contract allows 50 %",
    )
    assert {row["_batch_id"] for row in records(tmp_path, CONTRACT, Layer.PUBLISHED)} == {good}
    assert {row["_batch_id"] for row in records(tmp_path, CONTRACT, Layer.VALIDATED)} == {bad, good}


def test_exactly_at_the_gate_a_batch_is_published(tmp_path: Path) -> None:
    batch = drop(tmp_path, CONTRACT, "half.csv", HEADER + "1,,,\nx,,,\n")
    take(tmp_path, CONTRACT, [batch])
    assert len(records(tmp_path, CONTRACT, Layer.PUBLISHED)) == 1


def test_a_batch_that_a_replay_refuses_is_withdrawn(tmp_path: Path) -> None:
    batch = drop(tmp_path, CONTRACT, "half.csv", HEADER + "1,,,\nx,,,\n")
    take(tmp_path, CONTRACT, [batch])
    strict = contract_of(COLUMNS, top=GATE.replace("50", "10"))
    outcomes = take(tmp_path, strict, [batch])
    (refused,) = [o for o in outcomes if isinstance(o, BatchRefused)]
    assert refused.withdrawn == (Layer.PUBLISHED, Layer.ANONYMIZED)
    assert records(tmp_path, strict, Layer.PUBLISHED) == []
    assert len(records(tmp_path, strict, Layer.RAW)) == 2


def test_an_unreadable_file_stops_only_itself(tmp_path: Path) -> None:
    good = drop(tmp_path, CONTRACT, "good.csv", GOOD)
    bad = drop(tmp_path, CONTRACT, "bad.csv", "id,mail,phone,name\n1,,,\n")
    other = drop(tmp_path, CONTRACT, "other.csv", HEADER + "7,,,\n")
    outcomes = take(tmp_path, CONTRACT, [good, bad, other])
    (refused,) = [o for o in outcomes if isinstance(o, BatchRefused)]
    assert (refused.batch, refused.layer) == (bad, Layer.RAW)
    assert "column 'email' is missing" in refused.reasons[0]
    assert {row["_batch_id"] for row in records(tmp_path, CONTRACT, Layer.PUBLISHED)} == {
        good,
        other,
    }
    assert bad not in {row["_batch_id"] for row in records(tmp_path, CONTRACT, Layer.RAW)}


def test_the_row_count_rule_refuses_an_empty_delivery(tmp_path: Path) -> None:
    quality = "      - {name: enough, type: library, metric: rowCount, mustBeGreaterThan: 0}\n"
    contract = contract_of(COLUMNS, quality, GATE)
    batch = drop(tmp_path, contract, "empty.csv", HEADER)
    outcomes = take(tmp_path, contract, [batch])
    (refused,) = [o for o in outcomes if isinstance(o, BatchRefused)]
    assert refused.reasons == ("enough: the batch has 0 records, expected more than 0",)


def test_a_header_without_records_is_a_batch_of_none(tmp_path: Path) -> None:
    batch = drop(tmp_path, CONTRACT, "empty.csv", HEADER)
    outcomes = take(tmp_path, CONTRACT, [batch])
    assert judged(outcomes)[batch].records == 0
    assert [o for o in outcomes if isinstance(o, BatchRefused)] == []
    assert records(tmp_path, CONTRACT, Layer.PUBLISHED) == []


def test_uniqueness_is_within_the_batch_and_the_first_record_stays(tmp_path: Path) -> None:
    one = drop(tmp_path, CONTRACT, "one.csv", HEADER + "1,,,\n1,,,\n2,,,\n")
    two = drop(tmp_path, CONTRACT, "two.csv", HEADER + "1,,,x\n2,,,x\n2,,,x\n")
    take(tmp_path, CONTRACT, [one, two])
    quarantined = records(tmp_path, CONTRACT, Layer.QUARANTINED)
    assert [(row["_batch_id"], row["_record"]) for row in quarantined] == [(one, 2), (two, 3)]


def test_many_batches_make_one_commit_per_layer(tmp_path: Path) -> None:
    batches = [drop(tmp_path, CONTRACT, f"f{n}.csv", HEADER + f"{n},,,\n") for n in range(40)]
    take(tmp_path, CONTRACT, batches)
    tables = Tables(tmp_path / "lake")
    for layer in Layer:
        table = tables.open(CONTRACT.dataset, layer)
        assert table is not None
        assert table.version() == 1


def test_replay_gives_the_same_content_and_time_travel_the_old(tmp_path: Path) -> None:
    batch = drop(tmp_path, CONTRACT, "may.csv", GOOD + "x,,,\n")
    take(tmp_path, CONTRACT, [batch])
    before = {layer: records(tmp_path, CONTRACT, layer) for layer in Layer}
    take(tmp_path, CONTRACT, [batch])
    assert {layer: records(tmp_path, CONTRACT, layer) for layer in Layer} == before
    tighter = contract_of(
        COLUMNS.replace("required: true", "required: true, logicalTypeOptions: {minimum: 2}"),
        top=GATE,
    )
    take(tmp_path, tighter, [batch])
    assert [row["_record"] for row in records(tmp_path, tighter, Layer.VALIDATED)] == [2, 3]
    old = Tables(tmp_path / "lake").files(CONTRACT.dataset, Layer.VALIDATED, version=1)
    assert duckdb.connect().execute("SELECT count(*) FROM read_parquet($1)", [old]).fetchone() == (
        3,
    )


def test_a_landing_file_that_is_gone_leaves_raw_as_it_was(tmp_path: Path) -> None:
    batch = drop(tmp_path, CONTRACT, "may.csv", GOOD)
    take(tmp_path, CONTRACT, [batch])
    (tmp_path / "landing" / CONTRACT.dataset / "may.csv").unlink()
    outcomes = take(tmp_path, CONTRACT, [batch])
    assert [o.layer for o in outcomes if isinstance(o, LayerKept)] == [Layer.RAW]
    assert len(records(tmp_path, CONTRACT, Layer.PUBLISHED)) == 3


def test_a_landing_file_deleted_before_it_is_read_refuses_the_batch(tmp_path: Path) -> None:
    batch = drop(tmp_path, CONTRACT, "may.csv", GOOD)
    (tmp_path / "landing" / CONTRACT.dataset / "may.csv").unlink()
    (refused,) = take(tmp_path, CONTRACT, [batch])
    assert isinstance(refused, BatchRefused)
    assert "Drop the file again" in refused.reasons[0]


def test_a_landing_file_overwritten_before_it_is_read_is_another_batch(
    tmp_path: Path,
) -> None:
    batch = drop(tmp_path, CONTRACT, "may.csv", GOOD)
    drop(tmp_path, CONTRACT, "may.csv", HEADER + "9,,,\n")
    (refused,) = take(tmp_path, CONTRACT, [batch])
    assert isinstance(refused, BatchRefused)
    assert records(tmp_path, CONTRACT, Layer.RAW) == []


def test_a_column_the_contract_gains_is_null_in_older_batches(tmp_path: Path) -> None:
    old = drop(tmp_path, CONTRACT, "old.csv", GOOD)
    take(tmp_path, CONTRACT, [old])
    grown = contract_of(COLUMNS + "      - {name: city, logicalType: string}\n", top=GATE)
    new = drop(tmp_path, grown, "new.csv", "id,email,phone,name,city\n1,,,,Ulm\n")
    take(tmp_path, grown, [new])
    published = records(tmp_path, grown, Layer.PUBLISHED)
    assert [row["city"] for row in published] == ["Ulm", None, None, None]
    take(tmp_path, grown, [old], [Layer.QUARANTINED, Layer.ANONYMIZED, Layer.PUBLISHED])
    assert len(records(tmp_path, grown, Layer.PUBLISHED)) == 4


def test_a_retyped_column_is_refused_for_one_batch_and_rebuilt_for_all(tmp_path: Path) -> None:
    one = drop(tmp_path, CONTRACT, "one.csv", HEADER + "1,,,\n")
    two = drop(tmp_path, CONTRACT, "two.csv", HEADER + "2,,,\n")
    take(tmp_path, CONTRACT, [one, two])
    retyped = contract_of(
        COLUMNS.replace("id, logicalType: integer", "id, logicalType: string"), top=GATE
    )
    with pytest.raises(SchemaChangeError, match="lakehouse replay orders"):
        take(tmp_path, retyped, [one])
    assert len(records(tmp_path, CONTRACT, Layer.VALIDATED)) == 2
    take(tmp_path, retyped, [one, two])
    assert [row["id"] for row in records(tmp_path, retyped, Layer.PUBLISHED)] == ["1", "2"]


def test_published_columns_and_their_order_are_those_of_the_contract(tmp_path: Path) -> None:
    top = GATE.replace("mode: append", "mode: append, columns: [phone, id]")
    contract = contract_of(COLUMNS, top=top)
    take(tmp_path, contract, [drop(tmp_path, contract, "may.csv", GOOD)])
    (row, *_) = records(tmp_path, contract, Layer.PUBLISHED)
    assert list(row) == ["phone", "id", "_released", "_record", "_batch_id"]


def test_a_batch_of_which_no_safe_value_can_be_made_stops_only_itself_and_quotes_nothing(
    tmp_path: Path,
) -> None:
    column = (
        '{name: a, logicalType: number, physicalType: "DECIMAL(38,0)", classification: personal, '
        "customProperties: [{property: anonymize, value: {technique: aggregate, k: 2}}]}"
    )
    contract, big = contract_of(f"      - {column}\n"), "9" * 38
    texts = {"a.csv": "a\n1\n3\n", "b.csv": f"a\n{big}\n{big}\n", "c.csv": "a\n5\n7\n"}
    first, second, third = (drop(tmp_path, contract, name, text) for name, text in texts.items())
    outcomes = take(tmp_path, contract, [first, second, third])
    (refused,) = [o for o in outcomes if isinstance(o, BatchRefused)]
    assert refused.batch == second
    assert "OutOfRangeException: its message is withheld" in refused.reasons[0]
    assert big[:9] not in repr(outcomes)
    means = [(row["_batch_id"], row["a"]) for row in records(tmp_path, contract, Layer.PUBLISHED)]
    assert means == [(first, 2)] * 2 + [(third, 6)] * 2
