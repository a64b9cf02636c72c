import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lakehouse_pipeline_tests.api.client import Answer, Api
from lakehouse_pipeline_tests.homes import contract_text


def test_a_dataset_of_every_type_is_registered(api: Api) -> None:
    columns = {
        "a": "int",
        "b": "integer",
        "c": "float",
        "d": "number",
        "e": "decimal(12,2)",
        "f": "string",
        "g": "bool",
        "h": "date",
        "i": "timestamp",
    }
    api.dataset("typed", **columns)
    shown = api.get("/datasets/typed").json
    assert [column["type"] for column in shown["columns"]] == [
        "BIGINT",
        "BIGINT",
        "DOUBLE",
        "DOUBLE",
        "DECIMAL(12,2)",
        "VARCHAR",
        "BOOLEAN",
        "DATE",
        "TIMESTAMP WITH TIME ZONE",
    ]
    assert (shown["version"], shown["state"]) == ("1.0.0", "active")


def test_an_unknown_type_is_a_problem_that_names_the_nearest(api: Api) -> None:
    said = api.post("/datasets", {"name": "never_made", "schema": {"id": "itn"}}).problem(422)
    assert said.startswith("schema, column 'id': unknown type 'itn'. Did you mean 'int'?")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"name": "no name", "schema": {"id": "int"}}, 422, "dataset name"),
        ({"name": "empty", "schema": {}}, 422, "expected a column at least"),
        ({"name": "never_made"}, 422, "body.schema: Field required"),
        ({"name": "never_made", "schema": {"id": "int"}, "shema": 1}, 422, "body.shema: Extra"),
        ({"name": "never_made", "schema": {"id": "decimal(99,2)"}}, 422, "DECIMAL takes 1 to 38"),
    ],
)
def test_what_is_no_dataset_is_a_problem(
    api: Api, body: dict[str, object], status: int, said: str
) -> None:
    assert said in api.post("/datasets", body).problem(status)


def test_a_dataset_is_registered_once(api: Api) -> None:
    api.dataset("once")
    said = api.post("/datasets", {"name": "once", "schema": {"id": "int"}}).problem(409)
    assert "registered already" in said


def test_rules_make_the_next_version_active_while_no_batch_has_arrived(api: Api) -> None:
    api.dataset("ruled")
    rules = {"privacy_rules": {"id": "mask"}, "quality_rules": {"amount": ">0"}}
    made = api.post("/contracts", {"dataset": "ruled", "retention_days": 30, **rules})
    assert (made.status, made.json["version"], made.json["state"]) == (201, "2.0.0", "active")
    batch = api.published("ruled", b"id,amount\n123,1.5\n4,0\n")
    shown = api.get(f"/datasets/ruled/batches/{batch}").json
    assert shown["rules"] == {"amount.exclusiveMinimum": 1}
    assert [(check["name"], check["passed"], check["why"]) for check in shown["checks"]] == [
        ("rules", False, "1 of 2 records quarantined."),
        ("gate", True, ""),
    ]
    assert [check["severity"] for check in shown["checks"]] == ["WARN", "ERROR"]
    assert api.get(api.download_url("ruled", all=True)).body == b"id,amount\n***,1.5\n"
    again = api.post("/contracts", {"dataset": "ruled", "retention_days": 30})
    assert (again.status, again.json["version"]) == (200, "2.0.0")


def test_a_breaking_version_waits_when_batches_are_there(api: Api) -> None:
    api.published(api.dataset("broken"))
    made = api.post("/contracts", {"dataset": "broken", "quality_rules": {"amount": ["> 0"]}})
    assert (made.status, made.json["state"]) == (201, "draft")
    assert made.json["breaking"] == ["column 'amount': Values must now be more than 0."]
    step = "/datasets/broken/contracts/activate"
    api.post(step, {"by": "Sam", "why": "agreed"}).problem(409)
    done = api.post(step, {"by": "Sam", "why": "agreed", "breaking": True})
    assert [line["step"] for line in done.json["steps"]] == ["activated"]


