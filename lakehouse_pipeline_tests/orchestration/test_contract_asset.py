"""The asset of a dataset's contract: its events, its materializations, and what it makes stale."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from lakehouse_pipeline.lake.contract_steps import Steps
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration import life_cycle
from lakehouse_pipeline.orchestration.keys import asset_key, contract_key
from lakehouse_pipeline.orchestration.life_cycle import LINE, report_life_cycle
from lakehouse_pipeline_tests.homes import (
    AMOUNT,
    DATASET,
    Home,
    add_contract,
    approve_contract,
    contract_text,
    open_home,
    rows,
)

ANY_AMOUNT = AMOUNT.replace("minimum: 0", "minimum: -9")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_home(tmp_path / "home") as opened:
        yield opened


def steps(home: Home, by: str = "eve") -> Steps:
    return Steps(ContractStore(home.settings.contracts), by, "agreed")


def told(home: Home) -> list[dict[str, Any]]:
    """Return the metadata of every event on the contract's asset, the oldest first."""
    found = home.instance.fetch_observations(contract_key(DATASET), limit=1000, ascending=True)
    observed = [record.asset_observation for record in found.records]
    return [{k: v.value for k, v in one.metadata.items()} for one in observed if one]


def names(home: Home) -> list[str]:
    return [event["lakehouse/event"] for event in told(home)]


def made(home: Home) -> list[dict[str, Any]]:
    found = home.instance.fetch_materializations(contract_key(DATASET), limit=100, ascending=True)
    events = [record.asset_materialization for record in found.records]
    return [{k: v.value for k, v in one.metadata.items()} for one in events if one]


def spec(home: Home, dataset: str = DATASET) -> dg.AssetSpec:
    found = home.definitions().resolve_all_asset_specs()
    return next(one for one in found if one.key == contract_key(dataset))


def staleness(home: Home, batch: str) -> StaleStatus:
    graph = home.definitions().resolve_asset_graph()
    resolver = CachingStaleStatusResolver(
        home.instance, graph, LoadingContextForTest(home.instance)
    )
    return resolver.get_status(asset_key(DATASET, Layer.RAW), batch)


def test_every_step_leaves_its_event_with_who_when_and_why(home: Home) -> None:
    add_contract(home.settings, contract_text("1.1.0"))
    add_contract(home.settings, contract_text("1.2.0"), approved=False)
    steps(home).decline(DATASET)
    steps(home).deprecate(DATASET)
    steps(home).activate(DATASET)
    steps(home).retire(DATASET, "1.0.0")
    steps(home).deprecate(DATASET, "1.1.0")
    report_life_cycle(home.instance, home.settings)
    found = [(e["lakehouse/event"], e.get("version"), e["actor"]) for e in told(home)]
    assert found == [
        ("DatasetRegistered", "1.0.0", "producer"),
        ("DataContractDefined", "1.0.0", "producer"),
        ("DataContractApproved", "1.0.0", "steward"),
        ("DatasetVersionActivated", "1.0.0", "steward"),
        ("DataContractUpdated", "1.1.0", "producer"),
        ("DataContractApproved", "1.1.0", "steward"),
        ("DatasetVersionActivated", "1.1.0", "steward"),
        ("DataContractUpdated", "1.2.0", "producer"),
        ("DataContractDeclined", "1.2.0", "eve"),
        ("DatasetDeprecated", "1.1.0", "eve"),
        ("DatasetVersionActivated", "1.1.0", "eve"),
        ("DataContractRetired", "1.0.0", "eve"),
        ("DataContractDeprecated", "1.1.0", "eve"),
    ]
    assert [e["supersedes"] for e in told(home) if "supersedes" in e] == ["1.0.0"]
    assert {e["why"] for e in told(home)} == {"a test", "agreed"}
    assert all(e["at"].endswith("+00:00") for e in told(home))


