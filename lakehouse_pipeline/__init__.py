"""A dropped CSV becomes a governed, anonymized, published table; every record accounted for.

The package's parts, from the top: `cli` (the `lakehouse` command), `orchestration` (everything
Dagster), `audit` (the event stream), `settings`, `pipeline` (one function per layer), `layers`
(SQL text from a contract), `lake` (files, tables, DuckDB), `contracts` (what a dataset promises),
`errors`. Imports point down only.
"""

__version__ = "0.1.0"
