"""A person leaves a bucket: every object, every copy on this machine, and none brings them back."""

import gzip
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from obstore.store import from_url

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.bucket_folder import objects_of
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.engine import engine, parquet_relation
from lakehouse_pipeline.lake.erasure_requests import Erasure
from lakehouse_pipeline.lake.export_objects import share
from lakehouse_pipeline.lake.landing import batch_id
from lakehouse_pipeline.lake.landing_objects import key_of_upload
from lakehouse_pipeline.lake.objects import Objects
from lakehouse_pipeline.lake.quarantine import report_columns
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import LANDING, Input, Layer, Stored
from lakehouse_pipeline.orchestration.quarantine import Desk
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline.pipeline.export import ExportRequest, export
from lakehouse_pipeline_tests.cli.commands import in_process
from lakehouse_pipeline_tests.erasures import erase, with_subject
from lakehouse_pipeline_tests.homes import DATASET, Home, contract_text, open_home
from lakehouse_pipeline_tests.storage.emulators import Emulator, request
from lakehouse_pipeline_tests.storage.every_byte import holding
from lakehouse_pipeline_tests.storage.versions import keeping_versions

pytestmark = [pytest.mark.storage, pytest.mark.slow]

OTHER = "returns"
TABLES: tuple[Stored, ...] = (*Input, *Layer)
SUBJECT, MARK, PHONE = "zoe.quagga@example.org", "zebra7731", "777000777"
HEADER = "order_id,email,phone,amount,country,note\n"
NOTE = "      - {name: note, logicalType: string}\n"


def line(number: int, amount: str = "9.50", *, subject: bool = False, more: str = "") -> str:
    who = (SUBJECT, PHONE, MARK) if subject else (f"p{number}@example.org", f"{number:07}", "plain")
    return f"{number},{who[0]},+49 {who[1]},{amount},DE,{who[2]}{more}\n"


FIRST = (
    HEADER
    + line(1)
    + line(2, subject=True)
    + line(3)
    + line(4, "-1", subject=True)
    + line(5, "-1")
    + line(6, "-1")  # is corrected to the subject
    + line(7, "-1", subject=True)  # is released
    + line(8, subject=True, more=",too,many")
    + "".join(map(line, range(9, 14)))
)
PACKED = HEADER + line(21) + line(22, subject=True) + line(23)
SIGNED = HEADER + line(31) + line(32, subject=True)
REPLACED = HEADER + line(41, subject=True) + line(42)


def governed(dataset: str) -> str:
    return with_subject(contract_text(dataset=dataset, columns=NOTE))


def put(objects: Objects, key: str, content: bytes | str) -> None:
    """Write an object as a producer does: by a signed URL and plain HTTP."""
    url = objects.sign("PUT", key, timedelta(minutes=1))
    status, said = request(url, "PUT", content, {"x-ms-blob-type": "BlockBlob"})
    assert status in (200, 201), said


def contract(home: Home, dataset: str = DATASET) -> Contract:
    return ContractStore(home.settings.contracts).active(dataset)


def correct(home: Home, folder: Path, batch: str, text: str) -> None:
    number = report_columns(contract(home))[1]
    file = folder / "back.csv"
    file.write_text(f"{number},{HEADER}{text.partition(',')[0]},{text}")
    Desk(home.instance, home.settings, contract(home), batch, "sam", "a test").correct(file)


def records(home: Home, dataset: str, table: Stored) -> dict[tuple[str, int], str]:
    """Return what a table holds, by batch and number."""
    files = Tables(home.settings.lake).files(dataset, table)
    if not files:
        return {}
    with engine(home.settings.home / "tmp") as connection:
        sql = f"SELECT _batch_id, _record, t::VARCHAR FROM {parquet_relation(files)} AS t"
        found = connection.execute(sql).fetchall()
    kept = {(batch, number): text for batch, number, text in found}
    assert len(kept) == len(found)
    return kept


def everything(home: Home) -> dict[tuple[str, str], dict[tuple[str, int], str]]:
    return {(d, t): records(home, d, t) for d in (DATASET, OTHER) for t in TABLES}


def without(
    kept: Mapping[tuple[str, str], Mapping[tuple[str, int], str]], done: Erasure
) -> dict[tuple[str, str], dict[tuple[str, int], str]]:
    """Return what tables held, without the records that an erasure took."""
    return {
        (dataset, table): {
            (batch, number): text
            for (batch, number), text in rows.items()
            if number not in done.records[dataset].get(batch, ())
        }
        for (dataset, table), rows in kept.items()
    }


