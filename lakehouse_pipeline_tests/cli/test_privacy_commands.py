"""A strict dataset through the product: measures, withheld records, tokens, a new key."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from lakehouse_pipeline.lake.keys import hash_key, key_id
from lakehouse_pipeline.lake.vault import Vault
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.keys import PRIVACY_CHECK
from lakehouse_pipeline.orchestration.metadata import as_plain
from lakehouse_pipeline_tests.cli.commands import Command, in_process
from lakehouse_pipeline_tests.homes import open_home

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
name: orders
version: 1.0.0
status: active
customProperties:
  - {property: compliance, value: strict}
  - property: privacy
    value: {quasiIdentifiers: [zip], k: 2, l: 2, t: 1, sensitive: [illness], below: suppress}
schema:
  - name: orders
    properties:
      - name: patient
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: tokenize}}]
      - name: email
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: hash}}]
      - name: zip
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: generalize, prefix: 2}}]
      - name: weight
        logicalType: integer
        classification: personal
        customProperties:
          - property: anonymize
            value: {technique: noise, epsilon: 0.5, sensitivity: 2, minimum: 30, maximum: 200}
      - {name: illness, logicalType: string}
"""
ROWS = """\
patient,email,zip,weight,illness
CanaryAnn,ann@x.org,10115,60,flu
CanaryBob,bob@x.org,10999,80,cold
CanaryCem,cem@x.org,80331,70,gout
"""


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clinic") / "home"
    with open_home(folder, CONTRACT) as home:
        home.drop("a.csv", ROWS)
        home.settle()
        (published,) = home.materialized(Layer.PUBLISHED)
        (anonymized,) = home.materialized(Layer.ANONYMIZED)
        (check,) = home.checks(PRIVACY_CHECK)
        violations = home.violations()
    said = as_plain(published.metadata)
    assert said["withheld_records"] == 1
    assert {key: said[key] for key in said if key.startswith("privacy/")} == {
        "privacy/k": 2.0,
        "privacy/l/illness": 2.0,
        "privacy/t/illness": 0.0,
        "privacy/published/k": 2.0,
        "privacy/published/l/illness": 2.0,
        "privacy/published/t/illness": 0.0,
    }
    assert as_plain(anonymized.metadata)["key_id"] == key_id(hash_key(folder / "keys"))
    assert as_plain(anonymized.metadata)["epsilon/weight"] == 0.5
    assert check.passed
    assert check.description == "1 records are withheld."
    assert violations == []
    return folder


@pytest.fixture
def command(
    clinic: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return in_process(clinic, monkeypatch, capsys)


def test_withheld_records_are_counted_beside_the_published(command: Command) -> None:
    (state,) = command("batches", "orders", "--json").json
    assert (state["published"], state["withheld"], state["validated"]) == (2, 1, 3)
    assert "withheld" in command("batches", "orders").out
    assert command("verify").code == 0


def test_a_token_is_read_with_a_name_and_a_reason_that_stay_on_record(
    command: Command, clinic: Path
) -> None:
    (row, _) = command("query", "SELECT patient FROM orders ORDER BY _record", "--json").json
    token = row["patient"]
    read = ("vault", "read", "orders", token, "--by", "dpo", "--why", "case 7")
    assert command(*read).out == "CanaryAnn\n"
    assert command("vault", "read", "orders", token, "--by", " ", "--why", "x").code == 2
    missing = command("vault", "read", "orders", "tok_0", "--by", "dpo", "--why", "x")
    assert (missing.code, missing.err.strip()) == (
        1,
        "orders: no tokenized column of this dataset has this token.",
    )
    (other,) = Vault(clinic / "vault").tokens("staff.name", pa.array(["somebody"])).to_pylist()
    elsewhere = command("vault", "read", "orders", other, "--by", "dpo", "--why", "x")
    assert (elsewhere.code, elsewhere.out, elsewhere.err) == (1, "", missing.err)
    for told in (("dpo", "letter of canaryann"), ("CanaryAnn", "case 8")):
        named = command("vault", "read", "orders", token, "--by", told[0], "--why", told[1])
        assert (named.code, named.out) == (2, "")
        assert "has the token's value in it and would stay on record" in named.err
    recorded = b"".join(p.read_bytes() for p in (clinic / "dagster").rglob("*") if p.is_file())
    assert recorded.count(b"withheld: it names the value") >= len(("dpo", "CanaryAnn"))
    allowed = {"landing", "vault"}
    layers = {"raw", "quarantined", "validated"}
    for path in (p for p in clinic.rglob("*") if p.is_file()):
        parts = path.relative_to(clinic).parts
        if parts[0] in allowed or (parts[0] == "lake" and parts[2] in layers):
            continue
        assert b"canary" not in path.read_bytes().lower(), path


def test_a_new_key_gives_other_hashes_and_says_what_is_left_under_the_old(
    command: Command, clinic: Path
) -> None:
    sql = "SELECT email FROM orders ORDER BY _record"
    before = command("query", sql, "--json").json
    old = key_id(hash_key(clinic / "keys"))
    rotated = command("key", "rotate", "--by", "dpo", "--why", "yearly")
    assert rotated.code == 0
    assert f"{old} is retired" in rotated.out
    assert "orders: lakehouse replay orders --from anonymized" in rotated.out
    assert command("query", sql, "--json").json == before
    assert command("replay", "orders", "--from", "anonymized").code == 0
    assert command("query", sql, "--json").json != before
    keys = json.loads(command("key", "list", "--json").out)
    assert keys["retired"] == [old]
    assert command("verify").code == 0
