"""Retention on real tables: files are gone for good, and nothing else is touched."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import LANDING, Layer
from lakehouse_pipeline.pipeline.retention import Arrivals, Removal, overdue, retain
from lakehouse_pipeline_tests.contracts.contract_text import contract_of
from lakehouse_pipeline_tests.pipelines import drop, records, take

CONTRACT = contract_of("      - {name: id, logicalType: integer, required: true}\n")
ALL = [LANDING, *Layer]
DAY = 86_400.0
NOW = 1_000 * DAY
OLD = "id\n1\n2\nx\n"
NEW = "id\n3\ny\n"


def kept(**days: float) -> Contract:
    return replace(CONTRACT, retention=days)


def applied(
    home: Path,
    contract: Contract,
    ages: Mapping[str, float],
    copies: Mapping[str, list[str]] | None = None,
) -> list[Removal]:
    """Apply retention to batches of these ages in days; return what left."""
    arrivals = Arrivals({batch: NOW - age * DAY for batch, age in ages.items()}, copies or {})
    tables, landing = Tables(home / "lake"), Landing(home / "landing")
    expected = overdue(tables, landing, contract, arrivals, NOW)
    found = list(retain(tables, landing, contract, arrivals, NOW))
    assert found == expected, "a dry run says what is then done"
    return found


def held(home: Path, layer: Layer) -> set[str]:
    return {row["_batch_id"] for row in records(home, CONTRACT, layer)}


def on_disk(home: Path, layer: Layer) -> set[str]:
    """Return the batches with any file in a table's folder."""
    folder = Tables(home / "lake").path("orders", layer)
    return {path.parent.name.split("=")[1] for path in folder.rglob("*.parquet")}


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, str, str]:
    """Return a home with an old and a new batch, each with a quarantined record."""
    old = drop(tmp_path, CONTRACT, "old.csv", OLD)
    new = drop(tmp_path, CONTRACT, "new.csv", NEW)
    take(tmp_path, CONTRACT, [old, new])
    return tmp_path, old, new


def test_an_old_batch_leaves_every_layer_and_its_files_are_gone(two: tuple[Path, str, str]) -> None:
    home, old, new = two
    gone = applied(home, kept(**dict.fromkeys(ALL, 30)), {old: 31, new: 30})
    assert [(r.layer, r.batch, r.records) for r in gone] == [
        ("published", old, 2),
        ("anonymized", old, 2),
        ("validated", old, 2),
        ("quarantined", old, 1),
        ("raw", old, 3),
        ("landing", old, None),
    ]
    assert all(r.files == 1 and r.bytes > 0 and (r.days, r.age_days) == (30, 31) for r in gone)
    for layer in Layer:
        assert held(home, layer) == on_disk(home, layer) == {new}
    assert [p.name for p in (home / "landing" / "orders").iterdir()] == ["new.csv"]


@pytest.mark.parametrize("layer", Layer)
def test_each_layer_has_its_own_days(two: tuple[Path, str, str], layer: Layer) -> None:
    home, old, new = two
    applied(home, kept(**{**dict.fromkeys(ALL, 90), layer: 30}), {old: 31, new: 1})
    for other in Layer:
        expected = {new} if other is layer else {old, new}
        assert held(home, other) == on_disk(home, other) == expected
    assert (home / "landing" / "orders" / "old.csv").exists()


def test_a_layer_without_days_keeps_everything(two: tuple[Path, str, str]) -> None:
    home, old, new = two
    assert applied(home, CONTRACT, {old: 10_000, new: 10_000}) == []
    assert held(home, Layer.RAW) == {old, new}


def test_old_versions_of_the_batch_go_and_those_of_others_stay(
    two: tuple[Path, str, str],
) -> None:
    home, old, new = two
    take(home, CONTRACT, [old, new])
    tables = Tables(home / "lake")
    before = {f: Path(f).read_bytes() for f in tables.files("orders", Layer.RAW, [new], 1)}
    (raw,) = applied(home, kept(raw=30), {old: 31, new: 1})
    assert (raw.records, raw.files) == (3, 2)
    assert on_disk(home, Layer.RAW) == {new}
    assert {file: Path(file).read_bytes() for file in before} == before
    assert not any(Path(f).exists() for f in tables.files("orders", Layer.RAW, [old], 1))


