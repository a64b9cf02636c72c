"""Retention as the event stream, the states of batches, `verify`, replay and the sensor see it."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from lakehouse_pipeline.errors import ExpiredBatchError
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import LANDING, Layer
from lakehouse_pipeline.orchestration.instance import DATASET_TAG, PROCESS_TAG
from lakehouse_pipeline.orchestration.keys import asset_key, range_tags
from lakehouse_pipeline.orchestration.retention import apply_retention, arrivals
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline.pipeline.retention import Removal
from lakehouse_pipeline_tests.homes import (
    DATASET,
    HEADER,
    QUIET,
    Home,
    add_contract,
    contract_text,
    open_home,
    rows,
)

DAY = 86_400.0
EVERYWHERE = [LANDING, *Layer]
AT_ONCE = contract_text("1.1.0").replace("value: 365, unit: d", "value: 0.0000001, unit: d")
"""A contract that keeps records for nine milliseconds."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with a good batch (10 records, 2 quarantined) and a refused one."""
    folder = tmp_path_factory.mktemp("retention") / "home"
    with open_home(folder) as home:
        home.drop("good.csv", rows(10, broken=2))
        home.drop("bad.csv", rows(10, broken=6, first=11))
        home.settle()
    return folder


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Iterator[Home]:
    with open_home(Path(shutil.copytree(template, tmp_path / "home"))) as opened:
        opened.tick()
        yield opened


def named(home: Home, stem: str) -> str:
    return next(b for b in home.states() if b.startswith(stem))


def left(home: Home, days: float, retention: Mapping[str, float]) -> list[Removal]:
    """Apply a retention as of so many days after the batches arrived."""
    contract = ContractStore(home.settings.contracts).active(DATASET)
    now = max(arrivals(home.instance, DATASET).times.values()) + days * DAY
    contract = replace(contract, retention=retention)
    gone = apply_retention(home.instance, home.settings, contract, now, "ada")
    return [one for one in gone if isinstance(one, Removal)]


def replay(home: Home, *batches: str, from_layer: Layer | None = None) -> list[str]:
    contract = ContractStore(home.settings.contracts).active(DATASET)
    return Runs(home.instance, home.settings, "ada").replay(contract, batches, from_layer)


def records(home: Home, layer: Layer) -> int:
    return sum(n for (n,) in home.query(layer, "SELECT count(*) FROM t"))


def test_every_removal_is_an_event_of_its_layer(home: Home) -> None:
    left(home, 31, {"published": 30, "raw": 30})
    (event,) = home.events(Layer.PUBLISHED)
    bytes_left = event.pop("bytes")
    assert bytes_left > 0
    assert event.pop("age_days") >= 31
    assert event == {
        "lakehouse/event": "RetentionApplied",
        "batch": named(home, "good"),
        "layer": "published",
        "records": 8,
        "files": 1,
        "days": 30.0,
        "actor": "ada",
        "why": "orders 1.0.0 keeps published for 30 days",
    }
    raw = [e for e in home.events(Layer.RAW) if e["lakehouse/event"] == "RetentionApplied"]
    assert [e["records"] for e in raw] == [10, 10]


def test_a_batch_that_left_every_layer_is_expired(home: Home) -> None:
    left(home, 31, dict.fromkeys(EVERYWHERE, 30))
    good, bad = (home.states()[named(home, stem)] for stem in ("good", "bad"))
    assert (good.state, good.records, good.quarantined, good.published) == ("expired", 10, 2, None)
    assert good.expired == tuple(Layer)
    assert (bad.state, bad.why) == ("expired", "")
    assert bad.expired == (Layer.RAW, Layer.QUARANTINED, Layer.VALIDATED)
    assert home.violations() == []


@pytest.mark.parametrize("layer", Layer)
def test_verify_accepts_that_one_layer_is_gone(home: Home, layer: Layer) -> None:
    left(home, 31, {layer: 30})
    assert records(home, layer) == 0
    states = home.states()
    good = states[named(home, "good")]
    assert good.state == ("expired" if layer is Layer.PUBLISHED else "published")
    assert good.expired == (layer,)
    assert states[named(home, "bad")].state == "refused"
    assert home.violations() == []


@pytest.mark.parametrize(
    ("expired", "harmed", "message"),
    [
        (Layer.RAW, Layer.PUBLISHED, "published holds 0 records, the event stream says 8"),
        (Layer.QUARANTINED, Layer.PUBLISHED, "published holds 0 records"),
        (Layer.PUBLISHED, Layer.QUARANTINED, "2 records in neither"),
        (Layer.RAW, Layer.VALIDATED, "validated holds 0 records, the event stream says 8"),
    ],
)
def test_verify_still_checks_the_layers_that_did_not_expire(
    home: Home, expired: Layer, harmed: Layer, message: str
) -> None:
    good = named(home, "good")
    left(home, 31, {expired: 30})
    Tables(home.settings.lake).remove(DATASET, harmed, [good])
    assert any(message in violation.message for violation in home.violations())


def test_verify_finds_a_record_in_a_layer_that_retention_emptied(home: Home) -> None:
    good = named(home, "good")
    shutil.copytree(home.settings.lake / DATASET / "raw", home.settings.home / "raw")
    left(home, 31, {"raw": 30})
    shutil.rmtree(home.settings.lake / DATASET / "raw")
    shutil.move(home.settings.home / "raw", home.settings.lake / DATASET / "raw")
    said = [v.message for v in home.violations() if v.batch == good]
    assert said == ["raw holds 10 records, the event stream says 0"]