def filled(home: Home, objects: Objects, folder: Path) -> str:
    """Bring the subject into every place of a bucket; return the first batch."""
    put(objects, f"landing/{DATASET}/may.csv", REPLACED)
    put(objects, f"landing/{DATASET}/a.csv", FIRST)
    put(objects, f"landing/{DATASET}/b.csv.gz", gzip.compress(PACKED.encode()))
    zst = pa.compress(PACKED.replace("2", "5").encode(), "zstd", asbytes=True)
    put(objects, f"landing/{DATASET}/c.csv.zst", zst)
    put(objects, f"landing/{key_of_upload(DATASET, 'd.csv')}", SIGNED)
    put(objects, f"landing/{OTHER}/a.csv", FIRST)
    home.settle()
    put(objects, f"landing/{DATASET}/may.csv", HEADER + line(43))
    home.settle()
    batch = batch_id("a.csv", sha256(FIRST.encode()).hexdigest())
    correct(home, folder, batch, line(6, subject=True))
    Desk(home.instance, home.settings, contract(home), batch, "sam", "ok").release_records([7])
    exports = objects_of(home.settings.exports)
    assert exports is not None
    for dataset in (DATASET, OTHER):
        made = export(home.settings.home, ExportRequest(dataset), lake=home.settings.lake).path
        assert share(exports, made, f"{dataset}.csv")
    return batch


