import gzip
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from lakehouse_pipeline.contracts.life_cycle import State
from lakehouse_pipeline.errors import NamelessStepError
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.erasure_requests import Erasures
from lakehouse_pipeline.lake.quarantine import report_columns
from lakehouse_pipeline.names import LANDING, Layer
from lakehouse_pipeline.orchestration.erasure import ErasureDesk, NoSubjectError, SubjectNamedError
from lakehouse_pipeline.orchestration.erasure_check import ERASURE_CHECK
from lakehouse_pipeline.orchestration.erasure_job import ERASURES
from lakehouse_pipeline.orchestration.keys import contract_key
from lakehouse_pipeline.orchestration.quarantine import Desk
from lakehouse_pipeline.orchestration.retention import apply_retention, arrivals
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline.pipeline.correction_file import CorrectionError
from lakehouse_pipeline_tests.anonymizations import EMAIL, contract, lines
from lakehouse_pipeline_tests.erasures import SUBJECT, erase, erasing_contract, found
from lakehouse_pipeline_tests.homes import (
    DATASET,
    HEADER,
    QUIET,
    Home,
    add_contract,
    approve_contract,
    open_home,
    rows,
)

LINE = "3,p3@example.org,+49 0000003,9.50,DE\n"


def contents(home: Home) -> dict[Layer, list[str]]:
    order = "FROM t ORDER BY _batch_id, _record"
    return {layer: [str(row) for row in home.query(layer, order)] for layer in Layer}


def test_an_erased_subject_stands_in_no_file_and_all_others_stay(tmp_path: Path) -> None:
    with open_home(tmp_path / "home", erasing_contract()) as home:
        batch = home.drop("may.csv", rows(6, broken=1))
        other = home.drop("june.csv", rows(3, first=11))
        home.settle()
        before, landing = contents(home), home.settings.landing / DATASET
        assert found(home) != []
        done = erase(home)
        assert found(home) == []
        assert done.records == {DATASET: {batch: [3]}}
        assert {file["batch"] for file in done.files_before} == {batch}
        places = ["landing", "raw", "quarantined", "validated", "anonymized", "published"]
        assert [file["place"] for file in done.files_after] == places
        assert done.files_after[0]["sha256"] == sha256_of(landing / "may.csv")
        assert other in home.states()
        for layer, after in contents(home).items():
            gone = [row for row in before[layer] if row not in after]
            assert len(gone) == (0 if layer is Layer.QUARANTINED else 1)
            assert [row for row in before[layer] if row not in gone] == after
        assert home.violations() == []
        assert (landing / "may.csv").read_text() == rows(6, broken=1).replace(LINE, "")
        assert home.settle() == []  # the rewritten file is no new batch
        erased = contents(home)
        home.drop("may.csv", rows(6, broken=1))  # as it was delivered, once more
        home.settle()
        assert contents(home) == erased
        home.drop("copy.csv", rows(6, broken=1))
        home.settle()
        assert not (landing / "copy.csv").exists()
        home.drop("july.csv", HEADER + LINE + rows(2, first=21).removeprefix(HEADER))
        home.settle()
        assert found(home) == []
        assert home.violations() == []
        assert home.query(Layer.RAW, "SELECT count(*) FROM t") == [(10,)]
        suppressed = [e for e in home.events() if e["lakehouse/event"] == "RecordsSuppressed"]
        assert [event["record_numbers"] for event in suppressed] == ["1"]


def test_copies_that_come_at_once_all_lose_the_subject(tmp_path: Path) -> None:
    with open_home(tmp_path / "home", erasing_contract()) as home:
        home.drop("may.csv", rows(6))
        home.settle()
        erase(home)
        home.drop("may.csv", rows(6))
        home.drop("copy.csv", rows(6))
        july = HEADER + LINE + rows(2, first=21).removeprefix(HEADER)
        home.drop("july.csv", july)
        home.drop("july2.csv", july)
        home.settle()
        assert found(home) == []
        landing = home.settings.landing / DATASET
        assert (landing / "july2.csv").read_text() == rows(2, first=21)
        assert home.settle() == []
        assert home.violations() == []


