"""Grants over HTTP: given, listed, revoked; downloads under one end with it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lakehouse_pipeline_tests.api.client import PUBLISHED, Api, until


def _grant(api: Api, dataset: str, expires: object = "2027-12-31", **more: object) -> Any:  # noqa: ANN401 JSON has no narrower type
    body = {"dataset": dataset, "consumer": "marketing", "purpose": "revenue report"}
    answer = api.post("/grants", body | {"expires": expires, "by": "Sam"} | more)
    assert answer.status == 201, answer
    return answer.json


def test_a_grant_is_an_event_and_is_read_back_from_it(api: Api) -> None:
    api.dataset("granted")
    grant = _grant(api, "granted")
    assert grant["state"] == "active"
    assert (grant["expires"], grant["granted_by"]) == ("2027-12-31T23:59:59Z", "Sam")
    told = api.events("granted")[-1]
    assert (told["type"], told["actor"], told["why"]) == (
        "ConsumptionGranted",
        "Sam",
        "revenue report",
    )
    assert told["facts"]["consumer"] == "marketing"
    assert api.get(f"/grants/{grant['id']}").json == grant
    assert api.get("/grants?dataset=granted").json["items"] == [grant]
    assert api.get("/grants?dataset=granted&consumer=sales").json["items"] == []


@pytest.mark.parametrize("way", ["delete", "post"])
def test_a_download_under_a_grant_works_until_it_is_revoked(api: Api, way: str) -> None:
    dataset = f"revoked_{way}"
    api.published(api.dataset(dataset))
    grant = _grant(api, dataset)["id"]
    url = api.download_url(dataset, all=True, grant=grant)
    assert api.get(url).body == PUBLISHED
    told = api.events(dataset)[-1]
    assert (told["type"], told["actor"], told["why"]) == (
        "DataConsumed",
        "marketing",
        "revenue report",
    )
    assert (told["facts"]["grant"], told["facts"]["consumer"]) == (grant, "marketing")
    if way == "delete":
        ended = api.call("DELETE", f"/grants/{grant}?by=Sam&why=over")
    else:
        api.post(f"/grants/{grant}/revoke", {"by": "Sam"}).problem(422)
        ended = api.post(f"/grants/{grant}/revoke", {"by": "Sam", "why": "over"})
    assert (ended.status, ended.json["state"], ended.json["revoked_why"]) == (
        200,
        "revoked",
        "over",
    )
    assert "was revoked by Sam" in api.get(url).problem(403)
    again = api.post(f"/datasets/{dataset}/download-url", {"all": True, "grant": grant})
    assert "was revoked" in again.problem(403)
    types = [event["type"] for event in api.events(dataset)]
    assert (types.count("ConsumptionRevoked"), types.count("DataConsumed")) == (1, 1)
    api.call("DELETE", f"/grants/{grant}?by=Sam&why=again")
    assert types == [event["type"] for event in api.events(dataset)]


def test_a_download_under_a_grant_ends_when_the_grant_expires(api: Api) -> None:
    api.published(api.dataset("expiring"))
    soon = datetime.now(UTC) + timedelta(seconds=3)
    grant = _grant(api, "expiring", soon.isoformat())
    wanted = {"all": True, "grant": grant["id"], "expires_seconds": 3600}
    signed = api.post("/datasets/expiring/download-url", wanted).json
    assert datetime.fromisoformat(signed["expires_at"]) <= soon
    until(lambda: datetime.now(UTC) > soon)
    assert "has expired" in api.get(signed["url"]).problem(403)
    assert "expired at" in api.post("/datasets/expiring/download-url", wanted).problem(403)
    assert api.get("/grants?dataset=expiring&state=expired").json["total"] == 1


def test_a_grant_is_for_its_dataset_and_stays_in_its_url(api: Api) -> None:
    for name in ("mine", "yours"):
        api.published(api.dataset(name))
    grant = _grant(api, "mine")["id"]
    wanted = {"all": True, "grant": grant}
    said = api.post("/datasets/yours/download-url", wanted).problem(403)
    assert "is for 'mine', not for 'yours'" in said
    url = api.download_url("mine", **wanted)
    assert "another object" in api.get(url.replace(f"granted/{grant}", "exports")).problem(403)
    other = _grant(api, "mine")["id"]
    assert "another object" in api.get(url.replace(grant, other)).problem(403)
    api.post("/datasets/mine/download-url", {"all": True, "grant": "mine-0123"}).problem(404)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"expires": "2020-01-01"}, "not in the future"),
        ({"expires": "9999-12-31"}, "too far"),
        ({"expires": "9999-12-31T23:59:59-12:00"}, "too far"),
        ({"expires": "0001-01-01T00:00:00+12:00"}, "not in the future"),
        ({"expires": "2027-12-31T10:00:00"}, "body.expires"),
        ({"consumer": "  "}, "body.consumer"),
        ({"purpose": ""}, "body.purpose"),
        ({"by": " "}, "'by' is empty"),
    ],
)
def test_what_is_no_grant_is_refused(api: Api, change: dict[str, str], said: str) -> None:
    api.post("/datasets", {"name": "no_grant", "schema": {"id": "int"}})
    body = {"dataset": "no_grant", "consumer": "a", "purpose": "b", "expires": "2027-01-01"}
    assert said in api.post("/grants", body | change).problem(422)
    api.post("/grants", body | {"dataset": "nobody"}).problem(404)
    assert api.get("/grants?dataset=no_grant").json["items"] == []


def test_a_time_without_its_zone_is_not_taken_for_a_day(api: Api) -> None:
    body = {"dataset": api.dataset("zoned"), "consumer": "research", "purpose": "a study"}
    said = api.post("/grants", body | {"expires": "2027-01-01T00:00:00"}).problem(422)
    assert "a time needs its zone, as 2027-12-31T18:00:00Z" in said
    assert api.post("/grants", body | {"expires": "2027-01-01T00:00:00Z"}).status == 201