def test_a_second_run_finds_nothing_more(two: tuple[Path, str, str]) -> None:
    home, old, new = two
    contract = kept(**dict.fromkeys(ALL, 30))
    applied(home, contract, {old: 31, new: 1})
    versions = {layer: Tables(home / "lake").open("orders", layer) for layer in Layer}
    assert applied(home, contract, {old: 32, new: 2}) == []
    for layer, table in versions.items():
        newest = Tables(home / "lake").open("orders", layer)
        assert table is not None
        assert newest is not None
        assert newest.version() == table.version()


def test_a_run_that_died_after_its_commit_is_finished_by_the_next(
    two: tuple[Path, str, str],
) -> None:
    home, old, new = two
    contract = kept(raw=30)
    arrivals = Arrivals({old: NOW - 31 * DAY, new: NOW})
    tables, landing = Tables(home / "lake"), Landing(home / "landing")
    dying = retain(tables, landing, contract, arrivals, NOW)
    assert next(dying).records == 3
    dying.close()
    assert held(home, Layer.RAW) == {new}
    assert on_disk(home, Layer.RAW) == {old, new}
    (rest,) = applied(home, contract, {old: 31, new: 1})
    assert (rest.batch, rest.records, rest.files) == (old, 0, 1)
    assert on_disk(home, Layer.RAW) == {new}


def test_what_a_refusal_withdrew_is_deleted_when_its_days_are_over(
    two: tuple[Path, str, str],
) -> None:
    home, old, new = two
    Tables(home / "lake").remove("orders", Layer.PUBLISHED, [old, new])
    applied(home, kept(published=30), {old: 31, new: 1})
    assert on_disk(home, Layer.PUBLISHED) == {new}


def test_another_file_of_the_same_name_stays(two: tuple[Path, str, str]) -> None:
    home, old, new = two
    (home / "landing" / "orders" / "old.csv").write_text("id\n77\n")
    assert applied(home, kept(landing=30), {old: 31, new: 1}) == []
    assert (home / "landing" / "orders" / "old.csv").read_text() == "id\n77\n"


def test_a_file_under_its_batch_s_name_and_every_copy_of_its_content_go(
    two: tuple[Path, str, str],
) -> None:
    home, old, new = two
    folder = home / "landing" / "orders"
    (folder / "old.csv").write_text("id\n77\n")
    (folder / f"{old}.csv").write_text(OLD)
    (folder / "again.csv").write_text(OLD)
    (folder / "copied.csv").write_text(OLD)
    (landing,) = applied(home, kept(landing=30), {old: 31, new: 1}, {old: ["again.csv", "x.csv"]})
    assert landing.files == 2
    assert sorted(p.name for p in folder.iterdir()) == ["copied.csv", "new.csv", "old.csv"]


def test_a_file_that_was_replaced_meanwhile_stays(two: tuple[Path, str, str]) -> None:
    home, old, new = two
    arrivals = Arrivals({old: NOW - 31 * DAY, new: NOW})
    tables, landing = Tables(home / "lake"), Landing(home / "landing")
    for removal in retain(tables, landing, kept(landing=30), arrivals, NOW):
        assert removal.layer == LANDING
        (home / "landing" / "orders" / "old.csv").write_text("id\n77\n")
    assert (home / "landing" / "orders" / "old.csv").read_text() == "id\n77\n"


def test_an_ingest_beside_it_waits_and_loses_nothing(two: tuple[Path, str, str]) -> None:
    home, old, new = two
    late = drop(home, CONTRACT, "late.csv", "id\n5\n")
    arrivals = Arrivals({old: NOW - 31 * DAY, new: NOW})
    tables, landing = Tables(home / "lake"), Landing(home / "landing")
    ingest = threading.Thread(target=take, args=(home, CONTRACT, [late]))
    for removal in retain(tables, landing, kept(**dict.fromkeys(ALL, 30)), arrivals, NOW):
        if removal.layer == Layer.PUBLISHED:
            ingest.start()
        assert not tables.batches("orders", Layer.RAW) & {late}
    ingest.join()
    for layer in (Layer.RAW, Layer.VALIDATED, Layer.ANONYMIZED, Layer.PUBLISHED):
        assert held(home, layer) == {new, late}
