"""Batches wait in raw until their contract is approved, and none is forgotten on the way."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.life_cycle import State
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import NotApprovedError
from lakehouse_pipeline.lake.contract_steps import Steps
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration import life_cycle_watch, waiting
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline.orchestration.waiting import WAITS_TAG, waiting_batches
from lakehouse_pipeline_tests.homes import (
    DATASET,
    STEWARD,
    Home,
    add_contract,
    approve_contract,
    contract_text,
    open_home,
    rows,
)

WAITING_FOR = (
    "orders 1.0.0 (gdpr) waits for approval by somebody other than producer: "
    "lakehouse contract approve orders 1.0.0 --by NAME --why TEXT"
)
PAST_RAW = [layer for layer in Layer if layer is not Layer.RAW]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_home(tmp_path / "home", contract_text(), approved=False) as opened:
        yield opened


def steps(home: Home) -> Steps:
    return Steps(ContractStore(home.settings.contracts), STEWARD, "agreed")


def release(home: Home) -> list[str]:
    store = ContractStore(home.settings.contracts)
    return Runs(home.instance, home.settings, STEWARD).release(store, DATASET)


def held(home: Home) -> dict[Layer, int]:
    """Return how many records each layer holds."""
    counts = {layer: home.query(layer, "SELECT count(*) FROM t") for layer in Layer}
    return {layer: found[0][0] for layer, found in counts.items() if found and found[0][0]}


def outcomes(home: Home) -> list[tuple[str, int | None]]:
    return [(state.state, state.published) for state in home.states().values()]


def test_a_dropped_file_waits_in_raw_and_is_published_on_approval(home: Home) -> None:
    batch = home.drop("may.csv", rows(10, broken=2))
    (result,) = home.settle()
    assert result.success
    (state,) = home.states().values()
    assert (state.state, state.why, state.records) == ("waiting", WAITING_FOR, 10)
    assert (state.validated, state.quarantined, state.published) == (None, None, None)
    assert held(home) == {Layer.RAW: 10}
    assert home.violations() == []
    assert release(home) == []
    steps(home).approve(DATASET)
    assert release(home) == [batch]
    (state,) = home.states().values()
    assert (state.state, state.why, state.published) == ("published", "", 8)
    assert len(home.materialized(Layer.RAW)) == 1
    assert home.violations() == []
    assert release(home) == []


def test_the_same_file_dropped_again_while_it_waits_is_a_duplicate(home: Home) -> None:
    home.drop("may.csv", rows(3))
    home.settle()
    home.drop("may.csv", rows(3))
    home.drop("copy.csv", rows(3))
    assert not home.tick().run_requests
    skipped = [e["file"] for e in home.events() if e["lakehouse/event"] == "DuplicateSkipped"]
    assert skipped == ["copy.csv", "may.csv"]
    assert outcomes(home) == [("waiting", None)]


def test_many_batches_in_several_runs_go_on_together(home: Home) -> None:
    for n in range(3):
        home.drop(f"{n}.csv", rows(2, first=n))
        home.settle()
    home.drop("broken.csv", "x\n")
    home.settle()
    home.drop("3.csv", rows(2, first=9))
    home.settle()
    waits = ("waiting", None)
    assert outcomes(home) == [waits, waits, waits, ("refused", None), waits]
    steps(home).approve(DATASET)
    assert len(release(home)) == 4
    done = ("published", 2)
    assert outcomes(home) == [done, done, done, ("refused", None), done]
    assert home.violations() == []
    assert waiting_batches(home.instance, DATASET) == []
    assert {run.tags[WAITS_TAG] for run in home.instance.get_runs() if WAITS_TAG in run.tags} == {
        "false"
    }


@pytest.mark.parametrize("moment", ["before the second look", "after it"])
def test_an_approval_in_the_middle_of_a_run_forgets_no_batch(
    home: Home, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    batch = home.drop("may.csv", rows(5))
    look, released = waiting._cleared_meanwhile, []

    def approve() -> None:
        steps(home).approve(DATASET)
        released.extend(waiting_batches(home.instance, DATASET))

    def looking(store: ContractStore, dataset: str) -> Contract | None:
        assert [m.partition for m in home.materialized(Layer.RAW)] == [batch]
        if moment == "before the second look":
            approve()
        found = look(store, dataset)
        if moment == "after it":
            approve()
        return found

    monkeypatch.setattr(waiting, "_cleared_meanwhile", looking)
    home.settle()
    assert [state.batch for state in released] == [batch]
    if moment == "after it":
        assert outcomes(home) == [("waiting", None)]
        release(home)
    assert outcomes(home) == [("published", 5)]
    release(home)
    assert outcomes(home) == [("published", 5)]
    assert home.violations() == []


def test_what_was_approved_and_not_started_is_started_by_the_sensor(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.drop("may.csv", rows(5))
    home.settle()
    steps(home).approve(DATASET)
    assert not home.tick().run_requests
    monkeypatch.setattr(life_cycle_watch, "GRACE_SECONDS", 0)
    (request,) = home.tick().run_requests or ()
    assert [key.path[1] for key in request.asset_selection or ()] == [*PAST_RAW]
    home.start([request])
    assert outcomes(home) == [("published", 5)]
    assert not home.tick().run_requests


def test_a_run_that_failed_over_waiting_batches_says_so(home: Home) -> None:
    home.drop("may.csv", rows(5))
    home.settle()
    steps(home).approve(DATASET)
    blocked = home.settings.lake / DATASET / Layer.QUARANTINED
    blocked.write_text("not a folder")
    with pytest.raises(Exception, match="quarantined"):
        release(home)
    assert [state.state for state in home.states().values()] == ["failed"]
    blocked.unlink()
    store = ContractStore(home.settings.contracts)
    Runs(home.instance, home.settings, STEWARD).replay(store.active(DATASET), [], None)
    assert outcomes(home) == [("published", 5)]


def test_a_batch_that_waits_after_a_run_that_failed_waits(home: Home) -> None:
    batch = home.drop("may.csv", rows(5))
    blocked = home.settings.lake / DATASET / Layer.RAW
    blocked.parent.mkdir(parents=True)
    blocked.write_text("not a folder")
    home.start(home.tick().run_requests or (), raise_on_error=False)
    assert home.states()[batch].state == "failed"
    blocked.unlink()
    home.drop("may.csv", rows(5))
    home.settle()
    assert home.states()[batch].waits


def test_batches_read_under_a_declined_version_go_on_under_the_next(home: Home) -> None:
    batch = home.drop("may.csv", rows(5, broken=1))
    home.settle()
    steps(home).decline(DATASET)
    home.drop("june.csv", rows(2, first=40))
    assert not home.tick().run_requests
    more = "      - {name: note, logicalType: string}\n"
    add_contract(home.settings, contract_text("1.0.1", percent=10, columns=more), approved=False)
    approve_contract(home.settings, DATASET, "1.0.1")
    assert release(home) == [batch]
    state = home.states()[batch]
    assert (state.state, state.published) == ("refused", None)
    assert "column 'note' is missing" in state.why
    assert home.violations() == []
    assert len(home.tick().run_requests or ()) == 1


def test_the_next_version_judges_what_the_declined_one_read(home: Home) -> None:
    batch = home.drop("may.csv", rows(5, broken=1))
    home.settle()
    steps(home).decline(DATASET)
    add_contract(home.settings, contract_text("1.0.1"))
    (home.settings.landing / DATASET / "may.csv").unlink()
    assert release(home) == [batch]
    state = home.states()[batch]
    assert (state.state, state.contract_version, state.published) == ("published", "1.0.1", 4)
    assert home.violations() == []


def test_a_new_version_that_waits_does_not_stop_the_one_in_force(home: Home) -> None:
    approve_contract(home.settings)
    add_contract(home.settings, contract_text("1.1.0"), approved=False)
    home.drop("may.csv", rows(5))
    home.settle()
    (state,) = home.states().values()
    assert (state.state, state.contract_version) == ("published", "1.0.0")


def test_a_replay_before_the_approval_is_refused(home: Home) -> None:
    home.drop("may.csv", rows(5))
    home.settle()
    with pytest.raises(NotApprovedError, match="lakehouse contract approve orders"):
        ContractStore(home.settings.contracts).active(DATASET)


def test_no_layer_past_raw_can_be_had_in_the_ui_before_the_approval(home: Home) -> None:
    home.drop("may.csv", rows(5))
    (request,) = home.tick().run_requests or ()
    past_raw = [key for key in request.asset_selection or () if key.path[1] != Layer.RAW]
    home.start([request._replace(asset_selection=past_raw)])
    assert held(home) == {Layer.RAW: 5}
    assert outcomes(home) == [("waiting", None)]
    steps(home).approve(DATASET)
    release(home)
    assert outcomes(home) == [("published", 5)]


def test_a_deprecated_dataset_leaves_its_files_in_the_landing_folder(home: Home) -> None:
    approve_contract(home.settings)
    home.drop("may.csv", rows(5))
    home.settle()
    steps(home).deprecate(DATASET)
    home.drop("june.csv", rows(3, first=20))
    assert not home.tick().run_requests
    assert outcomes(home) == [("published", 5)]
    assert held(home)[Layer.PUBLISHED] == 5
    assert home.violations() == []
    steps(home).activate(DATASET)
    home.settle()
    assert outcomes(home) == [("published", 5), ("published", 3)]


def test_a_dataset_whose_contracts_are_gone_is_no_trouble_for_the_sensor(tmp_path: Path) -> None:
    with open_home(tmp_path / "home", contract_text(), contract_text(dataset="refunds")) as home:
        home.tick()
        shutil.rmtree(home.settings.contracts / "refunds")
        home.drop("may.csv", rows(5))
        home.settle()
        assert outcomes(home) == [("published", 5)]
        life = ContractStore(home.settings.contracts).life_cycle(DATASET)
        assert life.versions["1.0.0"].state is State.ACTIVE