def test_a_copy_that_nobody_has_read_yet_loses_the_subject_too(tmp_path: Path) -> None:
    with open_home(tmp_path / "home", erasing_contract()) as home:
        batch = home.drop("may.csv", rows(4))
        home.settle()
        home.drop("june.csv", rows(4))
        done = erase(home)
        assert [file["name"] for file in done.files_before if file["place"] == "landing"] == [
            "june.csv",
            "may.csv",
        ]
        assert found(home) == []
        home.drop("july.csv", rows(4))
        erase(home)
        assert found(home) == []
        home.settle()
        assert list(home.states()) == [batch]
        assert home.violations() == []


def test_a_request_needs_a_person_a_reason_and_a_column_that_names_subjects(
    tmp_path: Path,
) -> None:
    with open_home(tmp_path / "home") as home:
        desk = ErasureDesk(home.instance, home.settings)
        with pytest.raises(NamelessStepError, match="'by' is empty"):
            desk.request(SUBJECT, DATASET, " ", "why")
        for by, why in (("ada", f"{SUBJECT.title()} wrote"), (SUBJECT, "a letter")):
            with pytest.raises(SubjectNamedError, match="has the subject's value in it") as refused:
                desk.request(SUBJECT, DATASET, by, why)
            assert SUBJECT not in str(refused.value)
        with pytest.raises(NoSubjectError, match="no version of 'orders' marks a column"):
            desk.request(SUBJECT, DATASET, "ada", "why")
        versions = ContractStore(home.settings.contracts).life_cycle(DATASET).versions
        assert [version.state for version in versions.values()] == [State.ACTIVE]
        assert Erasures(home.settings.erasures).all() == []


def correct(home: Home, folder: Path, batch: str, record: int, email: str) -> None:
    """Send a quarantined record back with another e-mail address and a sound amount."""
    contract = ContractStore(home.settings.contracts).active(DATASET)
    number = report_columns(contract)[1]
    file = folder / "corrected.csv"
    file.write_text(f"{number},{HEADER}{record},{record},{email},1,9.50,DE\n")
    Desk(home.instance, home.settings, contract, batch, "sam", "a test").correct(file)


def test_a_record_that_was_corrected_to_the_subject_goes_and_none_comes_back_by_a_correction(
    tmp_path: Path,
) -> None:
    with open_home(tmp_path / "home", erasing_contract()) as home:
        batch = home.drop("may.csv", rows(6, broken=2))
        home.settle()
        correct(home, tmp_path, batch, 5, SUBJECT)
        assert home.query(Layer.PUBLISHED, "SELECT max(_record) FROM t") == [(5,)]
        assert erase(home).records == {DATASET: {batch: [3, 5]}}
        assert found(home) == []
        assert home.violations() == []
        with pytest.raises(CorrectionError, match="line 2: is about a subject that was erased"):
            correct(home, tmp_path, batch, 6, SUBJECT)
        contract = ContractStore(home.settings.contracts).active(DATASET)
        Runs(home.instance, home.settings, "ada").replay(contract, [], None)
        assert home.violations() == []
        assert home.query(Layer.RAW, "SELECT list(_record ORDER BY _record) FROM t") == [
            ([1, 2, 4, 6],)
        ]


def test_what_no_layer_holds_leaves_landing_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakehouse_pipeline.lake.landing.ABANDONED_SECONDS", 0.0)
    written = tmp_path / "home/landing/orders/.july.csv.part"
    written.parent.mkdir(parents=True)
    with (
        open_home(tmp_path / "home", erasing_contract()) as home,
        written.open("w") as being_written,
    ):
        landing = home.settings.landing / DATASET
        being_written.write(HEADER)
        (landing / ".june.csv.0123456789ab.part").write_text(rows(4))
        home.drop("may.csv", rows(2))
        refused = home.drop("refused.csv", f"nr,mail\n1,x@example.org\n3,{SUBJECT}\n")
        home.settle()
        waits = home.drop("waits.csv", rows(6, first=1))
        (landing / ".erasing-may.csv").write_text(rows(5))
        (landing / "note.pdf").write_text("nobody reads this")
        (landing / "wide.csv").write_text(rows(5), encoding="utf-16")
        (landing / ".photo.jpg.part").write_text("somebody else's")
        (landing / "cut.csv.gz").write_bytes(gzip.compress(rows(9).encode())[:-9])
        done = erase(home)
        assert done.records == {DATASET: {waits: [3]}}
        assert {file["name"] for file in done.not_searched} == {
            ".july.csv.part",
            ".photo.jpg.part",
            "cut.csv.gz",
            "note.pdf",
            "wide.csv",
        }
        gone = [(file["batch"], file["name"]) for file in done.files_before]
        assert sorted(gone) == [
            ("", ".erasing-may.csv"),
            ("", ".june.csv.0123456789ab.part"),
            (refused, "refused.csv"),
            (waits, "waits.csv"),
        ]
        assert (landing / "refused.csv").read_text() == "nr,mail\n1,x@example.org\n"
        assert (landing / "waits.csv").read_text() == rows(6).replace(LINE, "")
        (landing / "cut.csv.gz").unlink()
        (landing / "wide.csv").unlink()
        assert found(home) == []
        before = home.settle()
        assert {*home.states()} >= {waits, refused}
        assert home.states()[waits].state == "published"
        assert len(home.states()) == 3, before
        assert home.query(Layer.RAW, f"SELECT _record FROM t WHERE _batch_id = '{waits}'") == [
            (n,) for n in (1, 2, 4, 5, 6)
        ]
        assert home.violations() == []


