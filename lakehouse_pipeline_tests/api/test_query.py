"""`POST /query`: what it answers in which form, and that nothing gets out of its walls."""

import io
import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from threading import Thread

import psutil
import pyarrow as pa
import pytest

from lakehouse_pipeline_tests.api.client import Answer, Api, serving, until

ROWS = "SELECT id, amount FROM asked ORDER BY id"
ENDLESS = "SELECT count(*) FROM range(9999999999) a, range(99999999) b WHERE a.range=-b.range"


@pytest.fixture(scope="module", autouse=True)
def asked(api: Api) -> str:
    """Publish a dataset with a masked column, and return its batch."""
    api.dataset("asked", id="int", amount="float", person="string")
    api.post("/contracts", {"dataset": "asked", "privacy_rules": {"person": "mask"}})
    return api.published("asked", b"id,amount,person\n1,9.5,Miller\n2,x,Smith\n3,7,Jones\n")


def _ask(api: Api, sql: str, accept: str = "application/json", **more: object) -> Answer:
    return api.post("/query", {"sql": sql, **more}, Accept=accept)


def test_rows_come_as_json_unless_another_form_is_asked_for(api: Api) -> None:
    answer = _ask(api, ROWS, "*/*")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == {
        "columns": [{"name": "id", "type": "int64"}, {"name": "amount", "type": "double"}],
        "rows": [{"id": 1, "amount": 9.5}, {"id": 3, "amount": 7.0}],
        "cut": False,
    }


def test_rows_come_as_ndjson_csv_and_arrow(api: Api) -> None:
    lines = _ask(api, ROWS, "application/x-ndjson;q=0.9, text/html").body.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"id": 1, "amount": 9.5},
        {"id": 3, "amount": 7.0},
    ]
    assert _ask(api, ROWS, "text/csv").body == b"id,amount\n1,9.5\n3,7.0\n"
    arrow = _ask(api, ROWS, "application/vnd.apache.arrow.file").body
    assert pa.ipc.open_file(io.BytesIO(arrow)).read_all().to_pydict()["id"] == [1, 3]
    assert "application/json" in _ask(api, ROWS, "text/html").problem(406)


def test_values_that_json_has_no_word_for_are_texts(api: Api) -> None:
    sql = (
        "SELECT 1.50::DECIMAL(9,2) AS exact, 'nan'::DOUBLE AS nan, DATE '2024-01-06' AS day, "
        "'ab'::BLOB AS bytes, [1, 2] AS list, {'a': NULL} AS struct, sum(1) AS whole, "
        "INTERVAL 1 DAY AS span"
    )
    (row,) = _ask(api, sql).json["rows"]
    assert (row.pop("span"), row) != ("", {})
    assert row == {
        "exact": "1.50",
        "nan": "nan",
        "day": "2024-01-06",
        "bytes": "YWI=",
        "list": [1, 2],
        "struct": {"a": None},
        "whole": 1,
    }
    far = "SELECT TIMESTAMP '200000-01-01'"
    assert "ask for CSV or Arrow" in _ask(api, far).problem(422)


def test_a_limit_cuts_and_says_so(api: Api) -> None:
    answer = _ask(api, ROWS, limit=1)
    assert (len(answer.json["rows"]), answer.json["cut"]) == (1, True)
    assert answer.headers["x-result-cut"] == "true"
    assert _ask(api, ROWS, "text/csv", limit=2).headers["x-result-cut"] == "false"
    _ask(api, ROWS, limit=100_001).problem(422)


def test_a_query_is_stopped_when_its_time_is_up(api: Api) -> None:
    said = _ask(api, ENDLESS, timeout_seconds=0.5).problem(422)
    assert "did not end within 0.5 seconds" in said


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        'SELECT * FROM "/etc/passwd"',
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM read_parquet('{home}/lake/asked/raw/**/*.parquet')",
        "SELECT * FROM delta_scan('{home}/lake/asked/raw')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '{home}/out.csv'",
        "COPY asked FROM '/etc/passwd'",
        "ATTACH '{home}/other.db' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_list",
        "PRAGMA enable_external_access",
        "SET enable_external_access=true",
        "RESET lock_configuration",
        "CALL duckdb_settings()",
        "EXPORT DATABASE '{home}/db'",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW asked",
        "INSERT INTO asked SELECT * FROM asked",
        "SELECT getenv('HOME')",
        "SELECT current_setting('temp_directory')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM pg_catalog.pg_class",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM asked.raw",
        "SELECT * FROM asked.validated",
        "SELECT * FROM asked.quarantined",
        "SELECT * FROM asked.anonymized",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM query_table('asked')",
        "SELECT 1; SELECT 2",
        "SELECT 1; ATTACH '{home}/other.db' AS other",
        "WITH t AS (DELETE FROM asked RETURNING *) SELECT * FROM t",
        "SELECT * FROM python_scan('x')",
        "SHOW TABLES",
        "EXPLAIN ANALYZE SELECT 1",
        "SELECT ?",
        "SELECT * FROM nobody",
        "",
        " ",
        "SELECT",
        "\u0000",
        "SELECT '\ud800'",
    ],
)
def test_nothing_but_published_data_can_be_reached(api: Api, sql: str) -> None:
    before = sorted(path.name for path in api.home.iterdir())
    answer = _ask(api, sql.replace("{home}", str(api.home)))
    answer.problem(422)
    assert b"root:" not in answer.body
    assert b"Miller" not in answer.body
    assert sorted(path.name for path in api.home.iterdir()) == before


