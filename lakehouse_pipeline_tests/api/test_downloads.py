"""What of published data can be downloaded: batches, ranges, columns, conditions, versions."""

from typing import Any

import pytest

from lakehouse_pipeline_tests.api.client import Api

MAY = b"id,amount\n1,9.5\n2,x\n3,7\n"
JUNE = b"id,amount\n4,20\n5,1\n"


@pytest.fixture(scope="module")
def twice(api: Api) -> tuple[str, str]:
    """Return two batches of the dataset `parts`, published one after the other."""
    api.dataset("parts")
    return api.published("parts", MAY, "may.csv"), api.published("parts", JUNE, "june.csv")


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        ({"all": True}, b"4,20.0\n5,1.0\n1,9.5\n3,7.0\n"),
        ({"from": "june", "to": "june"}, b"4,20.0\n5,1.0\n"),
        ({"from": "k"}, b"1,9.5\n3,7.0\n"),
        ({"all": True, "where": "amount > 8"}, b"4,20.0\n1,9.5\n"),
        ({"all": True, "version": 0}, b""),
        ({"all": True, "version": 1}, b"1,9.5\n3,7.0\n"),
    ],
)
def test_a_part_is_downloaded(
    api: Api, twice: tuple[str, str], wanted: dict[str, object], rows: bytes
) -> None:
    assert api.get(api.download_url("parts", **wanted)).body == b"id,amount\n" + rows


def test_batches_and_columns_are_chosen_by_name(api: Api, twice: tuple[str, str]) -> None:
    wanted: dict[str, Any] = {"batches": [*twice], "columns": ["_batch_id", "amount"]}
    body = api.get(api.download_url("parts", **wanted, where="id < 2 OR id = 4")).body
    assert body.decode() == f"_batch_id,amount\n{twice[1]},20.0\n{twice[0]},9.5\n"


def test_an_export_is_made_once_per_version(api: Api) -> None:
    api.published(api.dataset("once_made"))
    ask = "/datasets/once_made/download-url"
    first = api.post(ask, {"all": True}).json
    assert (first["reused"], api.post(ask, {"all": True}).json["reused"]) == (False, True)
    api.published("once_made", JUNE, "june.csv")
    newer = api.post(ask, {"all": True}).json
    assert newer["reused"] is False
    assert newer["version"] > first["version"]
    older = api.post(ask, {"all": True, "version": first["version"]}).json
    assert older["url"].partition("?")[0] == first["url"].partition("?")[0]


@pytest.mark.parametrize(
    ("wanted", "status", "said"),
    [
        ({"all": True, "columns": ["amout"]}, 422, "Did you mean 'amount'"),
        ({"all": True, "where": "read_csv('/etc/passwd') IS NULL"}, 422, "read_csv"),
        ({"all": True, "where": "getenv('HOME') = 'x'"}, 422, "getenv"),
        ({"all": True, "where": "id = (SELECT 1)"}, 422, "the filter"),
        ({"all": True, "where": "id = 1) OR (1=1"}, 422, "the filter"),
        ({"all": True, "version": 99}, 404, "version 99"),
        ({"batches": ["may"]}, 404, "may"),
        ({"all": True, "from": "a"}, 422, "give one of"),
        ({"all": False}, 422, "give one of"),
        ({"all": True, "format": "xlsx"}, 422, "body.format"),
    ],
)
def test_a_part_that_is_none_is_refused(
    api: Api, twice: tuple[str, str], wanted: dict[str, object], status: int, said: str
) -> None:
    assert said in api.post("/datasets/parts/download-url", wanted).problem(status)


def test_an_event_says_what_was_taken_and_never_the_condition(
    api: Api, twice: tuple[str, str]
) -> None:
    api.download_url("parts", all=True, where="amount = 1234567.25", columns=["id"])
    told = api.events("parts")[-1]
    assert (told["type"], told["facts"]["columns"], told["facts"]["filtered"]) == (
        "SignedUrlCreated",
        "id",
        1,
    )
    assert "1234567" not in api.get("/events?dataset=parts&limit=1000").body.decode()


def test_a_file_of_a_like_name_is_not_given_for_another(api: Api) -> None:
    dataset = api.dataset("like")
    api.published(dataset, b"id,amount\n1,1\n", "nord 1.csv")
    newer = api.published(dataset, b"id,amount\n2,2\n", "nord_1.csv")
    assert api.get(api.download_url(dataset, filename="nord 1.csv")).body == b"id,amount\n1,1.0\n"
    assert api.get(api.download_url(dataset, filename="nord_1.csv")).body == b"id,amount\n2,2.0\n"
    asked = f"/datasets/{dataset}/download-url"
    for name in ("nord#1.csv", "\0"):
        said = api.post(asked, {"filename": name}).problem(409)
        assert "no batch has come from a file of this name" in said
    assert api.post(asked, {"filename": f"{newer}.csv"}).json["batch_id"] == newer


def test_of_a_file_that_came_again_the_newest_is_given(api: Api) -> None:
    dataset = api.dataset("renewed")
    api.published(dataset, b"id,amount\n1,1\n", "süd.csv")
    api.published(dataset, b"id,amount\n2,2\n", "süd.csv")
    assert api.get(api.download_url(dataset, filename="süd.csv")).body == b"id,amount\n2,2.0\n"
