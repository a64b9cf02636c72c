"""Freshness as Dagster itself judges it, and as `lakehouse status` says it."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.definitions.freshness_evaluator import TimeWindowFreshnessPolicyEvaluator
from dagster._core.loader import LoadingContextForTest
from dagster._core.test_utils import freeze_time

from lakehouse_pipeline.contracts.model import Contract, Freshness
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.assets import dataset_assets
from lakehouse_pipeline.orchestration.freshness import freshness, freshness_policy
from lakehouse_pipeline.orchestration.keys import asset_key
from lakehouse_pipeline_tests.homes import DATASET, Home, open_home, rows

HOURLY = Freshness(frequency=3600, latency=600)
PUBLISHED = asset_key(DATASET, Layer.PUBLISHED)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with open_home(tmp_path_factory.mktemp("fresh") / "home") as opened:
        opened.drop("may.csv", rows(4))
        opened.settle()
        yield opened


def promised(home: Home, freshness: Freshness | None) -> Contract:
    contract = ContractStore(home.settings.contracts).active(DATASET)
    return replace(contract, freshness=freshness)


def published_at(home: Home) -> float:
    newest = home.instance.get_latest_materialization_event(PUBLISHED)
    assert newest is not None
    return newest.timestamp


@pytest.mark.parametrize(
    ("seconds", "state", "said"),
    [
        (3599, FreshnessState.PASS, "yes"),
        (3601, FreshnessState.WARN, "yes"),
        (4199, FreshnessState.WARN, "yes"),
        (4201, FreshnessState.FAIL, "late by 1 min"),
        (4200 + 3 * 3600 + 59, FreshnessState.FAIL, "late by 3 h"),
        (4200 + 49 * 3600, FreshnessState.FAIL, "late by 2 d"),
    ],
)
def test_the_ui_and_the_command_agree_on_how_fresh_published_is(
    home: Home, seconds: float, state: FreshnessState, said: str
) -> None:
    contract = promised(home, HOURLY)
    graph = dg.Definitions(assets=[dataset_assets(contract, home.settings)]).resolve_asset_graph()
    now = published_at(home) + seconds
    with freeze_time(datetime.fromtimestamp(now, UTC)):
        judged = asyncio.run(
            TimeWindowFreshnessPolicyEvaluator().evaluate_freshness(
                LoadingContextForTest(home.instance), graph.get(PUBLISHED)
            )
        )
    assert judged is state
    assert freshness(home.instance, contract, now) == said


def test_only_published_carries_the_promise(home: Home) -> None:
    specs = dataset_assets(promised(home, HOURLY), home.settings).specs
    carrying = {spec.key: spec.freshness_policy for spec in specs if spec.freshness_policy}
    hour = timedelta(hours=1)
    assert carrying == {
        PUBLISHED: dg.FreshnessPolicy.time_window(hour + timedelta(minutes=10), hour)
    }


def test_a_dataset_without_a_promise_is_neither_fresh_nor_late(home: Home) -> None:
    contract = promised(home, None)
    assert freshness_policy(contract) is None
    assert freshness(home.instance, contract, published_at(home) + 1e9) == ""


@pytest.mark.parametrize(
    ("promise", "fails", "warns"),
    [
        (Freshness(frequency=86_400), 86_400, None),
        (Freshness(frequency=1), 60, None),
        (Freshness(frequency=30, latency=60), 90, None),
        (Freshness(frequency=60, latency=1), 61, 60),
    ],
)
def test_windows_shorter_than_dagster_s_shortest_are_widened(
    home: Home, promise: Freshness, fails: float, warns: float | None
) -> None:
    warn = None if warns is None else timedelta(seconds=warns)
    expected = dg.FreshnessPolicy.time_window(timedelta(seconds=fails), warn)
    assert freshness_policy(promised(home, promise)) == expected


def test_what_was_never_published_is_said_so(tmp_path: Path) -> None:
    with open_home(tmp_path / "home") as home:
        assert freshness(home.instance, promised(home, HOURLY), 0) == "never published"