def test_an_event_tells_of_the_moment_of_its_step_however_late_it_is_told(home: Home) -> None:
    standard = contract_text().replace("value: gdpr", "value: standard")
    later = standard.replace("version: 1.0.0", "version: 1.1.0")
    store = ContractStore(home.settings.contracts)
    for text in (standard.replace(DATASET, "late"), later.replace(DATASET, "late")):
        (home.settings.home / "late.yaml").write_text(text)
        store.add(home.settings.home / "late.yaml", "ada", "a test")
        if "1.0.0" in text:
            steps(home).deprecate("late")
    report_life_cycle(home.instance, home.settings)
    found = home.instance.fetch_observations(contract_key("late"), limit=10, ascending=True)
    events = [one.asset_observation for one in found.records]
    said = [{k: v.value for k, v in one.metadata.items()} for one in events if one]
    assert [(e["lakehouse/event"], e["version"], e.get("supersedes")) for e in said] == [
        ("DatasetRegistered", "1.0.0", None),
        ("DataContractDefined", "1.0.0", None),
        ("DatasetVersionActivated", "1.0.0", None),
        ("DatasetDeprecated", "1.0.0", None),
        ("DataContractUpdated", "1.1.0", None),
        ("DatasetVersionActivated", "1.1.0", "1.0.0"),
    ]


def test_the_sensor_tells_what_is_missing_once(home: Home) -> None:
    assert told(home) == []
    home.tick()
    expected = [
        "DatasetRegistered",
        "DataContractDefined",
        "DataContractApproved",
        "DatasetVersionActivated",
    ]
    assert names(home) == expected
    home.tick()
    report_life_cycle(home.instance, home.settings)
    assert (names(home), len(made(home))) == (expected, 1)


