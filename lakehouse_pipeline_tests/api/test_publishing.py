"""Batches withdrawn and published again, versions retired, quarantine as suppliers read it."""

import csv
import io

import yaml

from lakehouse_pipeline_tests.api.client import PUBLISHED, Api

SAID = {"by": "Sam", "why": "the supplier said so"}


def test_a_batch_is_withdrawn_and_published_again(api: Api) -> None:
    batch = api.published(api.dataset("withdrawn"))
    path = f"/datasets/withdrawn/batches/{batch}"
    done = api.post(f"{path}/withdraw", SAID)
    assert (done.status, done.json["batch"]["state"]) == (200, "refused"), done
    gate = api.get(path).json["checks"][-1]
    assert (gate["name"], gate["passed"], gate["severity"]) == ("gate", False, "ERROR")
    assert gate["why"] == "held: by Sam: the supplier said so"
    assert api.events("withdrawn")[-1]["actor"] == "Sam"
    assert "BatchQuarantined" in [event["type"] for event in api.events("withdrawn")]
    api.post("/datasets/withdrawn/download-url", {"batch_id": batch}).problem(409)
    back = api.post(f"{path}/publish", SAID)
    assert (back.status, back.json["waived"]) == (200, ["held"])
    assert back.json["batch"]["state"] == "published"
    assert api.get(api.download_url("withdrawn", batch_id=batch)).body == PUBLISHED


def test_publishing_says_why_it_does_nothing(api: Api) -> None:
    batch = api.published(api.dataset("not_held"))
    path = f"/datasets/not_held/batches/{batch}"
    assert "is not held back" in api.post(f"{path}/publish", SAID).problem(409)
    api.post(f"{path}/withdraw", {"by": "Sam"}).problem(422)
    api.post("/datasets/not_held/batches/none-01234567/withdraw", SAID).problem(404)


def test_records_or_a_rule_are_released_but_not_both(api: Api) -> None:
    api.dataset("by_rule")
    api.post("/contracts", {"dataset": "by_rule", "quality_rules": {"amount": "<100"}})
    batch = api.published("by_rule", b"id,amount\n1,5\n2,500\n3,x\n")
    release = f"/datasets/by_rule/batches/{batch}/release"
    both = api.post(release, SAID | {"records": [2], "rule": "amount.exclusiveMaximum"})
    assert "not both" in both.problem(422)
    assert "Did you mean" in api.post(release, SAID | {"rule": "amount.typ"}).problem(404)
    assert "never released" in api.post(release, SAID | {"rule": "amount.type"}).problem(409)
    done = api.post(release, SAID | {"rule": "amount.exclusiveMaximum"})
    assert (done.json["released"], done.json["batch"]["published"]) == (1, 2)


def test_an_empty_rule_is_not_the_batch_as_a_whole(api: Api) -> None:
    api.dataset("gated")
    text = "id,amount\n1,5\n2,x\n3,y\n4,z\n5,z\n"
    document = yaml.safe_load((api.home / "contracts" / "gated" / "1.0.0.yaml").read_text())
    publish = {"mode": "append", "maxQuarantinedPercent": 10}
    document["customProperties"] = [{"property": "publish", "value": publish}]
    document["version"] = "2.0.0"
    assert api.post("/contracts", document).json["state"] == "active"
    batch = api.published("gated", text.encode())
    said = api.post(f"/datasets/gated/batches/{batch}/release", SAID | {"rule": ""}).problem(422)
    assert said.startswith("body.rule: ")
    assert api.get(f"/datasets/gated/batches/{batch}").json["state"] == "refused"
    said = api.post("/replay", {"dataset": "gated", "batch_id": ""}).problem(422)
    assert said.startswith("body.batch_id: ")


def test_a_version_is_retired_for_good(api: Api) -> None:
    api.dataset("retired")
    api.post("/contracts", {"dataset": "retired", "retention_days": 3})
    retire = "/datasets/retired/contracts/retire"
    api.post(retire, SAID).problem(422)
    api.post(retire, SAID | {"version": "2.0.0"}).problem(409)
    api.post(retire, SAID | {"version": "7.0.0"}).problem(404)
    done = api.post(retire, SAID | {"version": "1.0.0"})
    assert (done.status, [line["step"] for line in done.json["steps"]]) == (200, ["retired"])
    states = {
        v["version"]: v["state"] for v in api.get("/datasets/retired/contracts").json["items"]
    }
    assert states == {"1.0.0": "retired", "2.0.0": "active"}


def test_quarantine_is_exported_in_words_corrected_and_sent_back(api: Api) -> None:
    batch = api.published(api.dataset("reported"))
    answer = api.get("/datasets/reported/quarantine/export?lang=de&by=Ann")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "reported-quarantine.csv" in answer.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.body.decode()))
    assert row["reasons"] == "amount muss eine Zahl mit höchstens 17 Stellen und Dezimalpunkt sein."
    assert (row["batch"], row["record"], row["id"], row["amount"]) == (batch, "2", "2", "x")
    taken = api.events("reported")[-1]
    assert (taken["type"], taken["actor"], taken["facts"]["records"]) == ("DataConsumed", "Ann", 1)
    back = answer.body.replace(b",2,x,", b",2,8,")
    path = f"/datasets/reported/batches/{batch}/corrections?by=Ann"
    assert api.call("POST", path, back).json["passed"] == 1
    assert list((api.home / "tmp").glob("*/report.csv")) == []


def test_reasons_are_listed_by_how_many_broke_them(api: Api) -> None:
    api.dataset("reasons")
    api.published("reasons", b"id,amount\nx,1\ny,2\n3,z\n4,4\n")
    path = "/datasets/reasons/quarantine/reasons"
    first = api.get(f"{path}?limit=1").json
    assert first["items"] == [
        {
            "rule": "id.type",
            "column": "id",
            "records": 2,
            "sentence": "id must be a whole number (BIGINT).",
        }
    ]
    assert (first["total"], first["next_offset"]) == (2, 1)
    (german,) = api.get(f"{path}?lang=de&offset=1").json["items"]
    why = "amount muss eine Zahl mit höchstens 17 Stellen und Dezimalpunkt sein."
    assert german["sentence"] == why
    api.get(f"{path}?batch=none-01234567").problem(404)
    api.get(f"{path}?lang=fr").problem(422)
    api.get("/datasets/reasons/quarantine/export?batch=none-01234567").problem(404)