def test_a_whole_document_waits_for_somebody_else_and_its_batches_go_on(api: Api) -> None:
    text = contract_text(dataset="orders", percent=100)
    kind = {"Content-Type": "application/yaml"}
    made = api.call("POST", "/contracts?by=Ann", text.encode(), kind)
    assert (made.status, made.json["state"]) == (201, "draft")
    assert "contract approve" in made.json["next"]
    api.post("/replay", {"dataset": "orders"}).problem(409)
    approve = "/datasets/orders/contracts/approve"
    assert "somebody else" in api.post(approve, {"by": "ANN", "why": "mine"}).problem(409)
    api.post(approve, {"by": "Sam"}).problem(422)
    assert api.post(approve, {"by": "Sam", "why": "agreed"}).status == 200
    (version,) = api.get("/datasets/orders/contracts").json["items"]
    assert (version["state"], version["approved_by"]) == ("active", "Sam")


def test_a_fault_in_a_document_is_named_by_line_and_column(api: Api) -> None:
    text = contract_text(dataset="faulty").replace("logicalType: integer", "logicalTpye: integer")
    answer = api.call("POST", "/contracts", text.encode())
    assert "Did you mean 'logicalType'?" in answer.problem(422)
    (fault,) = [p for p in answer.json["problems"] if "logicalTpye" in p["message"]]
    assert fault["line"] == 15
    assert str(api.home) not in answer.body.decode()


@pytest.mark.parametrize("body", [b"", b"[1]", b"\xff", b"{", b'{"dataset": "x", "why": 3}'])
def test_what_is_no_contract_is_a_problem(api: Api, body: bytes) -> None:
    api.call("POST", "/contracts", body).problem(422)


@pytest.mark.parametrize("depth", [65, 500, 5000])
def test_a_body_that_is_nested_too_deep_is_a_problem_and_no_bug(api: Api, depth: int) -> None:
    nested = "[" * depth + "]" * depth
    rules = f'{{"dataset": "x", "privacy_rules": {{"id": {{"technique": {nested}}}}}}}'
    for body in (nested, f'{{"x": {nested}}}', rules):
        said = api.call("POST", "/contracts", body.encode()).problem(422)
        assert "nested more than 64 levels deep" in said or "expected {" in said


@pytest.mark.parametrize("body", [b"null", b"5", b"[]", b'"sales"', b"sales"])
def test_what_is_no_object_says_what_was_expected(api: Api, body: bytes) -> None:
    said = api.call("POST", "/contracts", body).problem(422)
    assert said == 'body: expected {"dataset": …, "retention_days": …} or a whole ODCS document'


def test_json_that_is_not_called_json_is_told_how(api: Api) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}  # what `curl -d` says
    body = b'{"name": "never_made", "schema": {"id": "int"}}'
    said = api.call("POST", "/datasets", body, form).problem(422)
    assert said == "body: expected JSON, sent with the header Content-Type: application/json"


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/contracts", {"dataset": "flagged", "retention_days": True}, "retention_days"),
        (
            "/upload-url",
            {"dataset": "flagged", "filename": "a.csv", "max_bytes": True},
            "max_bytes",
        ),
        ("/query", {"sql": "SELECT 1", "limit": True}, "limit"),
    ],
)
def test_a_flag_is_no_number(api: Api, path: str, body: dict[str, object], where: str) -> None:
    api.post("/datasets", {"name": "flagged", "schema": {"id": "int"}})
    said = api.post(path, body).problem(422)
    assert f"{where}: Value error, true and false have no meaning here" in said


def test_a_version_that_is_taken_is_told_without_the_folder_of_the_home(api: Api) -> None:
    text = contract_text(dataset="taken")
    assert api.call("POST", "/contracts", text.encode()).status == 201
    other = text.replace("status: active", "status: active\ntags: [other]")
    said = api.call("POST", "/contracts", other.encode()).problem(409)
    assert "(contracts/taken/1.0.0.yaml)" in said
    assert str(api.home) not in said


def test_a_batch_that_is_none_has_no_quarantine(api: Api) -> None:
    api.published(api.dataset("asked_for"))
    said = api.get("/datasets/asked_for/quarantine?batch=mai-00000000").problem(404)
    assert said.startswith("dataset 'asked_for' has no batch 'mai-00000000'.")


