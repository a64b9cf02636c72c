"""`lakehouse where`: what it shows is run, for each engine that can be installed here."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from lakehouse_pipeline_tests.cli.commands import Command

SPARK_VARIABLE = "LAKEHOUSE_SPARK"
"""The environment variable with a Python that has Sail, which `make test-storage` sets."""

SPARK = """\
from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession

server = SparkConnectServer("127.0.0.1", 0)
server.start(background=True)
spark = SparkSession.builder.remote(f"sc://127.0.0.1:{server.listening_address[1]}").getOrCreate()
"""
ENGINES = ["polars", "pandas", "duckdb-python", "duckdb", "spark", "trino"]


def test_where_names_the_table_its_version_and_a_snippet_per_engine(
    lakehouse: Command, home: Path
) -> None:
    address = str(home / "lake" / "orders" / "published")
    found = lakehouse("where", "orders", "--json").json
    assert (found["address"], found["version"]) == (address, 1)
    assert [snippet["engine"] for snippet in found["snippets"]] == ENGINES
    assert all(address in snippet["code"] for snippet in found["snippets"])
    shown = lakehouse("where", "orders")
    assert shown.code == 0
    assert shown.out.startswith(f"{address} (Delta Lake, version 1)\n")
    assert all(f"\n{engine} (" in shown.out for engine in ENGINES)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["polars", "pandas", "duckdb-python"])
def test_the_snippet_counts_the_published_records(lakehouse: Command, engine: str) -> None:
    code = lakehouse("where", "orders", "--engine", engine).out
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "8\n", "")


@pytest.mark.storage
def test_the_snippet_for_spark_runs_on_a_server_that_speaks_spark_connect(
    lakehouse: Command, tmp_path: Path
) -> None:
    python = os.environ.get(SPARK_VARIABLE)
    if python is None:
        pytest.skip(f"{SPARK_VARIABLE} is not set; `make test-storage` installs Sail and sets it")
    code = lakehouse("where", "orders", "--engine", "spark").out
    script = tmp_path / "count.py"  # pyspark takes no code from the command line
    script.write_text(f"{SPARK}{code}\nspark.stop()\nserver.stop()\n")
    done = subprocess.run([python, str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "8\n"), done.stderr


def test_where_of_what_is_not_there_is_one_message(lakehouse: Command, home: Path) -> None:
    answer = lakehouse("where", "order")
    assert (answer.code, "Did you mean 'orders'?" in answer.err) == (2, True)
    answer = lakehouse("where", "orders", "--engine", "excel")
    assert (answer.code, "'excel' is not known. Known: polars" in answer.err) == (2, True)
    (home / "lake" / "orders" / "published").rename(home / "elsewhere")
    assert "nothing is published yet" in lakehouse("where", "orders").out


@pytest.mark.slow
def test_the_snippet_for_duckdb_runs_where_its_extension_can_be_had(
    lakehouse: Command, tmp_path: Path
) -> None:
    code = lakehouse("where", "orders", "--engine", "duckdb").out
    with duckdb.connect() as connection:
        connection.execute(f"SET extension_directory='{tmp_path}'")
        try:
            connection.execute("INSTALL delta")
            connection.execute("LOAD delta")
        except duckdb.Error:
            pytest.skip("DuckDB's delta extension cannot be downloaded here")
        assert connection.execute(code).fetchall() == [(8,)]
