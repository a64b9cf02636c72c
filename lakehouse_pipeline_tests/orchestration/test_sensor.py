import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.keys import GATE_CHECK, RANGE_END, RANGE_START
from lakehouse_pipeline_tests.homes import (
    DATASET,
    Home,
    contract_text,
    cursor_of,
    open_home,
    rows,
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_home(tmp_path / "home") as opened:
        yield opened


def published(home: Home) -> dict[str, int | None]:
    return {batch: state.published for batch, state in home.states().items()}


def skipped(home: Home, dataset: str = DATASET) -> list[tuple[str, str]]:
    """Return file and batch of every content that was not taken again."""
    return [
        (event["file"], event["batch"])
        for event in home.events(dataset=dataset)
        if event["lakehouse/event"] == "DuplicateSkipped"
    ]


def test_a_new_file_becomes_one_published_batch(home: Home) -> None:
    batch = home.drop("may.csv", rows(3))
    (request,) = home.tick().run_requests or ()
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == (batch, batch)
    home.start([request])
    assert published(home) == {batch: 3}
    assert home.tick().skip_message == "No new files in the landing folders."


def test_many_files_are_one_run_over_neighbouring_partitions(home: Home) -> None:
    batches = [home.drop(f"day-{n:02}.csv", rows(2, first=n)) for n in range(12)]
    (request,) = home.tick().run_requests or ()
    assert home.instance.get_dynamic_partitions(DATASET) == batches
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == (batches[0], batches[-1])
    home.start([request])
    assert published(home) == dict.fromkeys(batches, 2)
    commits = {m.metadata["delta_version"].value for m in home.materialized(Layer.PUBLISHED)}
    assert commits == {1}


def test_files_of_two_datasets_are_one_run_each(tmp_path: Path) -> None:
    with open_home(tmp_path / "home", contract_text(), contract_text(dataset="refunds")) as home:
        home.drop("a.csv", rows(1))
        home.drop("b.csv", rows(2))
        home.drop("a.csv", rows(1), "refunds")
        requests = home.tick().run_requests or ()
        assert sorted(str(r.job_name) for r in requests) == ["orders_batches", "refunds_batches"]
        home.start(requests)
        assert [s.published for s in home.states().values()] == [1, 2]
        assert [s.published for s in home.states("refunds").values()] == [1]


@pytest.mark.parametrize("name", [".may.csv", ".may.csv.part", "may.csv.part", "may.csv.tmp"])
def test_a_temporary_name_is_left_alone_until_the_file_has_its_own(home: Home, name: str) -> None:
    home.drop(name, rows(3))
    assert not home.tick().run_requests
    folder = home.settings.landing / DATASET
    (folder / name).rename(folder / "may.csv")
    home.settle()
    assert list(published(home).values()) == [3]


def test_a_file_that_is_open_for_writing_is_left_alone(home: Home) -> None:
    home.drop("may.csv", rows(3))
    path = home.settings.landing / DATASET / "may.csv"
    with path.open("a") as writer:
        tick = home.tick()
        assert not tick.run_requests
        assert "still being written" in (tick.skip_message or "")
        writer.write("4,p4@example.org,,1.00,FR\n")
    home.settle()
    assert list(published(home).values()) == [4]


def test_a_file_changed_a_moment_ago_is_left_alone_until_it_rests(tmp_path: Path) -> None:
    with open_home(tmp_path / "home", settle_seconds=60) as home:
        batch = home.drop("may.csv", rows(3))
        assert not home.tick().run_requests
        home.settings.settle_seconds = 0
        home.settle()
        assert published(home) == {batch: 3}


def test_an_old_modification_time_does_not_hide_that_a_file_is_new(tmp_path: Path) -> None:
    with open_home(tmp_path / "home", settle_seconds=60) as home:
        home.drop("may.csv", rows(3))
        os.utime(home.settings.landing / DATASET / "may.csv", (0, 0))
        assert not home.tick().run_requests


def test_a_file_copied_in_slowly_is_taken_once_and_whole(home: Home) -> None:
    text = rows(2000)
    path = home.settings.landing / DATASET / "may.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as copy:
        for start in range(0, len(text), len(text) // 4):
            copy.write(text[start : start + len(text) // 4])
            copy.flush()
            assert not home.tick().run_requests
    home.settle()
    assert not home.tick().run_requests
    assert list(published(home).values()) == [2000]
    assert home.violations() == []


def test_the_same_file_dropped_again_leaves_an_event_and_starts_no_run(home: Home) -> None:
    batch = home.drop("may.csv", rows(3))
    home.settle()
    home.drop("may.csv", rows(3))
    tick = home.tick()
    assert not tick.run_requests
    assert skipped(home) == [("may.csv", batch)]
    assert f"lakehouse replay orders --batch {batch}" in (tick.skip_message or "")
    assert not home.tick().run_requests
    assert len(skipped(home)) == 1


def test_the_same_content_under_another_name_is_skipped(home: Home) -> None:
    batch = home.drop("may.csv", rows(3))
    home.settle()
    home.drop("copy of may.csv", rows(3))
    assert not home.tick().run_requests
    assert skipped(home) == [("copy of may.csv", batch)]
    assert published(home) == {batch: 3}


def test_two_new_files_of_the_same_content_are_one_batch(home: Home) -> None:
    batch = home.drop("a.csv", rows(3))
    home.drop("b.csv", rows(3))
    home.settle()
    assert published(home) == {batch: 3}
    assert skipped(home) == [("b.csv", batch)]


def test_new_content_under_the_same_name_is_a_new_batch(home: Home) -> None:
    first = home.drop("may.csv", rows(3))
    home.settle()
    second = home.drop("may.csv", rows(4))
    home.settle()
    assert first != second
    assert published(home) == {first: 3, second: 4}
    assert home.violations() == []


def test_a_lost_cursor_processes_nothing_twice(home: Home) -> None:
    files = {"a.csv": rows(3), "b.csv": rows(3, 3), "c.csv": "x\n"}
    batches = [home.drop(name, text) for name, text in files.items()]
    home.settle()
    states = home.states()
    assert [s.state for s in states.values()] == ["published", "refused", "refused"]
    home.cursor = None
    assert not home.tick().run_requests
    assert skipped(home) == []
    assert home.states() == states
    assert list(states) == batches
    assert cursor_of(home) == ["a.csv", "b.csv", "c.csv"]


def test_a_lost_cursor_waits_for_the_run_that_is_on(home: Home) -> None:
    home.drop("a.csv", rows(3))
    requests = home.tick().run_requests or ()
    run = home.instance.create_run_for_job(
        home.definitions().resolve_job_def("orders_batches"), tags=dict(requests[0].tags)
    )
    home.cursor = None
    assert not home.tick().run_requests
    assert cursor_of(home) == []
    home.instance.report_run_canceled(run)
    assert len(home.tick().run_requests or ()) == 1


def test_a_file_deleted_before_its_run_is_refused_with_one_message(home: Home) -> None:
    kept = home.drop("a.csv", rows(3))
    home.settle()
    before = home.content()
    gone = home.drop("b.csv", rows(4))
    requests = home.tick().run_requests or ()
    (home.settings.landing / DATASET / "b.csv").unlink()
    (result,) = home.start(requests)
    assert result.success
    gate = home.checks(GATE_CHECK)[-1]
    assert (gate.partition, gate.passed, gate.severity.value) == (gone, False, "ERROR")
    assert gate.description == (
        f"batch '{gone}': its file is no longer in landing/orders, or its content has changed "
        "since, and raw does not hold the batch. Nothing was written. Drop the file again."
    )
    assert home.content() == before
    assert {b: s.state for b, s in home.states().items()} == {kept: "published", gone: "refused"}
    assert home.violations() == []


def test_a_file_dropped_again_after_it_was_missing_is_processed(home: Home) -> None:
    batch = home.drop("a.csv", rows(4))
    requests = home.tick().run_requests or ()
    (home.settings.landing / DATASET / "a.csv").unlink()
    home.start(requests)
    home.drop("a.csv", rows(4))
    home.settle()
    assert published(home) == {batch: 4}
    assert skipped(home) == []


def test_a_file_dropped_again_runs_alone_not_over_the_batches_since(home: Home) -> None:
    first = home.drop("a.csv", rows(4))
    requests = home.tick().run_requests or ()
    (home.settings.landing / DATASET / "a.csv").unlink()
    home.start(requests)
    second = home.drop("b.csv", rows(5))
    home.settle()
    home.drop("a.csv", rows(4))
    third = home.drop("c.csv", rows(6))
    requests = home.tick().run_requests or ()
    ranges = [(r.tags[RANGE_START], r.tags[RANGE_END]) for r in requests]
    assert ranges == [(first, first), (third, third)]
    home.start(requests)
    assert published(home) == {first: 4, second: 5, third: 6}
    assert [m.partition for m in home.materialized(Layer.RAW)] == [second, first, third]


def test_a_file_dropped_again_after_its_run_failed_is_processed(home: Home) -> None:
    batch = home.drop("a.csv", rows(4))
    blocked = home.settings.lake / DATASET / Layer.RAW
    blocked.parent.mkdir(parents=True)
    blocked.write_text("not a folder")
    (result,) = home.start(home.tick().run_requests or (), raise_on_error=False)
    assert not result.success
    blocked.unlink()
    assert not home.tick().run_requests
    home.drop("a.csv", rows(4))
    home.settle()
    assert published(home) == {batch: 4}