def test_masked_values_stay_masked(api: Api) -> None:
    answer = _ask(api, "SELECT * FROM asked")
    assert b"Miller" not in answer.body
    assert answer.json["rows"][0]["person"].startswith("*")


def test_a_query_that_cannot_be_interrupted_ends_alone(api: Api) -> None:
    text = f"'{'a' * 1000}'"
    huge = f"SELECT length(replace(replace({text}, 'a', {text}), 'a', '{'a' * 9000}'))"
    said = _ask(api, huge, timeout_seconds=0.5).problem(422)
    assert "memory" in said or "was stopped" in said
    assert _ask(api, ROWS).status == 200


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["the API", "the process that copies itself"])
def test_a_query_ends_by_itself_when_nobody_waits_for_it(tmp_path: Path, killed: str) -> None:
    with serving(tmp_path / "home") as running:
        running.dataset("asked")
        patient = Thread(target=_ask_in_vain, args=(running,))
        patient.start()
        until(lambda: len(psutil.Process(running.pid).children(recursive=True)) == 2)
        api = psutil.Process(running.pid)
        kept, copy = api.children(recursive=True)
        until(lambda: copy.cpu_times().user > 0.5)  # it is in the middle of the query
        os.kill(api.pid if killed == "the API" else kept.pid, signal.SIGKILL)
        until(lambda: not any(map(_works, (kept, copy))), 5 if killed == "the API" else 60)
        patient.join(60)
    if killed == "the API":
        assert list((tmp_path / "home" / "tmp").iterdir()) != []
        with serving(tmp_path / "home"):
            assert list((tmp_path / "home" / "tmp").iterdir()) == []


def _ask_in_vain(api: Api) -> None:
    with suppress(OSError, HTTPException):
        _ask(api, ENDLESS, timeout_seconds=30)


def _works(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_queries_run_side_by_side_and_leave_no_files(api: Api) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: _ask(api, ROWS), range(4)))
    assert [answer.status for answer in answers] == [200] * 4
    until(lambda: not list((api.home / "tmp").glob("spill-*")))


def test_an_event_says_who_asked_and_how_many_rows_and_no_value(api: Api) -> None:
    sql = "SELECT 'a-very-secret-literal' AS x, id FROM asked"
    assert _ask(api, sql, by="Ann", why="a report").status == 200
    told = api.events("asked")[-1]
    assert (told["type"], told["actor"], told["why"]) == ("DataConsumed", "Ann", "a report")
    assert told["facts"]["rows"] == 2
    assert b"secret" not in api.get("/events?dataset=asked&limit=1000").body


def test_under_a_grant_only_its_dataset_is_read(api: Api) -> None:
    api.published(api.dataset("not_asked"))
    body = {"dataset": "asked", "consumer": "research", "purpose": "a study"}
    grant = api.post("/grants", body | {"expires": "2027-01-01"}).json["id"]
    assert _ask(api, ROWS, grant=grant).status == 200
    told = api.events("asked")[-1]
    assert (told["actor"], told["why"], told["facts"]["grant"]) == ("research", "a study", grant)
    assert "not published data" in _ask(api, "SELECT * FROM not_asked", grant=grant).problem(422)
    api.call("DELETE", f"/grants/{grant}?by=Sam&why=over")
    assert "was revoked" in _ask(api, ROWS, grant=grant).problem(403)


def test_a_key_is_not_kept_with_the_rows(api: Api) -> None:
    for _ in range(2):
        answer = api.post("/query", {"sql": ROWS}, Idempotency_Key="query-1")
        assert (answer.status, answer.headers.get("idempotent-replayed")) == (200, None)
    answers = Path(api.home / "api" / "answers.sqlite").read_bytes()
    assert b"/query" not in answers
