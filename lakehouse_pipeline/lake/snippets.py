"""How other engines read a Delta table: a few lines each, ready to be pasted."""

import json
from dataclasses import dataclass

from lakehouse_pipeline.names import identifier, literal


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code for an engine; `needs` is what has to be installed, `language` what the code is."""

    engine: str
    language: str
    needs: str
    code: str


def snippets(dataset: str, address: str) -> list[Snippet]:
    """Return a snippet per engine that counts the records of the Delta table at `address`.

    None calls `DeltaTable.to_pandas`: its threads may abort a script when it ends
    (apache/arrow#39862).
    """
    python, sql = json.dumps(address, ensure_ascii=False), literal(address)
    url = literal(address if "://" in address else f"file://{address}")
    table = f"delta.default.{identifier(dataset)}"
    return [
        Snippet(
            "polars",
            "python",
            "pip install polars deltalake",
            f"import polars as pl\n\nrecords = pl.scan_delta({python})\n"
            "print(records.select(pl.len()).collect().item())",
        ),
        Snippet(
            "pandas",
            "python",
            "pip install deltalake pandas pyarrow",
            "import pyarrow as pa\nfrom deltalake import DeltaTable, QueryBuilder\n\n"
            f'tables = QueryBuilder().register("records", DeltaTable({python}))\n'
            'records = pa.table(tables.execute("SELECT * FROM records").read_all()).to_pandas()\n'
            "print(len(records))",
        ),
        Snippet(
            "duckdb-python",
            "python",
            "pip install duckdb deltalake pyarrow",
            "import duckdb\nfrom deltalake import DeltaTable\n\n"
            f"records = DeltaTable({python}).to_pyarrow_dataset()\n"
            'print(duckdb.sql("SELECT count(*) FROM records").fetchall()[0][0])',
        ),
        Snippet(
            "duckdb",
            "sql",
            "DuckDB with a network, for its delta extension",
            f"INSTALL delta;\nLOAD delta;\nSELECT count(*) FROM delta_scan({sql});",
        ),
        Snippet(
            "spark",
            "python",
            "Spark with the delta-spark package of its version",
            f'records = spark.read.format("delta").load({python})\nprint(records.count())',
        ),
        Snippet(
            "trino",
            "sql",
            "a catalog 'delta' that reaches the address, with "
            "delta.register-table-procedure.enabled=true",
            f"CALL delta.system.register_table('default', {literal(dataset)}, {url});\n"
            f"SELECT count(*) FROM {table};",
        ),
    ]
