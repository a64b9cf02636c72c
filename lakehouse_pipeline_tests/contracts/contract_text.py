"""Contract files for the tests: a small sound one, and what varies in it."""

from lakehouse_pipeline.contracts.load import load_text
from lakehouse_pipeline.contracts.model import Column, Contract
from lakehouse_pipeline.errors import ContractError

PATH = "orders.yaml"
HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
name: orders
version: 1.0.0
status: active
"""
COLUMNS = """\
      - {name: id, logicalType: integer}
      - {name: email, logicalType: string}
      - {name: amount, logicalType: number, physicalType: "DECIMAL(10,2)"}
      - {name: paid, logicalType: boolean}
"""


def contract_text(columns: str = COLUMNS, quality: str = "", top: str = "") -> str:
    """Return a contract: `top` at top level, `columns` and `quality` as indented list items."""
    rules = f"    quality:\n{quality}" if quality else ""
    return f"{HEAD}{top}schema:\n  - name: orders\n    properties:\n{columns}{rules}"


def column_of(keys: str) -> Column:
    """Return the column that these keys (YAML flow style, without the name) describe."""
    return load_text(contract_text(f"      - {{name: a, {keys}}}\n"), PATH).columns[0]


def contract_of(columns: str = COLUMNS, quality: str = "", top: str = "") -> Contract:
    """Return the contract of `contract_text`."""
    return load_text(contract_text(columns, quality, top), PATH)


def problems_of(text: str) -> list[str]:
    """Return every problem of a contract's text, as it is shown; empty for a sound one."""
    try:
        load_text(text, PATH)
    except ContractError as error:
        return [str(problem) for problem in error.problems]
    return []


def messages_of(text: str) -> list[str]:
    """Return the messages of `problems_of` without file, line and column."""
    return [problem.split(": ", 1)[1] for problem in problems_of(text)]


def column_messages(keys: str) -> list[str]:
    """Return the messages about a column that these keys describe."""
    return messages_of(contract_text(f"      - {{name: a, {keys}}}\n"))


def custom(name: str, value: str) -> str:
    """Return top-level keys with one custom property of the contract, its value in flow style."""
    return f"customProperties: [{{property: {name}, value: {value}}}]\n"


def rule_messages(rule: str, column: str = "") -> list[str]:
    """Return the messages about one quality rule (flow style), at `column` or at the schema.

    `column` are the other keys of column `a`; without it the columns are `COLUMNS`.
    """
    if column:
        return column_messages(f"{column}, quality: [{{{rule}}}]")
    return messages_of(contract_text(quality=f"      - {{{rule}}}\n"))
