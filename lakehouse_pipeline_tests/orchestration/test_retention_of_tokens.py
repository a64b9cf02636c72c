"""The vault keeps the value behind a token for as long as some record has it, and no longer."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.byte_search import search
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.landing import Landing
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import LANDING, Layer
from lakehouse_pipeline.orchestration.keys import contract_key
from lakehouse_pipeline.orchestration.retention import (
    Gone,
    apply_retention,
    arrivals,
    overdue_records,
)
from lakehouse_pipeline.pipeline.expired_tokens import Forgotten
from lakehouse_pipeline.pipeline.retention import retain
from lakehouse_pipeline_tests.homes import (
    DATASET,
    HEADER,
    QUIET,
    Home,
    add_contract,
    contract_text,
    open_home,
)

DAYS = 30.0
EVERYWHERE: Mapping[str, float] = dict.fromkeys([LANDING, *Layer], DAYS)
OTHER = "letters"
ANN, BOB, CLEO = "0171 4401", "0171 4402", "0171 4403"


def tokenizing(dataset: str) -> str:
    """Return a contract whose telephone numbers have tokens of a vault that others use too."""
    text = contract_text(dataset=dataset)
    return text.replace("technique: drop", "technique: tokenize, vault: phones")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Yield a home with a batch of Ann and Bob."""
    with open_home(tmp_path / "home", tokenizing(DATASET), tokenizing(OTHER)) as opened:
        deliver(opened, "old.csv", ANN, BOB)
        yield opened


def deliver(home: Home, name: str, *phones: str, dataset: str = DATASET) -> None:
    first = 10 * len(home.states(dataset))
    lines = (f"{n},p@example.org,{phone},1,DE\n" for n, phone in enumerate(phones, first))
    home.drop(name, HEADER + "".join(lines), dataset)
    home.settle()


def when(home: Home, *, all_of_them: bool = True) -> float:
    """Return a moment in which the batches of orders, or only the first, are older than `DAYS`."""
    times = sorted(arrivals(home.instance, DATASET).times.values())
    since = times[-1] + 1 if all_of_them else sum(times[:2]) / 2
    return since + DAYS * 86_400


def keeping(home: Home, retention: Mapping[str, float]) -> Contract:
    return replace(ContractStore(home.settings.contracts).active(DATASET), retention=retention)


def left(home: Home, retention: Mapping[str, float], now: float | None = None) -> list[Gone]:
    """Apply a retention; the contracts of files are those of the home."""
    contract = keeping(home, retention)
    now = when(home) if now is None else now
    planned = overdue_records(home.instance, home.settings, contract, now)
    gone = list(apply_retention(home.instance, home.settings, contract, now, "ada"))
    assert gone == planned  # what a dry run shows is what leaves
    return gone


def kept(home: Home, *phones: str) -> list[str]:
    """Return those of `phones` whose bytes are in the vault's file."""
    vault = home.settings.home / "vault"
    return [phone for phone in phones if search([vault], phone).found]


def test_values_leave_the_vault_with_the_last_layer_that_has_them(home: Home) -> None:
    validated = {layer: DAYS for layer in EVERYWHERE if layer != Layer.PUBLISHED}
    assert not [gone for gone in left(home, validated) if isinstance(gone, Forgotten)]
    assert kept(home, ANN, BOB) == [ANN, BOB]
    assert left(home, EVERYWHERE)[-1] == Forgotten(DATASET, 2)
    assert kept(home, ANN, BOB) == []
    assert search([home.settings.home], ANN).found == ()
    assert left(home, EVERYWHERE) == []
    assert home.violations() == []


@pytest.mark.parametrize("layer", [Layer.VALIDATED, Layer.ANONYMIZED, Layer.PUBLISHED])
def test_each_layer_alone_keeps_its_values(home: Home, layer: Layer) -> None:
    left(home, {one: days for one, days in EVERYWHERE.items() if one != layer})
    assert kept(home, ANN, BOB) == [ANN, BOB]


def test_what_a_batch_that_stays_has_too_stays(home: Home) -> None:
    deliver(home, "new.csv", BOB, CLEO)
    tokens = dict(home.query(Layer.PUBLISHED, "SELECT order_id, phone FROM t"))
    gone = left(home, EVERYWHERE, when(home, all_of_them=False))
    assert gone[-1] == Forgotten(DATASET, 1)
    assert kept(home, ANN, BOB, CLEO) == [BOB, CLEO]
    left_over = dict(home.query(Layer.PUBLISHED, "SELECT order_id, phone FROM t"))
    assert left_over == {n: token for n, token in tokens.items() if n >= 10}


def test_what_another_dataset_has_stays_until_it_goes_there(home: Home) -> None:
    deliver(home, "letters.csv", BOB, dataset=OTHER)
    assert left(home, EVERYWHERE)[-1] == Forgotten(DATASET, 1)
    assert kept(home, ANN, BOB) == [BOB]
    for layer in Layer:
        batches = sorted(home.states(OTHER))
        Tables(home.settings.lake).remove(OTHER, layer, batches)
    assert left(home, EVERYWHERE) == [Forgotten(DATASET, 1)]
    assert kept(home, BOB) == []


def test_values_that_a_killed_run_left_go_with_the_next(home: Home) -> None:
    settings, contract, now = home.settings, keeping(home, EVERYWHERE), when(home)
    times = arrivals(home.instance, DATASET)
    assert list(retain(Tables(settings.lake), Landing(settings.landing), contract, times, now))
    assert kept(home, ANN, BOB) == [ANN, BOB]
    assert left(home, EVERYWHERE) == [Forgotten(DATASET, 2)]
    assert kept(home, ANN, BOB) == []


def test_what_left_the_vault_is_on_record_without_the_values(home: Home) -> None:
    left(home, EVERYWHERE)
    page = home.instance.fetch_observations(contract_key(DATASET), limit=1)
    observed = page.records[0].asset_observation
    assert observed is not None
    said = {key: value.value for key, value in observed.metadata.items()}
    assert said == {
        "lakehouse/event": "RetentionApplied",
        "layer": "vault",
        "values": 2,
        "actor": "ada",
        "why": "no record has these values any longer",
    }
    assert ANN.encode() not in home.everything_recorded()


def test_the_nightly_job_does_it_too(home: Home) -> None:
    brief = tokenizing(DATASET).replace("value: 365, unit: d", "value: 0.0000001, unit: d")
    add_contract(home.settings, brief.replace("1.0.0", "1.1.0"))
    job = home.definitions().resolve_job_def("retention")
    job.execute_in_process(instance=home.instance, run_config=QUIET)
    assert kept(home, ANN, BOB) == []


def test_a_value_that_comes_back_has_another_token(home: Home) -> None:
    (first,) = home.query(Layer.PUBLISHED, "SELECT phone FROM t WHERE order_id = 0")
    left(home, EVERYWHERE)
    deliver(home, "again.csv", ANN)
    (again,) = home.query(Layer.PUBLISHED, "SELECT phone FROM t")
    assert again != first
    assert kept(home, ANN, BOB) == [ANN]