def test_a_name_that_is_too_long_is_told_in_characters(api: Api) -> None:
    said = api.post("/datasets", {"name": "x" * 101, "schema": {"id": "int"}}).problem(422)
    assert said == "body.name: String should have at most 100 characters"


@pytest.mark.parametrize("path", ["/datasets", "/contracts", "/replay"])
def test_a_body_that_is_too_large_is_refused_however_it_comes(api: Api, path: str) -> None:
    pieces = (b" " * 2**20 for _ in range(5))
    kind = {"Content-Type": "application/json"}
    assert "larger than" in api.call("POST", path, pieces, kind).problem(413)


def test_a_deprecated_dataset_takes_no_files(api: Api) -> None:
    api.dataset("over")
    api.post("/datasets/over/contracts/deprecate", {"by": "Sam", "why": "replaced"})
    said = api.post("/datasets/over/upload-url", {"filename": "a.csv"}).problem(409)
    assert "was deprecated by Sam" in said


def test_quarantined_records_come_in_pages_with_their_reasons(api: Api) -> None:
    api.dataset("held")
    api.published("held", b"id,amount\n" + b"x,1\n" * 5 + b"1,1\n")
    first = api.get("/datasets/held/quarantine?limit=3").json
    last = api.get(f"/datasets/held/quarantine?limit=3&offset={first['next_offset']}").json
    numbers = [record["record"] for page in (first, last) for record in page["items"]]
    assert (numbers, last["next_offset"]) == ([1, 2, 3, 4, 5], None)
    assert first["items"][0]["reasons"][0]["rule"] == "id.type"
    assert first["rules"] == {"id.type": 5}


def test_corrected_records_come_back(api: Api) -> None:
    batch = api.published(api.dataset("corrected"))
    back = f"batch,record,id,amount\n{batch},2,2,8\n".encode()
    done = api.call("POST", f"/datasets/corrected/batches/{batch}/corrections?by=Ann", back)
    assert done.status == 200, done
    assert (done.json["corrected"], done.json["passed"]) == (1, 1)
    body = api.get(api.download_url("corrected", filename="may.csv")).body
    assert body == b"id,amount\n1,9.5\n2,8.0\n3,7.0\n"


def test_a_record_that_breaks_a_rule_is_released(api: Api) -> None:
    api.dataset("released")
    api.post("/contracts", {"dataset": "released", "quality_rules": {"amount": "<100"}})
    batch = api.published("released", b"id,amount\n1,5\n2,500\n")
    release = f"/datasets/released/batches/{batch}/release"
    done = api.post(release, {"by": "Sam", "why": "a real sale", "records": [2]})
    assert (done.status, done.json["batch"]["published"]) == (200, 2)
    assert api.events("released")[-1]["type"] == "QuarantineReleased"


