import os
import random
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lakehouse_pipeline.cli.full_disk import full_disk_is_one_message
from lakehouse_pipeline.orchestration.home_lock import hold_home
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.cli.commands import Command
from lakehouse_pipeline_tests.homes import HEADER, contract_text, rows

LAKEHOUSE = [sys.executable, "-c", "from lakehouse_pipeline.cli.main import main; main()"]


def state_of(home: Path) -> dict[str, bytes]:
    """Return every file that a refused call must leave as it was."""
    folders = (home / "contracts", home / "landing", home / "lake")
    return {str(p): p.read_bytes() for f in folders for p in sorted(f.rglob("*")) if p.is_file()}


@pytest.mark.parametrize(
    "command",
    [
        ["batches", "order"],
        ["replay", "order"],
        ["verify", "order"],
        ["quarantine", "show", "order"],
        ["quarantine", "export", "order"],
        ["ingest", "FILE", "-d", "order"],
    ],
)
def test_an_unknown_dataset_is_one_message_with_the_nearest_name(
    lakehouse: Command, home: Path, tmp_path: Path, command: list[str]
) -> None:
    file = tmp_path / "c.csv"
    file.write_text(rows(1))
    before = state_of(home)
    answer = lakehouse(*(str(file) if word == "FILE" else word for word in command))
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        "unknown dataset 'order'. Did you mean 'orders'? Registered: orders. "
        "Register one with: lakehouse contract add FILE\n"
    )
    assert state_of(home) == before


def test_an_unknown_batch_is_one_message_and_nothing_is_replayed(
    lakehouse: Command, home: Path
) -> None:
    before = state_of(home)
    (known, _) = (state["batch"] for state in lakehouse("batches", "orders", "--json").json)
    answer = lakehouse("replay", "orders", "--batch", known[:-1])
    assert answer.code == 2
    assert answer.err == (
        f"dataset 'orders' has no batch '{known[:-1]}'. Did you mean '{known}'? "
        "List them with: lakehouse batches orders\n"
    )
    assert state_of(home) == before


def test_an_unreadable_file_among_others_takes_nothing_in(
    lakehouse: Command, home: Path, tmp_path: Path
) -> None:
    before = state_of(home)
    (tmp_path / "good.csv").write_text(rows(1))
    answer = lakehouse("ingest", tmp_path / "good.csv", tmp_path / "none.csv", "-d", "orders")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        f"{tmp_path}/none.csv: no such file or directory. "
        "Give the path of a CSV file that you may read.\n"
    )
    assert state_of(home) == before


def test_a_directory_is_no_file(lakehouse: Command, home: Path, tmp_path: Path) -> None:
    before = state_of(home)
    answer = lakehouse("ingest", tmp_path, "-d", "orders")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"{tmp_path}: is a folder.")
    assert state_of(home) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_one_may_not_read_is_one_message(lakehouse: Command, tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text(rows(1))
    file.chmod(0)
    answer = lakehouse("ingest", file, "-d", "orders")
    assert (answer.code, answer.err.startswith(f"{file}: permission denied")) == (2, True)


def test_a_broken_contract_stops_only_its_dataset_and_status_says_why(
    lakehouse: Command, home: Path, tmp_path: Path
) -> None:
    broken = home / "contracts" / "refunds" / "1.0.0.yaml"
    broken.parent.mkdir()
    broken.write_text(contract_text(dataset="refunds").replace("schema:", "shema:"))
    (home / "landing" / "refunds").mkdir()
    (tmp_path / "c.csv").write_text(rows(2, first=30))
    status = lakehouse("status", "--json").json
    assert [dataset["dataset"] for dataset in status["datasets"]] == ["orders"]
    assert any(problem.startswith(f"{broken}:12:1: ") for problem in status["refused"])
    assert "Did you mean 'schema'?" in lakehouse("status").out
    assert not [line for line in status["ignored"] if "no dataset of this name" in line]
    assert lakehouse("ingest", tmp_path / "c.csv", "-d", "orders").code == 0
    answer = lakehouse("ingest", tmp_path / "c.csv", "-d", "refunds")
    assert answer.code == 1
    assert str(broken) in answer.err


def test_a_contract_with_an_error_is_not_registered(
    lakehouse: Command, home: Path, tmp_path: Path
) -> None:
    before = state_of(home)
    (tmp_path / "c.yaml").write_text(contract_text().replace("logicalType: integer", "type: int"))
    answer = lakehouse("contract", "add", tmp_path / "c.yaml")
    assert answer.code == 1
    assert f"{tmp_path}/c.yaml:15:" in answer.err
    assert state_of(home) == before
    (tmp_path / "d.yaml").write_text(contract_text(percent=1))
    answer = lakehouse("contract", "add", tmp_path / "d.yaml")
    assert "version 1.0.0 of 'orders' is registered with another content" in answer.err
    assert lakehouse("contract", "add", tmp_path).code == 2
    assert state_of(home) == before


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM orders.raw",
        "INSERT INTO orders.raw SELECT * FROM orders.raw",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW orders.raw",
        "COPY (SELECT 1) TO 'out.csv'",
        "COPY orders.raw TO '{home}/lake/out.parquet'",
        "ATTACH '{home}/lake/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA version",
        "SET enable_external_access=true",
        "CALL pragma_version()",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP VIEW orders.raw",
        "",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('{home}/keys/hash.key')",
        "SELECT * FROM read_text('{home}/lake/../keys/hash.key')",
        "SELECT * FROM read_text('{home}/lake/link')",
        "SELECT * FROM glob('{home}/keys/*')",
        "SELECT * FROM read_blob('{home}/dagster/*')",
        "SELECT * FROM nowhere",
        "SELEC 1",
    ],
)
@pytest.mark.parametrize("over", [(), ("--all-layers",)], ids=["published", "all layers"])
def test_query_refuses_whatever_is_not_one_select_within_the_lake(
    lakehouse: Command, home: Path, sql: str, over: tuple[str, ...]
) -> None:
    (home / "lake" / "link").symlink_to(home / "keys" / "hash.key")
    key = (home / "keys" / "hash.key").read_text()
    before = state_of(home)
    answer = lakehouse("query", sql.format(home=home), *over)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("query refused: ")
    assert "Traceback" not in answer.err
    assert key not in answer.err
    assert state_of(home) == before