def grouped(below: str, version: str = "1.0.0") -> str:
    """Return a contract that publishes the records of 8 of `lines(11)`, of 2, and not of 1."""
    privacy = f"{{quasiIdentifiers: [phone], k: 2, sensitive: [], below: {below}}}"
    return contract(
        version,
        phone="technique: generalize, prefix: 13",
        compliance="strict",
        top=f"  - {{property: privacy, value: {privacy}}}\n",
    )


def test_a_group_that_an_erasure_leaves_too_small_is_withheld(tmp_path: Path) -> None:
    with open_home(tmp_path / "home", grouped("suppress")) as home:
        home.drop("a.csv", lines(11))
        home.settle()
        done = erase(home, EMAIL.format(5))
        (state,) = home.states().values()
        assert (state.state, state.published, state.withheld) == ("published", 8, 2)
        ids = home.query(Layer.PUBLISHED, "SELECT _record FROM t ORDER BY ALL")
        assert ids == [(n,) for n in (1, 2, 3, 4, 6, 7, 8, 9)]
        held = home.settings.lake / DATASET / Layer.PUBLISHED
        stand_there = {sha256_of(file) for file in held.rglob("*.parquet")}
        named = {file["sha256"] for file in done.files_after if file["place"] == Layer.PUBLISHED}
        assert named <= stand_there
        assert found(home, EMAIL.format(5)) == []
        assert home.violations() == []


def test_a_batch_that_an_erasure_leaves_with_a_small_group_is_refused_where_the_contract_says_so(
    tmp_path: Path,
) -> None:
    with open_home(tmp_path / "home", grouped("refuse")) as home:
        home.drop("a.csv", lines(10))
        home.settle()
        (state,) = home.states().values()
        assert (state.state, state.published) == ("published", 10)
        assert erase(home, EMAIL.format(5)).completed
        (state,) = home.states().values()
        assert (state.state, state.published) == ("refused", None)
        assert state.why.startswith("privacy: the batch has k = 1, expected at least 2")
        assert home.query(Layer.PUBLISHED, "SELECT _record FROM t") == []
        assert home.violations() == []


def test_a_batch_that_was_made_safe_under_another_version_is_not_published_anew(
    tmp_path: Path,
) -> None:
    with open_home(tmp_path / "home", grouped("suppress")) as home:
        home.drop("a.csv", lines(11))
        home.settle()
        add_contract(home.settings, grouped("suppress", "1.1.0"))
        erase(home, EMAIL.format(5))
        (state,) = home.states().values()
        assert (state.anonymized_under, state.published, state.withheld) == ("1.0.0", 9, 1)
        assert home.violations() == []


@pytest.mark.parametrize("kept", [{Layer.ANONYMIZED: 1}, {Layer.RAW: 1, LANDING: 1}])
def test_what_retention_keeps_from_being_published_anew_is_erased_all_the_same(
    tmp_path: Path, kept: dict[str, float]
) -> None:
    with open_home(tmp_path / "home", grouped("suppress")) as home:
        home.drop("a.csv", lines(11))
        home.settle()
        active = ContractStore(home.settings.contracts).active(DATASET)
        late = max(arrivals(home.instance, DATASET).times.values()) + 2 * 86_400
        expiring = replace(active, retention=kept)
        assert list(apply_retention(home.instance, home.settings, expiring, late, "ada"))
        assert erase(home, EMAIL.format(5)).completed
        assert home.states()[home.instance.get_dynamic_partitions(DATASET)[0]].published == 9
        assert found(home, EMAIL.format(5)) == []