def test_a_batch_s_age_counts_from_its_first_arrival(home: Home) -> None:
    good = named(home, "good")
    before = arrivals(home.instance, DATASET).times[good]
    replay(home, good, from_layer=Layer.RAW)
    assert len(home.materialized(Layer.RAW)) == 3
    assert arrivals(home.instance, DATASET).times[good] == before


def test_a_file_that_was_never_readable_leaves_landing(home: Home) -> None:
    broken = home.drop("broken.csv", HEADER.replace("phone,", "") + "1,a@b.de,1,DE\n")
    home.settle()
    gone = left(home, 31, {LANDING: 30})
    assert [r.batch for r in gone if r.layer == LANDING][-1] == broken
    assert list((home.settings.landing / DATASET).iterdir()) == []
    assert home.states()[broken].state == "refused"


def test_a_copy_that_was_not_read_leaves_landing_with_its_batch(home: Home) -> None:
    home.drop("copy.csv", rows(10, broken=2))
    home.settle()
    gone = left(home, 31, {LANDING: 30})
    assert [(r.batch.split("-")[0], r.files) for r in gone] == [("bad", 1), ("good", 2)]
    assert list((home.settings.landing / DATASET).iterdir()) == []


def test_the_sensor_takes_nothing_again(home: Home) -> None:
    left(home, 31, dict.fromkeys(EVERYWHERE, 30))
    assert home.tick().skip_message == "No new files in the landing folders."
    home.drop("good.csv", rows(10, broken=2))
    tick = home.tick()
    assert not tick.run_requests
    assert "it was not read again" in (tick.skip_message or "")


def test_a_replay_of_what_is_gone_is_one_clear_error(home: Home) -> None:
    good = named(home, "good")
    left(home, 31, dict.fromkeys([LANDING, "raw"], 30))
    with pytest.raises(ExpiredBatchError) as refused:
        replay(home, good)
    assert str(refused.value) == (
        f"batch '{good}': its records left raw by retention (raw is kept for 365 days), and its "
        "file is no longer in landing/orders. Nothing was written. To take it in again, put the "
        f"same file back there, then: lakehouse replay orders --batch {good}. The next retention "
        "takes it out again, unless the contract keeps it for longer."
    )
    assert home.states()[good].state == "published"
    assert records(home, Layer.PUBLISHED) == 8


def test_a_replay_of_all_passes_over_what_is_gone(home: Home) -> None:
    left(home, 31, dict.fromkeys([LANDING, "raw"], 30))
    home.drop("new.csv", rows(4, first=31))
    home.settle()
    assert [batch.split("-")[0] for batch in replay(home)] == ["new"]
    assert home.states()[named(home, "good")].state == "published"
    assert home.violations() == []


def test_a_batch_whose_file_is_put_back_is_published_again(home: Home) -> None:
    good = named(home, "good")
    left(home, 31, dict.fromkeys(EVERYWHERE, 30))
    home.drop("good.csv", rows(10, broken=2))
    assert replay(home, good) == [good]
    state = home.states()[good]
    assert (state.state, state.published, state.expired) == ("published", 8, ())
    assert home.violations() == []
    assert {r.batch for r in left(home, 31, dict.fromkeys(EVERYWHERE, 30))} == {good}


@pytest.mark.parametrize("layer", [Layer.QUARANTINED, Layer.VALIDATED])
def test_no_layer_is_made_from_one_that_retention_emptied(home: Home, layer: Layer) -> None:
    good, bad = named(home, "good"), named(home, "bad")
    left(home, 31, {layer: 30})
    for batch in (good, bad):
        with pytest.raises(ExpiredBatchError, match=f"left {layer} by retention.*Start from raw"):
            replay(home, batch, from_layer=Layer.ANONYMIZED)
    assert records(home, Layer.PUBLISHED) == 8
    replay(home, good)
    assert home.states()[good].expired == ()
    assert home.violations() == []


def test_a_run_from_the_ui_over_a_batch_that_is_gone_says_so_and_changes_nothing(
    home: Home,
) -> None:
    good = named(home, "good")
    left(home, 31, dict.fromkeys([LANDING, "raw"], 30))
    job = home.definitions().resolve_job_def("orders_batches")
    tags = range_tags(DATASET, named(home, "bad"), good)
    selection = [asset_key(DATASET, layer) for layer in Layer]
    with pytest.raises(ExpiredBatchError):
        job.execute_in_process(
            instance=home.instance, tags=tags, asset_selection=selection, run_config=QUIET
        )
    assert home.states()[good].state == "published"
    assert records(home, Layer.PUBLISHED) == 8


def test_the_schedule_ticks_at_three_and_its_run_takes_out_what_is_overdue(home: Home) -> None:
    add_contract(home.settings, AT_ONCE)
    definitions = home.definitions()
    schedule = definitions.resolve_schedule_def("retention")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 3 * * *", "UTC")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    at = datetime(2030, 1, 1, 3, tzinfo=UTC)
    (request,) = (
        schedule.evaluate_tick(
            dg.build_schedule_context(home.instance, scheduled_execution_time=at)
        ).run_requests
        or ()
    )
    job = definitions.resolve_job_def("retention")
    tags = {**request.tags, "dagster/schedule_name": "retention"}
    ran = job.execute_in_process(instance=home.instance, tags=tags, run_config=QUIET)
    run = home.instance.get_run_by_id(ran.run_id)
    assert run is not None
    assert run.tags[DATASET_TAG] not in (DATASET, "")
    assert PROCESS_TAG in run.tags
    assert {state.state for state in home.states().values()} == {"expired"}
    assert {event["actor"] for event in home.events(Layer.PUBLISHED)} == {"retention"}
    assert list((home.settings.landing / DATASET).iterdir()) == []
    assert home.violations() == []