def test_formats_hold_the_same_records(api: Api, tmp_path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    api.published(api.dataset("formats"))
    tables = {}
    for form in ("parquet", "arrow"):
        body = api.get(api.download_url("formats", all=True, format=form)).body
        (tmp_path / form).write_bytes(body)
    tables["parquet"] = pq.read_table(tmp_path / "parquet")
    tables["arrow"] = pa.ipc.open_file((tmp_path / "arrow").read_bytes()).read_all()
    for table in tables.values():
        assert table.to_pylist() == [{"id": 1, "amount": 9.5}, {"id": 3, "amount": 7.0}]


def test_a_download_says_what_it_wants(api: Api) -> None:
    api.dataset("unsaid")
    url = "/datasets/unsaid/download-url"
    assert "give one of" in api.post(url, {}).problem(422)
    assert "is not published" in api.post(url, {"all": True}).problem(409)
    assert "no batch has come" in api.post(url, {"filename": "a.csv"}).problem(409)
    api.post(url, {"batch_id": "a-01234567"}).problem(404)


def test_a_repeated_key_gets_the_first_answer(api: Api) -> None:
    body = {"name": "keyed", "schema": {"id": "int"}}
    first = api.post("/datasets", body, Idempotency_Key="k-1")
    again = api.post("/datasets", body, Idempotency_Key="k-1")
    assert (first.status, again.status, first.body) == (201, 201, again.body)
    assert again.headers["idempotent-replayed"] == "true"
    other = body | {"name": "other"}
    assert "another body" in api.post("/datasets", other, Idempotency_Key="k-1").problem(422)
    assert api.get("/datasets/other").status == 404
    assert api.post("/datasets", body, Idempotency_Key="k-2").status == 409


def test_of_calls_at_once_with_one_key_one_is_done(api: Api) -> None:
    api.dataset("at_once")
    body = {"filename": "a.csv"}

    def ask(_: int) -> Answer:
        return api.post("/datasets/at_once/upload-url", body, Idempotency_Key="k-3")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert {answer.status for answer in answers} <= {200, 409}
    assert len({answer.body for answer in answers if answer.status == 200}) == 1
    assert [event["type"] for event in api.events("at_once")].count("SignedUrlCreated") == 1


def test_lists_come_in_pages(api: Api) -> None:
    for name in ("page_a", "page_b"):
        api.dataset(name)
    first = api.get("/datasets?limit=1").json
    assert (len(first["items"]), first["next_offset"]) == (1, 1)
    second = api.get("/datasets?limit=1&offset=1").json
    assert second["items"][0]["dataset"] > first["items"][0]["dataset"]
    api.get("/datasets?limit=0").problem(422)


def test_events_are_read_on_from_a_cursor(api: Api) -> None:
    api.dataset("told")
    first = api.get("/events?dataset=told&limit=2").json
    rest = api.get(f"/events?dataset=told&cursor={first['cursor']}").json
    assert [event["type"] for event in first["items"] + rest["items"]] == [
        "DatasetRegistered",
        "DataContractDefined",
        "DatasetVersionActivated",
    ]
    lines = api.get("/events?dataset=told&type=DatasetRegistered", Accept="application/x-ndjson")
    (event,) = [json.loads(line) for line in lines.body.splitlines()]
    assert (event["dataset"], event["actor"]) == ("told", "api")
    assert api.get(f"/events?dataset=told&cursor={rest['cursor']}").json["items"] == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
def test_a_web_page_cannot_reach_the_api(api: Api, headers: dict[str, str]) -> None:
    api.get("/datasets", **headers).problem(403)


def test_pages_of_the_api_itself_may_call_it(api: Api) -> None:
    assert api.get("/datasets", Origin=api.url).status == 200


@pytest.mark.parametrize("path", ["/datasets", "/datasets/none", "/docs", "/none"])
def test_answers_carry_security_headers(api: Api, path: str) -> None:
    headers = api.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "server" not in headers


def test_watchers_are_answered(api: Api) -> None:
    assert api.get("/healthz").json == {"status": "alive"}
    assert api.get("/readyz").json == {"status": "ready"}
    api.published(api.dataset("watched"))
    metrics = api.get("/metrics").body.decode().splitlines()
    assert any('route="/healthz"' in line for line in metrics)
    assert 'lakehouse_dataset_batches{dataset="watched"} 1.0' in metrics
    assert 'lakehouse_dataset_late_seconds{dataset="watched"} 0.0' in metrics
    published = 'lakehouse_dataset_published_timestamp_seconds{dataset="watched"} '
    (when,) = [line.removeprefix(published) for line in metrics if line.startswith(published)]
    assert 0 <= time.time() - float(when) < 600


def test_unknown_things_are_problems(api: Api) -> None:
    api.dataset("known")
    for path in ("/nothing", "/datasets/knwn", "/datasets/known/batches/no", "/replays/no"):
        api.get(path).problem(404)
    assert "Did you mean 'known'?" in api.get("/datasets/knwn").problem(404)
    api.call("DELETE", "/datasets").problem(405)
    api.post("/replay", {"dataset": "knwn"}).problem(404)


def test_an_address_that_is_none_says_where_they_are_listed(api: Api) -> None:
    said = api.get("/dataset").problem(404)
    assert said == "no call has this address. All of them are listed at /docs."
    assert "does not take DELETE" in api.call("DELETE", "/datasets").problem(405)


def test_the_reference_names_every_call(api: Api) -> None:
    paths = api.get("/openapi.json").json["paths"]
    assert paths.keys() >= {"/datasets", "/contracts", "/upload-url", "/replay", "/events"}