def test_an_erased_subject_is_in_no_object_and_in_no_copy_and_all_others_stay(
    objects: Objects,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LAKEHOUSE_STORAGE", objects.url)
    values = (SUBJECT, MARK, PHONE)
    with open_home(tmp_path / "home", governed(DATASET), governed(OTHER)) as home:
        batch = filled(home, objects, tmp_path)
        held = holding(objects, home.settings.home, *values)
        places = {"/".join(key.split("/")[:3]) for key in held if not key.startswith("home/")}
        assert {key for key in places if key.startswith("lake/")} == {
            *(f"lake/{DATASET}/{t}" for t in TABLES if t is not Input.RELEASES),
            *(f"lake/{OTHER}/{layer}" for layer in Layer),
        }
        assert {key.split("/")[0] for key in held} == {LANDING, "lake", "exports", "home"}
        before = everything(home)
        hashes = {one.key: sha256(objects.get(one.key)).hexdigest() for one in objects.under()}

        done = erase(home, SUBJECT, None)

        assert holding(objects, home.settings.home, *values) == []
        assert done.records[DATASET][batch] == [2, 4, 6, 7, 8]
        assert {len(found) for found in done.records[DATASET].values()} == {1, 5}
        assert everything(home) == without(before, done)
        assert home.violations() == []
        gone = {file["url"].removeprefix(f"{objects.url}/"): file for file in done.files_before}
        assert {key for key in held if not key.startswith("home/")} <= gone.keys()
        assert {key: hashes[key] for key in gone if key} == {
            key: file["sha256"] for key, file in gone.items() if key
        }
        now = {file["url"].removeprefix(f"{objects.url}/"): file for file in done.files_after}
        assert {file["place"] for file in now.values()} == {LANDING, *Layer}
        assert {key: sha256(objects.get(key)).hexdigest() for key in now} == {
            key: file["sha256"] for key, file in now.items()
        }

        lakehouse = in_process(home.settings.home, monkeypatch, capsys)
        file = tmp_path / "subject.txt"
        file.write_text(SUBJECT)
        verified = lakehouse("erase", "--verify", "--subject-file", file)
        assert (verified.code, "stands in 0 files" in verified.out) == (0, True), verified.out
        assert "gave no version of its objects" in verified.out
        assert "gave no version of its objects" in done.beyond_reach

        erased = everything(home)
        Runs(home.instance, home.settings, "ada").replay(contract(home), [], Layer.RAW)
        assert everything(home) == erased
        put(objects, f"landing/{DATASET}/a.csv", FIRST)  # before any tick has seen it rewritten
        put(objects, f"landing/{DATASET}/copy.csv", FIRST)
        put(objects, f"landing/{DATASET}/july.csv", HEADER + line(61, subject=True) + line(62))
        home.settle()
        assert holding(objects, home.settings.home, *values) == []
        copy, first = (objects.get(f"landing/{DATASET}/{name}.csv") for name in ("copy", "a"))
        assert copy == first
        assert objects.get(f"landing/{DATASET}/july.csv").decode() == HEADER + line(62)
        told = [e for e in home.events() if e["lakehouse/event"] == "RecordsSuppressed"]
        assert [(e["batch"][:4], e["record_numbers"]) for e in told] == [("july", "1")]
        again = {name: _without_batch(rows, "july-") for name, rows in everything(home).items()}
        assert again == erased
        assert home.violations() == []


def _without_batch(rows: Mapping[tuple[str, int], str], other: str) -> dict[tuple[str, int], str]:
    """Return the records of every batch but one, by the beginning of its name."""
    return {key: text for key, text in rows.items() if not key[0].startswith(other)}


def planted() -> dict[str, bytes]:
    """Return objects that hold the subject, one for every place and wrapping."""
    text = FIRST.encode()
    parquet = pa.BufferOutputStream()
    pq.write_table(pa.table({"email": [SUBJECT, "a@example.org"]}), parquet, compression="zstd")
    packed = parquet.getvalue().to_pybytes()
    log = f'{{"commitInfo":{{"operationParameters":{{"predicate":"email = \'{SUBJECT}\'"}}}}}}\n'
    part = "_batch_id=a-00000000/part-0.parquet"
    return {
        f"landing/{DATASET}/a.csv": text,
        f"landing/{DATASET}/notes.xlsx": SUBJECT.encode("utf-16-le"),
        f"landing/{DATASET}/_signed/0123456789abcdef/b.csv.gz": gzip.compress(text),
        **{f"lake/{DATASET}/{table}/{part}": packed for table in TABLES},
        f"lake/{DATASET}/raw/_delta_log/{0:020}.json": log.encode(),
        f"lake/{DATASET}/raw/_delta_log/{0:020}.checkpoint.parquet": packed,
        f"exports/{DATASET}/0a1b/orders.csv.zst": pa.compress(text, "zstd", asbytes=True),
        "incoming/may.csv": text,
    }


def test_verify_finds_the_subject_in_every_place_of_a_bucket(
    home: Home,
    objects: Objects,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lakehouse = in_process(home.settings.home, monkeypatch, capsys)
    file = tmp_path / "subject.txt"
    file.write_text(SUBJECT)
    verify = ("erase", "--verify", "--subject-file", file, "--json")
    for key, content in planted().items():
        assert objects.put_new(key, content)
    assert objects.put_new("landing/broken.gz", b"\x1f\x8bnone")
    answer = lakehouse(*verify)
    assert answer.code == 1
    assert {one["path"] for one in answer.json["found"]} == set(map(objects.url_of, planted()))
    assert answer.json["unreadable"] == [objects.url_of("landing/broken.gz")]
    assert list((home.settings.home / "tmp").iterdir()) == []
    objects.delete([*planted(), "landing/broken.gz"])
    answer = lakehouse(*verify)
    assert (answer.code, answer.json["found"]) == (0, [])


def test_of_a_bucket_that_keeps_versions_the_certificate_names_what_is_still_there(
    s3: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with s3.configured():
        objects = Objects(f"{keeping_versions(s3)}/tests")
        monkeypatch.setenv("LAKEHOUSE_STORAGE", objects.url)
        with open_home(tmp_path / "home", governed(DATASET)) as home:
            put(objects, f"landing/{DATASET}/d.csv", SIGNED)
            home.settle()
            done = erase(home, SUBJECT)
            said = "keeps older versions of its objects: what was deleted or rewritten is still"
            assert holding(objects, home.settings.home, SUBJECT) == []
            assert said in done.beyond_reach
            store = from_url(objects.url)
            for gone in done.files_before:
                key = gone["url"].removeprefix(f"{objects.url}/")
                kept = obstore.get(store, key, options={"version": gone["version"]}).bytes()
                assert sha256(kept).hexdigest() == gone["sha256"]
            lakehouse = in_process(home.settings.home, monkeypatch, capsys)
            shown = lakehouse("erase", "--show", done.id).out
            assert said in shown
            assert all(gone["version"] in shown for gone in done.files_before)
            file = tmp_path / "subject.txt"
            file.write_text(SUBJECT)
            assert said in lakehouse("erase", "--verify", "--subject-file", file).out
