"""From an uploaded object to the published table, and back again, with everything in a bucket."""

import time
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from deltalake import DeltaTable

from lakehouse_pipeline import read
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.landing import Landing, batch_id
from lakehouse_pipeline.lake.objects import Objects
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import LANDING, Layer
from lakehouse_pipeline.orchestration.quarantine import Desk
from lakehouse_pipeline.orchestration.retention import apply_retention
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline.pipeline.retention import Removal
from lakehouse_pipeline_tests.cli.commands import in_process
from lakehouse_pipeline_tests.homes import DATASET, HEADER, Home, rows
from lakehouse_pipeline_tests.storage.emulators import request

pytestmark = [pytest.mark.storage, pytest.mark.slow]


def drop(objects: Objects, name: str, text: str) -> str:
    """Upload a file as a producer does: by a signed URL and plain HTTP; return its batch."""
    url = objects.sign("PUT", f"landing/{DATASET}/{name}", timedelta(minutes=1))
    status, said = request(url, "PUT", text, {"x-ms-blob-type": "BlockBlob"})
    assert status in (200, 201), said
    return batch_id(name, sha256(text.encode()).hexdigest())


def contract(home: Home) -> Contract:
    return ContractStore(home.settings.contracts).active(DATASET)


def counts(home: Home) -> dict[Layer, int]:
    found = {layer: home.query(layer, "SELECT count(*) FROM t") for layer in Layer}
    return {layer: n for layer, rows in found.items() for (n,) in rows}


def test_an_uploaded_object_becomes_a_published_table(home: Home, objects: Objects) -> None:
    batch = drop(objects, "may.csv", rows(10, broken=2))
    home.settle()
    assert home.states()[batch].state == "published"
    expected = {Layer.RAW: 10, Layer.QUARANTINED: 2, Layer.VALIDATED: 8}
    assert counts(home) == expected | {Layer.ANONYMIZED: 8, Layer.PUBLISHED: 8}
    assert home.violations() == []
    table = DeltaTable(f"{objects.url}/lake/{DATASET}/published")
    assert table.to_pyarrow_dataset().count_rows() == 8
    frame = read(DATASET, home=home.settings.home)
    assert list(frame["order_id"]) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert list((home.settings.home / "lake").glob("*")) == []
    assert not objects.under(f"lake/{DATASET}/_uploads")


def test_a_replay_gives_the_same_layers_and_doubles_nothing(home: Home, objects: Objects) -> None:
    batches = [drop(objects, f"{n}.csv", rows(5, 1, first=n * 10)) for n in range(3)]
    home.settle()
    before = home.content()
    for layer in (None, Layer.RAW):
        assert (
            Runs(home.instance, home.settings, "ada").replay(contract(home), [], layer) == batches
        )
        assert home.content() == before
    assert home.violations() == []


def test_the_sensor_takes_each_content_once_and_new_content_again(
    home: Home, objects: Objects
) -> None:
    first = drop(objects, "may.csv", rows(3))
    home.settle()
    assert home.settle() == []
    assert drop(objects, "may.csv", rows(4)) != first
    copy = drop(objects, "copy.csv", rows(3))
    (run,) = home.settle()
    assert run.success
    states = home.states()
    assert len(states) == 2
    assert copy not in states
    assert [event["batch"] for event in home.events() if "file" in event] == [first]
    assert home.violations() == []


def test_corrected_records_leave_quarantine(home: Home, objects: Objects, tmp_path: Path) -> None:
    batch = drop(objects, "may.csv", rows(10, broken=2))
    home.settle()
    back = tmp_path / "back.csv"
    back.write_text(f"record,{HEADER}9,9,p9@example.org,+49 1,12.50,DE\n", "utf-8")
    desk = Desk(home.instance, home.settings, contract(home), batch, "sam", "asked the shop")
    given = desk.correct(back)
    assert (given.records.num_rows, given.unchanged, given.elsewhere) == (1, 0, 0)
    assert counts(home)[Layer.PUBLISHED] == 9
    assert home.violations() == []


def test_a_file_that_is_gone_from_the_bucket_keeps_its_layers(home: Home, objects: Objects) -> None:
    batch = drop(objects, "may.csv", rows(5))
    home.settle()
    before = home.content()
    objects.delete([f"landing/{DATASET}/may.csv"])
    replayed = Runs(home.instance, home.settings, "ada").replay(contract(home), [], Layer.RAW)
    assert replayed == [batch]
    assert home.content() == before


def test_retention_leaves_no_object_and_no_copy_of_a_batch(home: Home, objects: Objects) -> None:
    old = drop(objects, "old.csv", rows(3))
    home.settle()
    kept = dict.fromkeys((*Layer, LANDING), 1.0)
    expiring = replace(contract(home), retention=kept)
    later = time.time() + 2 * 24 * 3600
    removed = list(apply_retention(home.instance, home.settings, expiring, later, "ada"))
    assert {one.layer for one in removed} >= {LANDING, Layer.RAW, Layer.PUBLISHED}
    assert all(isinstance(one, Removal) and one.files and one.bytes for one in removed)
    assert [one.key for one in objects.under() if old in one.key or "old.csv" in one.key] == []
    local = home.settings.home / "remote"
    assert [path for path in local.rglob("*") if old in str(path) or path.name == "old.csv"] == []


def test_the_commands_work_on_a_bucket(
    home: Home,
    objects: Objects,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lakehouse = in_process(home.settings.home, monkeypatch, capsys)
    file = tmp_path / "june.csv"
    file.write_text(rows(6, broken=1), "utf-8")
    answer = lakehouse("ingest", file, "-d", DATASET)
    assert answer.code == 0, answer.err
    assert [one.key for one in objects.under("landing")] == [f"landing/{DATASET}/june.csv"]
    found = lakehouse("query", f"SELECT count(*) AS n FROM {DATASET}.published", "--json")
    assert found.json == [{"n": 5}]
    drop(objects, "notes.xlsx", "x")
    objects.put_new("landing/lost.csv", b"x")
    objects.put_new("landing/order/a.csv", b"x")
    ignored = lakehouse("status", "--json").json["ignored"]
    names = [path.rpartition("/")[2].partition(":")[0] for path in ignored]
    assert names == ["notes.xlsx", "lost.csv", "order"]
    assert lakehouse("verify").code == 0


def test_a_file_whose_name_is_taken_is_placed_beside_it(
    home: Home, objects: Objects, tmp_path: Path
) -> None:
    landing = Landing(home.settings.landing)
    file = tmp_path / "may.csv"
    names = []
    for text in ("first\n", "second\n", "first\n", "second\n"):
        file.write_text(text)
        names.append(landing.place(DATASET, file).name)
    assert names[0] == names[2] == "may.csv"
    assert names[1] == names[3] != "may.csv"
    assert len(objects.under("landing")) == 2


def test_reading_again_needs_no_bucket_and_another_machine_reads_the_same(
    home: Home, objects: Objects, tmp_path: Path
) -> None:
    drop(objects, "may.csv", rows(10, broken=2))
    home.settle()
    elsewhere = home.settings.model_copy(update={"home": tmp_path / "elsewhere"})
    for layer in Layer:
        here = Tables(home.settings.lake).files(DATASET, layer)
        there = Tables(elsewhere.lake).files(DATASET, layer)
        assert [Path(f).read_bytes() for f in here] == [Path(f).read_bytes() for f in there]
        assert set(here).isdisjoint(there)