def test_a_crash_between_two_events_loses_none_and_repeats_none(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = home.instance.report_runless_asset_event
    seen: list[str] = []

    def dying(event: dg.AssetMaterialization | dg.AssetObservation) -> None:
        if len(seen) % 2:
            seen.append("died")
            raise KeyboardInterrupt
        seen.append("told")
        report(event)

    monkeypatch.setattr(type(home.instance), "report_runless_asset_event", lambda _, e: dying(e))
    for _ in range(5):
        try:
            report_life_cycle(home.instance, home.settings)
        except KeyboardInterrupt:
            continue
    assert seen.count("died") == 4
    assert [(e[LINE], e["lakehouse/event"]) for e in told(home)] == [
        (1, "DatasetRegistered"),
        (1, "DataContractDefined"),
        (2, "DataContractApproved"),
        (3, "DatasetVersionActivated"),
    ]
    assert len(made(home)) == 1


def test_the_telling_goes_on_after_many_other_events(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    report_life_cycle(home.instance, home.settings)
    monkeypatch.setattr(life_cycle, "PAGE", 2)
    for _ in range(5):
        home.instance.report_runless_asset_event(dg.AssetObservation(contract_key(DATASET)))
    steps(home).deprecate(DATASET)
    report_life_cycle(home.instance, home.settings)
    assert [e["lakehouse/event"] for e in told(home) if e][-2:] == [
        "DatasetVersionActivated",
        "DatasetDeprecated",
    ]


def test_a_file_placed_by_hand_is_told_of_too(home: Home) -> None:
    standard = contract_text("1.0.0", dataset="refunds").replace("value: gdpr", "value: standard")
    home.contract(standard.split("slaProperties")[0] + _schema(), "refunds")
    home.tick()
    found = home.instance.fetch_observations(contract_key("refunds"), limit=10, ascending=True)
    events = [one.asset_observation for one in found.records]
    assert [one.metadata["lakehouse/event"].value for one in events if one] == [
        "DatasetRegistered",
        "DataContractDefined",
        "DatasetVersionActivated",
    ]
    assert {one.metadata["actor"].value for one in events if one} == {"unknown"}


def _schema() -> str:
    return (
        "schema:\n  - name: refunds\n    properties:\n"
        "      - {name: refund_id, logicalType: integer}\n"
    )


def test_a_version_is_a_materialization_with_its_text_and_the_difference(home: Home) -> None:
    add_contract(home.settings, contract_text("1.1.0", percent=10))
    report_life_cycle(home.instance, home.settings)
    first, second = made(home)
    text = contract_text("1.1.0", percent=10)
    assert (first["version"], first["state"], second["version"], second["state"]) == (
        "1.0.0",
        "deprecated",
        "1.1.0",
        "active",
    )
    assert (second["compliance"], second["columns"], second["rules"]) == ("gdpr", 5, 8)
    assert second["contract"] == f"```yaml\n{text.rstrip()}\n```"
    assert "diff" not in first
    assert "--- 1.0.0.yaml\n+++ 1.1.0.yaml\n" in second["diff"]
    assert "\n-version: 1.0.0\n+version: 1.1.0\n" in second["diff"]
    assert second["changes"].startswith("- **breaking for producers** publish: Batches")


def test_raw_becomes_stale_when_files_are_read_otherwise_and_not_for_a_rule(home: Home) -> None:
    batch = home.drop("may.csv", rows(3))
    home.settle()
    assert staleness(home, batch) is StaleStatus.FRESH
    add_contract(home.settings, contract_text("1.1.0", amount=ANY_AMOUNT))
    home.tick()
    assert staleness(home, batch) is StaleStatus.FRESH
    more = "      - {name: note, logicalType: string}\n"
    add_contract(home.settings, contract_text("2.0.0", columns=more), approved=False)
    home.tick()
    assert staleness(home, batch) is StaleStatus.FRESH
    approve_contract(home.settings, version="2.0.0")
    home.tick()
    assert staleness(home, batch) is StaleStatus.STALE
    steps(home).activate(DATASET, "1.1.0", breaking=True)
    home.tick()
    assert staleness(home, batch) is StaleStatus.FRESH


def test_the_contract_stands_upstream_of_raw_in_its_dataset(home: Home) -> None:
    graph = home.definitions().resolve_asset_graph()
    assert graph.get(asset_key(DATASET, Layer.RAW)).parent_keys == {contract_key(DATASET)}
    found = spec(home)
    assert (found.group_name, found.kinds) == (DATASET, {"yaml"})
    assert "| 1.0.0 | active | steward | a test |" in (found.description or "")


def test_a_refused_version_and_the_one_in_force_are_one_asset(home: Home) -> None:
    home.contract("a: [\n", version="2.0.0")
    found = spec(home)
    assert "refused" in found.tags
    assert "**This contract is refused.**" in (found.description or "")
    assert "| 1.0.0 | active | steward | a test |" in (found.description or "")
    home.drop("may.csv", rows(3))
    home.settle()
    assert [state.published for state in home.states().values()] == [3]


def test_a_dataset_with_drafts_only_shows_its_contract(tmp_path: Path) -> None:
    text = contract_text().replace("status: active", "status: draft")
    with open_home(tmp_path / "home", contract_text(dataset="other"), text) as home:
        assert "| 1.0.0 | approved |" in (spec(home).description or "")
        assert asset_key(DATASET, Layer.RAW) not in {
            one.key for one in home.definitions().resolve_all_asset_specs()
        }


def test_the_difference_is_to_the_version_in_force_and_never_to_a_declined_one(home: Home) -> None:
    more = "      - {name: note, logicalType: string}\n"
    add_contract(home.settings, contract_text("1.1.0", columns=more), approved=False)
    steps(home).decline(DATASET)
    add_contract(home.settings, contract_text("1.2.0", columns=more), approved=False)
    report_life_cycle(home.instance, home.settings)
    third = made(home)[-1]
    assert third["version"] == "1.2.0"
    assert "--- 1.0.0.yaml\n+++ 1.2.0.yaml\n" in third["diff"]
    assert "column 'note': The column (VARCHAR, published) is added" in third["changes"]