def test_a_withheld_record_that_is_erased_is_not_counted_as_withheld_any_more(
    tmp_path: Path,
) -> None:
    with open_home(tmp_path / "home", grouped("suppress")) as home:
        home.drop("a.csv", lines(11))
        home.settle()
        (before,) = home.states().values()
        assert (before.validated, before.published, before.withheld) == (11, 10, 1)
        erase(home, EMAIL.format(1))
        (after,) = home.states().values()
        assert (after.validated, after.published, after.withheld) == (10, 9, 1)
        assert home.violations() == []
        erase(home, EMAIL.format(11))
        (last,) = home.states().values()
        assert (last.validated, last.published, last.withheld) == (9, 9, 0)
        assert home.violations() == []


def test_the_same_subject_erased_twice_has_two_certificates_and_changes_nothing(
    tmp_path: Path,
) -> None:
    with open_home(tmp_path / "home", erasing_contract()) as home:
        batch = home.drop("may.csv", rows(6))
        home.settle()
        first = erase(home)
        landing, content = home.settings.landing / DATASET / "may.csv", contents(home)
        hashed = sha256_of(landing)
        for dataset in (DATASET, None):
            second = erase(home, dataset=dataset)
            assert second.completed
            assert (second.records, second.files_before, second.subject) == ({}, (), first.subject)
            assert found(home) == []
        assert (contents(home), sha256_of(landing)) == (content, hashed)
        erasures = Erasures(home.settings.erasures)
        assert [one.count for one in erasures.all()].count(1) == 1
        assert erasures.get(first.id).records == {DATASET: {batch: [3]}}
        assert home.violations() == []


def test_a_batch_that_waits_for_its_contract_goes_on_without_who_was_erased_meanwhile(
    tmp_path: Path,
) -> None:
    with open_home(tmp_path / "home", erasing_contract(), approved=False) as home:
        batch = home.drop("may.csv", rows(6))
        home.settle()
        assert home.states()[batch].waits
        assert erase(home).records == {DATASET: {batch: [3]}}
        assert (found(home), home.violations()) == ([], [])
        state = home.states()[batch]
        assert (state.waits, state.records) == (True, 5)
        approve_contract(home.settings)
        store = ContractStore(home.settings.contracts)
        assert Runs(home.instance, home.settings, "sam").release(store, DATASET) == [batch]
        assert home.states()[batch].published == 5
        numbers = "SELECT list(_record ORDER BY _record) FROM t"
        for layer in (Layer.RAW, Layer.VALIDATED, Layer.ANONYMIZED, Layer.PUBLISHED):
            assert home.query(layer, numbers) == [([1, 2, 4, 5, 6],)]
        assert (found(home), home.violations()) == ([], [])


def test_the_nightly_job_measures_again_what_it_erased_from(tmp_path: Path) -> None:
    with open_home(tmp_path / "home", grouped("suppress")) as home:
        home.drop("a.csv", lines(11))
        home.settle()
        ErasureDesk(home.instance, home.settings).request(EMAIL.format(5), None, "ada", "a letter")
        job = home.definitions().resolve_job_def(ERASURES)
        assert job.execute_in_process(instance=home.instance, run_config=QUIET).success
        (state,) = home.states().values()
        assert (state.published, state.withheld) == (8, 2)
        assert home.violations() == []


def test_the_nightly_job_finishes_what_was_cut_off_and_its_check_passes(tmp_path: Path) -> None:
    with open_home(tmp_path / "home", erasing_contract()) as home:
        home.drop("may.csv", rows(4))
        home.settle()
        asked = ErasureDesk(home.instance, home.settings).request(SUBJECT, None, "ada", "a letter")
        job = home.definitions().resolve_job_def(ERASURES)
        assert job.execute_in_process(instance=home.instance, run_config=QUIET).success
        (done,) = Erasures(home.settings.erasures).all()
        assert (done.id, done.count) == (asked.id, 1)
        assert done.completed
        assert found(home) == []
        key = dg.AssetCheckKey(contract_key(DATASET), ERASURE_CHECK)
        newest, *_ = home.instance.event_log_storage.get_asset_check_execution_history(key, limit=9)
        assert newest.evaluation
        assert (newest.evaluation.passed, newest.evaluation.description) == (
            True,
            "No erasure is open.",
        )
        assert job.execute_in_process(instance=home.instance, run_config=QUIET).success
