"""A dropped CSV becomes a governed, anonymized, published table; every record accounted for.

The package's parts, from the top: `cli` (the `lakehouse` command), `orchestration` (everything
Dagster), `audit` (the event stream), `settings`, `pipeline` (one function per layer), `layers`
(SQL text from a contract), `lake` (files, tables, DuckDB), `contracts` (what a dataset promises),
`errors`. Imports point down only.

`read("orders")` returns published records as a pandas frame, `schema("orders")` the pandera schema
that it keeps.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lakehouse_pipeline.reading import read, schema

__all__ = ["__version__", "read", "schema"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load pandas and what else reading takes when it is first asked for, not with the package."""
    if name in ("read", "schema"):
        from lakehouse_pipeline import reading  # noqa: PLC0415 - as said above

        return getattr(reading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
