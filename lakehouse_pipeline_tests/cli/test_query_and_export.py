"""`lakehouse query` and `lakehouse export`, called as a person does."""

import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse_pipeline_tests.cli.commands import Command

FOUR = "SELECT order_id, amount FROM orders ORDER BY order_id LIMIT 4"


def test_query_says_on_standard_error_when_the_limit_cut(lakehouse: Command) -> None:
    answer = lakehouse("query", "SELECT order_id FROM orders", "--limit", 3, "--json")
    assert (answer.code, len(answer.json)) == (0, 3)
    assert answer.err == (
        "only the first 3 rows; the query has more. Raise the limit with: --limit\n"
    )
    assert lakehouse("query", "SELECT order_id FROM orders", "--limit", 8).err == ""


def test_query_is_stopped_when_its_time_is_up(lakehouse: Command) -> None:
    endless = "SELECT count(*) FROM range(9999999999) a, range(99999999) b WHERE a.range=-b.range"
    for over in ([], ["--all-layers"]):
        answer = lakehouse("query", endless, "--timeout", 0.5, *over)
        assert (answer.code, answer.out) == (2, "")
        assert "did not end within 0.5 seconds and was stopped" in answer.err


def test_query_of_another_layer_says_how_to_read_it(lakehouse: Command) -> None:
    answer = lakehouse("query", "SELECT * FROM orders.raw")
    assert answer.code == 2
    assert "'orders.raw' is not published data" in answer.err
    assert "lakehouse query --all-layers" in answer.err


def test_query_gives_csv_on_standard_output_and_files_of_every_format(
    lakehouse: Command, tmp_path: Path
) -> None:
    shown = lakehouse("query", FOUR, "--format", "csv").out
    found = list(csv.DictReader(io.StringIO(shown)))
    assert [row["amount"] for row in found] == ["9.50"] * 4
    for name in ("csv", "parquet", "arrow"):
        file = tmp_path / f"four.{name}"
        answer = lakehouse("query", FOUR, "--format", name, "-o", file)
        assert (answer.code, answer.out) == (0, f"4 rows in {file}\n")
    assert (tmp_path / "four.csv").read_text() == shown
    rows = pq.read_table(tmp_path / "four.parquet")
    assert rows.schema.field("amount").type == pa.decimal128(10, 2)
    with pa.memory_map(str(tmp_path / "four.arrow")) as file:
        assert pa.ipc.open_file(file).read_all().to_pylist() == rows.to_pylist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "parquet"], "parquet goes to a file; name it with: -o FILE"),
        (["-o", "{tmp}/x"], "table goes to standard output; for a file add: --format csv"),
        (["--format", "csv", "-o", "{tmp}/no/x.csv"], "there is no folder {tmp}/no"),
        (["--format", "csv", "-o", "{tmp}"], "{tmp} is a folder; name a file"),
    ],
)
def test_query_with_a_wrong_output_says_what_to_do(
    lakehouse: Command, tmp_path: Path, arguments: list[str], message: str
) -> None:
    given = [argument.format(tmp=tmp_path) for argument in arguments]
    answer = lakehouse("query", FOUR, *given)
    assert (answer.code, answer.out) == (2, "")
    assert message.format(tmp=tmp_path) in answer.err


def test_export_writes_a_file_by_its_ending(lakehouse: Command, tmp_path: Path) -> None:
    for name in ("csv", "parquet", "arrow"):
        file = tmp_path / f"orders.{name}"
        answer = lakehouse("export", "orders", "-o", file, "--json")
        assert answer.code == 0
        assert answer.json["file"] == str(file)
    assert pq.read_table(tmp_path / "orders.parquet").num_rows == 8
    assert len((tmp_path / "orders.csv").read_text().splitlines()) == 9
    assert lakehouse("export", "orders", "-o", tmp_path / "o.csv", "--json").json["reused"]


def test_export_takes_batches_columns_and_a_condition(lakehouse: Command, home: Path) -> None:
    answer = lakehouse(
        "export", "orders", "--columns", "order_id, amount", "--where", "order_id <= 2", "--to", "a"
    )
    path = next((home / "exports" / "orders").glob("*.csv"))
    assert (answer.code, answer.out) == (0, f"orders, version 1: 30 bytes in {path}\n")
    assert path.read_text() == "order_id,amount\n1,9.50\n2,9.50\n"


def test_export_of_what_is_not_there_is_one_message(lakehouse: Command, tmp_path: Path) -> None:
    answer = lakehouse("export", "order", "-o", tmp_path / "o.csv")
    assert (answer.code, "Did you mean 'orders'?" in answer.err) == (2, True)
    answer = lakehouse("export", "orders", "--where", "amount >", "-o", tmp_path / "o.csv")
    assert (answer.code, answer.out) == (2, "")
    assert not (tmp_path / "o.csv").exists()


def test_counts_and_sums_of_integers_are_numbers_in_json(lakehouse: Command) -> None:
    sql = "SELECT sum(order_id) AS s, count_if(_released) AS n, sum(NULL::INTEGER) AS x FROM orders"
    (row,) = lakehouse("query", sql, "--json").json
    assert (type(row["s"]), row["n"], row["x"]) == (int, 0, None)
