"""`lakehouse contract export`, called as a person does."""

import ast
import json
from pathlib import Path

import duckdb
import pytest

from lakehouse_pipeline_tests.cli.commands import Command


@pytest.mark.parametrize("form", ["pandera", "json-schema", "sql-ddl", "html", "odcs"])
def test_a_dataset_and_its_file_are_exported_alike(
    lakehouse: Command, home: Path, tmp_path: Path, form: str
) -> None:
    out = tmp_path / "out"
    file = home / "contracts" / "orders" / "1.0.0.yaml"
    printed = lakehouse("contract", "export", "orders", "--format", form)
    assert (printed.code, printed.err) == (0, "")
    assert lakehouse("contract", "export", file, "-f", form).out == printed.out
    written = lakehouse("contract", "export", "orders", "--format", form, "-o", out)
    assert written.out == f"orders 1.0.0 as {form} in {out}\n"
    assert out.read_text("utf-8") == printed.out
    assert printed.out.endswith("\n")
    assert not printed.out.endswith("\n\n")
    told = lakehouse("contract", "export", "orders", "--format", form, "--json")
    assert told.json == {
        "dataset": "orders",
        "version": "1.0.0",
        "format": form,
        "text": printed.out,
    }


def test_each_format_is_what_its_readers_read(lakehouse: Command, home: Path) -> None:
    def exported(*options: str) -> str:
        return lakehouse("contract", "export", "orders", "-f", *options).out

    file = home / "contracts" / "orders" / "1.0.0.yaml"
    assert exported("odcs") == file.read_text("utf-8")
    ast.parse(exported("pandera"))
    assert json.loads(exported("json-schema"))["title"] == "orders"
    assert exported("html").startswith("<!doctype html>")
    duckdb.connect().execute(exported("sql-ddl"))
    assert "`order_id` BIGINT" in exported("sql-ddl", "--dialect", "spark")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("order", "-f", "html"), 2, "unknown dataset 'order'. Did you mean 'orders'?"),
        (("missing.yaml", "-f", "html"), 2, "missing.yaml: No such file or directory"),
        (("orders", "-f", "pdf"), 2, "Invalid value for '--format'"),
        (("orders",), 2, "Missing option '--format'"),
        (("orders", "-f", "html", "-o", "/no/where"), 2, "/no/where: No such file or directory"),
    ],
)
def test_a_call_that_cannot_be_done_says_why(
    lakehouse: Command, arguments: tuple[str, ...], code: int, message: str
) -> None:
    answer = lakehouse("contract", "export", *arguments)
    assert answer.code == code
    assert message in answer.err


def test_a_contract_with_problems_is_not_exported(lakehouse: Command, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("kind: DataContract\n", "utf-8")
    answer = lakehouse("contract", "export", file, "--format", "html")
    assert answer.code == 1
    assert f"{file}:1:1: the contract needs the key" in answer.err


def test_a_module_of_checks_that_is_missing_is_named(
    lakehouse: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_CHECK_MODULES", "no_such_checks")
    answer = lakehouse("contract", "export", "orders", "--format", "pandera")
    assert answer.code == 2
    assert "check module 'no_such_checks' of LAKEHOUSE_CHECK_MODULES" in answer.err