def test_a_landing_file_deleted_before_it_is_read_is_one_message(
    lakehouse: Command, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.csv").write_text(HEADER.replace("email", "mail"))
    lakehouse("ingest", tmp_path / "c.csv", "-d", "orders")
    (home / "landing" / "orders" / "c.csv").unlink()
    before = state_of(home)
    answer = lakehouse("replay", "orders", "--json")
    states = {s["batch"][0]: (s["state"], s["why"]) for s in answer.json}
    assert (answer.code, states["a"]) == (1, ("published", ""))
    assert states["c"][0] == "refused"
    assert "its file is no longer in landing/orders" in states["c"][1]
    gone = {path for path in before if path not in state_of(home)}
    assert gone == set()


def test_a_second_up_on_the_same_home_is_refused_and_names_the_first(
    lakehouse: Command, home: Path
) -> None:
    with hold_home(Settings(home=home)) as first:
        answer = lakehouse("up")
        assert answer.code == 2
        assert answer.err == (
            f"{home}: another 'lakehouse up' is running on this home. Its UI is at {first.url}. "
            "Use that one, stop it first, or set LAKEHOUSE_HOME to another folder.\n"
        )
        assert lakehouse("status", "--json").json["ui"] == first.url


def run(home: Path, *arguments: object, megabytes: float | None = None) -> tuple[int, str]:
    """Run the command in a process that may write files up to a size; return code and errors."""
    limits: dict[str, Any] = {}
    if megabytes is not None:
        size = int(megabytes * 1e6)
        limits["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    done = subprocess.run(
        [*LAKEHOUSE, *map(str, arguments)],
        env={**os.environ, "LAKEHOUSE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        **limits,
    )
    return done.returncode, done.stderr


def large_file(folder: Path) -> Path:
    """Write a file of a few megabytes that hardly shrinks."""
    chance = random.Random(1)
    words = [f"{chance.getrandbits(120):030x}" for _ in range(45_000)]
    records = (f"{n},{word}@example.org,,1.50,DE\n" for n, word in enumerate(words))
    file = folder / "large.csv"
    file.write_text(HEADER + "".join(records))
    return file


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"], ids=["no room to land", "none for a layer"])
def test_a_full_disk_is_one_message_and_loses_nothing(
    lakehouse: Command, home: Path, tmp_path: Path, suffix: str
) -> None:
    file = large_file(tmp_path)
    megabytes = 1.0
    if suffix == ".csv.gz":
        subprocess.run(["gzip", file], check=True)
        file = file.with_suffix(suffix)
        megabytes = file.stat().st_size / 1e6 + 0.01
    published = (home / "lake" / "orders" / "published").rglob("*.parquet")
    before = {path: path.read_bytes() for path in published}
    code, message = run(home, "ingest", file, "-d", "orders", megabytes=megabytes)
    assert code == 2
    assert message == (
        "there is no space left to write. What was published stands as it was. "
        "Free some space and give the same command again.\n"
    )
    assert {path: path.read_bytes() for path in before} == before
    assert not list(home.rglob("*.part"))
    assert lakehouse("ingest", file, "-d", "orders").code == 0
    assert lakehouse("query", "SELECT count(*) AS n FROM orders.published", "--json").json == [
        {"n": 45_008}
    ]
    assert lakehouse("verify").code == 0


def test_the_process_ends_with_the_code_of_the_error(home: Path, tmp_path: Path) -> None:
    bad = tmp_path / "c.csv"
    bad.write_text("x\n1\n")
    assert run(home, "ingest", bad, "-d", "orders") == (1, "")
    code, message = run(home, "batches", "order")
    assert (code, message.count("\n")) == (2, 1)


def test_an_error_that_is_its_own_cause_ends_the_command_all_the_same() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__context__, second.__context__ = second, first
    with pytest.raises(ValueError, match="first"), full_disk_is_one_message():
        raise first
