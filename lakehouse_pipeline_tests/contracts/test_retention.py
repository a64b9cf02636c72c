from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse_pipeline.contracts.freshness import lateness
from lakehouse_pipeline.contracts.model import Freshness
from lakehouse_pipeline.contracts.retention import DAY_SECONDS, expiries
from lakehouse_pipeline.names import LANDING, Layer
from lakehouse_pipeline_tests.contracts.contract_text import contract_of

CONTRACT = contract_of()
PLACES = st.sampled_from([LANDING, *map(str, Layer)])
DAYS = st.integers(1, 4000).map(float)
NOW = 2_000_000_000.0


@pytest.mark.parametrize(("more", "leaves"), [(-1, False), (0, False), (1, True)])
def test_a_batch_stays_for_exactly_its_days(more: float, leaves: bool) -> None:
    contract = replace(CONTRACT, retention={"raw": 30})
    found = expiries(contract, {"may": NOW - 30 * DAY_SECONDS - more}, NOW)
    assert bool(found) is leaves


def test_consumers_lose_it_first_and_raw_goes_last() -> None:
    contract = replace(CONTRACT, retention=dict.fromkeys([LANDING, *Layer], 1.0))
    found = expiries(contract, {"a": 0, "b": 0}, NOW)
    assert [(e.layer, e.batch) for e in found] == [
        (layer, batch)
        for layer in ("published", "anonymized", "validated", "quarantined", "raw", "landing")
        for batch in ("a", "b")
    ]


@given(
    retention=st.dictionaries(PLACES, DAYS),
    ages=st.dictionaries(st.text(min_size=1, max_size=3), st.integers(0, 4001 * 86_400)),
)
def test_every_layer_loses_what_is_older_than_its_own_days_and_nothing_else(
    retention: dict[str, float], ages: dict[str, int]
) -> None:
    contract = replace(CONTRACT, retention=retention)
    arrived = {batch: NOW - age for batch, age in ages.items()}
    found = expiries(contract, arrived, NOW)
    assert len(found) == len({(e.batch, e.layer) for e in found})
    assert {(e.batch, e.layer) for e in found} == {
        (batch, layer)
        for batch, age in ages.items()
        for layer, days in retention.items()
        if age > days * 86_400
    }
    later = expiries(contract, arrived, NOW + 86_400)
    assert {(e.batch, e.layer) for e in found} <= {(e.batch, e.layer) for e in later}


@pytest.mark.parametrize(
    ("passed", "late"), [(3600, -600), (4200, 0), (4201, 1), (86_400, 86_400 - 4200)]
)
def test_a_dataset_is_late_when_frequency_and_latency_have_passed(
    passed: float, late: float
) -> None:
    promise = Freshness(frequency=3600, latency=600)
    assert lateness(promise, NOW, NOW + passed) == late
