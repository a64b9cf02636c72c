"""How long records are kept, and how fresh data is promised."""

import pytest

from lakehouse_pipeline.contracts.model import Freshness
from lakehouse_pipeline.contracts.service_levels import KEPT
from lakehouse_pipeline_tests.contracts.contract_text import (
    contract_of,
    contract_text,
    custom,
    messages_of,
    problems_of,
)

NOT_ENFORCED = "is not enforced by this version of lakehouse_pipeline; "
DURATIONS = (
    "min, minute, minutes, h, hr, hour, hours, d, day, days, w, week, weeks, month, months, y, "
    "yr, year, years"
)


def levels(*items: str) -> str:
    listed = ", ".join(f"{{property: {item}}}" for item in items)
    return f"slaProperties: [{listed}]\n"


@pytest.mark.parametrize(
    ("value", "days"),
    [
        ("value: 30, unit: d", 30.0),
        ("value: 2, unit: w", 14.0),
        ("value: 6, unit: m", 180.0),
        ("value: 7, unit: y", 2555.0),
        ("value: 1.5, unit: Years", 547.5),
    ],
)
def test_the_retention_is_counted_in_days(value: str, days: float) -> None:
    contract = contract_of(top=levels(f"retention, {value}"))
    assert contract.retention == dict.fromkeys(KEPT, days)


def test_the_retention_of_a_layer_takes_the_place_of_the_service_level() -> None:
    value = "{landing: 0.5, raw: 90, published: 730}"
    assert contract_of(top=custom("retention", value)).retention == {
        "landing": 0.5,
        "raw": 90.0,
        "published": 730.0,
    }
    top = custom("retention", value) + levels("retention, value: 1, unit: y")
    assert contract_of(top=top).retention == {
        "landing": 0.5,
        "raw": 90.0,
        "quarantined": 365.0,
        "validated": 365.0,
        "anonymized": 365.0,
        "published": 730.0,
    }


def test_without_a_retention_records_are_kept_for_ever() -> None:
    assert contract_of().retention == {}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "{rwa: 1}",
            "unknown key 'rwa' in retention. Did you mean 'raw'? Known: " + ", ".join(KEPT),
        ),
        ("{raw: 0}", "'raw': expected a number of days above 0"),
        ("{raw: 90 days}", "'raw': expected a number of days above 0"),
        ("{raw: true}", "'raw': expected a number of days above 0"),
        ("90", f"'retention': expected a mapping with the keys {', '.join(KEPT)}"),
    ],
)
def test_a_retention_of_a_layer_that_cannot_be_counted_is_refused(value: str, message: str) -> None:
    assert messages_of(contract_text(top=custom("retention", value))) == [message]


@pytest.mark.parametrize(
    ("items", "freshness"),
    [
        (["frequency, value: 1, unit: d"], Freshness(86_400.0)),
        (["frequency, value: 30, unit: min"], Freshness(1_800.0)),
        (
            ["frequency, value: 1, unit: week", "latency, value: 4, unit: Hours"],
            Freshness(604_800.0, 14_400.0),
        ),
        (["ly, value: 0, unit: h", "FY, value: 0.5, unit: h"], Freshness(1_800.0)),
        (["frequency, value: 1, unit: month"], Freshness(30 * 86_400.0)),
        (["frequency, value: 2, unit: y"], Freshness(730 * 86_400.0)),
        (["latency, value: soon"], None),
        (["availability, value: 99.9, unit: percent"], None),
    ],
)
def test_freshness_is_a_frequency_with_a_latency(
    items: list[str], freshness: Freshness | None
) -> None:
    assert contract_of(top=levels(*items)).freshness == freshness


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("retention, value: 0, unit: d", "'retention': expected a number above 0"),
        ("re, value: long, unit: d", "'retention': expected a number above 0"),
        ("retention, value: 1e999, unit: d", "'retention': expected a number above 0"),
        (
            "retention, value: 1",
            (
                "'retention' needs a 'unit'; known: d, day, days, w, week, weeks, m, month, "
                "months, y, yr, year, years"
            ),
        ),
        (
            "retention, value: 1, unit: d, element: orders.day",
            f"'element' of a retention {NOT_ENFORCED}remove it",
        ),
        (
            "frequency, value: 1, unit: d, element: orders.day",
            f"'element' of a frequency {NOT_ENFORCED}remove it",
        ),
        ("frequency, value: 0, unit: d", "'frequency': expected a number above 0"),
        ("frequency, value: daily, unit: d", "'frequency': expected a number above 0"),
        ("frequency, value: 5, unit: m", f"'frequency': unknown unit 'm'; known: {DURATIONS}"),
    ],
)
def test_a_service_level_that_cannot_be_counted_is_refused(item: str, message: str) -> None:
    assert messages_of(contract_text(top=levels(item))) == [message]


def test_a_latency_below_zero_is_refused() -> None:
    top = levels("frequency, value: 1, unit: d", "latency, value: -1, unit: h")
    assert problems_of(contract_text(top=top)) == [
        "orders.yaml:7:86: 'latency': expected a number of 0 or more"
    ]


def test_a_service_level_may_not_stand_there_twice() -> None:
    item = "frequency, value: 1, unit: d"
    assert messages_of(contract_text(top=levels(item, item))) == ["'frequency' stands there twice"]
