"""How commands print: a table for people, JSON for programs, errors on standard error."""

import dataclasses
import getpass
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH = 200
"""Columns of a table that goes to a file or a pipe: wide enough that nothing is broken."""

console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
COUNTS = frozenset(
    {
        "records",
        "validated",
        "quarantined",
        "published",
        "seconds",
        "count",
        "age",
        "days",
        "bytes",
        "changed",
    }
)


def print_json(value: object) -> None:
    """Print a value as JSON; dataclasses become objects, what JSON lacks becomes text."""
    typer.echo(json.dumps(_plain(value), indent=2, default=str, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Print rows as a table; numbers to the right, null as nothing."""
    table = Table(
        title=title or None,
        title_justify="left",
        box=SIMPLE_HEAD,
        header_style="bold",
        pad_edge=False,
    )
    for column in columns:
        table.add_column(column, justify="right" if column in COUNTS else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    console.print(table)


def shown(cell: object) -> str:
    """Return a cell as a person reads it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:.1f}" if isinstance(cell, float) else str(cell)


def actor() -> str:
    """Return the name of the user of the operating system, who the command acts for."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _plain(value: object) -> Any:  # noqa: ANN401 JSON has no narrower type
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {k: _plain(v) for k, v in dataclasses.asdict(value).items()}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
