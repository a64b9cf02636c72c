import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse_pipeline.api.denials import KINDS, Denial, Denials
from lakehouse_pipeline.orchestration.event_stream import Chosen, Told, events_after
from lakehouse_pipeline.orchestration.office import Office, open_office
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.homes import add_contract, contract_text

DENIAL = Denial("Ann", "192.0.2.1", "GET /events", None, "role")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    settings = Settings(home=tmp_path / "home")
    add_contract(settings, contract_text(dataset="sales"))
    with open_office(settings) as opened:
        yield opened


def on_record(office: Office) -> list[Told]:
    found, _ = events_after(office.instance, Chosen(), 0, 1000)
    return [event for event in found if event.type == "AccessDenied"]


def test_the_first_of_a_kind_is_on_record_at_once_and_the_others_as_a_number(
    office: Office,
) -> None:
    denials = Denials(office)

    async def many() -> None:
        for _ in range(50):
            await denials.note(DENIAL)
        assert [event.facts["times"] for event in on_record(office)] == [1]
        await denials.flush()
        await denials.flush()

    asyncio.run(many())
    assert [event.facts["times"] for event in on_record(office)] == [1, 49]
    assert {event.dataset for event in on_record(office)} == {None}


def test_after_the_minute_the_next_one_is_on_record_at_once_again(office: Office) -> None:
    denials = Denials(office)

    async def two_minutes() -> None:
        await denials.note(DENIAL)
        await denials.flush()
        await denials.note(DENIAL)

    asyncio.run(two_minutes())
    assert [event.facts["times"] for event in on_record(office)] == [1, 1]


def test_more_kinds_than_many_are_counted_as_one_and_none_is_left_out(office: Office) -> None:
    denials = Denials(office)

    async def many() -> None:
        for number in range(KINDS + 40):
            await denials.note(replace(DENIAL, client=str(number)))
        await denials.flush()

    asyncio.run(many())
    events = on_record(office)
    assert len(events) == KINDS + 1
    assert events[-1].facts["client"] == "many callers"
    assert sum(int(str(event.facts["times"])) for event in events) == KINDS + 40


def test_a_dataset_that_is_not_there_makes_no_asset(office: Office) -> None:
    denials = Denials(office)

    async def both() -> None:
        await denials.note(replace(DENIAL, dataset="sales"))
        await denials.note(replace(DENIAL, dataset="../made up"))

    asyncio.run(both())
    assert [event.dataset for event in on_record(office)] == ["sales", None]
