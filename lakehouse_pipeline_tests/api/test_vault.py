"""The vault over HTTP: a token is read for a reason on record, and the value is left nowhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse_pipeline.lake.byte_search import search
from lakehouse_pipeline_tests.api.client import Api, serving

DATASET = "patients"
VALUE = "CanaryAnn Vault"
READ = f"/datasets/{DATASET}/vault/read"
ALLOWED = {"landing", "vault"}
LAYERS = {"raw", "quarantined", "validated"}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Api]:
    """Yield an API of a home of its own: these tests look at every byte of it."""
    with serving(tmp_path / "home") as running:
        yield running


def _token(api: Api) -> str:
    """Publish a record whose name is tokenized, and return its token."""
    api.dataset(DATASET, id="int", patient="string")
    rules = {"privacy_rules": {"patient": "tokenize"}}
    assert api.post("/contracts", {"dataset": DATASET, **rules}).status == 201
    api.published(DATASET, f"id,patient\n1,{VALUE}\n".encode())
    (row,) = api.post("/query", {"sql": f"SELECT patient FROM {DATASET}"}).json["rows"]
    return str(row["patient"])


def test_a_token_is_read_for_a_reason_and_its_value_is_left_nowhere(own: Api) -> None:
    token = _token(own)
    asked = {"token": token, "by": "Sam", "why": "complaint 4711"}
    said = own.post(READ, asked, Idempotency_Key="once")
    assert (said.status, said.json) == (200, {"value": VALUE})
    read = own.events(DATASET)[-1]
    assert (read["type"], read["actor"], read["why"]) == ("TokenRead", "Sam", "complaint 4711")
    assert read["facts"]["token"] == token
    own.post(READ, asked | {"why": " "}).problem(422)
    own.post(READ, asked | {"token": "tok_0"}).problem(404)
    told = own.post(READ, asked | {"why": f"a letter of {VALUE}"}).problem(422)
    assert VALUE not in told
    for found in search([own.home.parent], VALUE).found:
        parts = Path(found.path).relative_to(own.home).parts
        assert parts[0] in ALLOWED or (parts[0] == "lake" and parts[2] in LAYERS), found
