"""SQL over every layer of every dataset, for engineers and stewards who have the files anyway.

It reads below the lake's folder only. What consumers may ask is in `published_query`.
"""

from pathlib import Path

from lakehouse_pipeline.lake.engine import engine
from lakehouse_pipeline.lake.first_rows import DEFAULT_LIMITS, Answer, Limits, first_rows
from lakehouse_pipeline.lake.query import only_reads, open_layers
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.lake.time_limit import time_limit


def layers_query(
    home: Path,
    sql: str,
    limits: Limits = DEFAULT_LIMITS,
    lake: Path | None = None,
) -> Answer:
    """Return the first rows of `sql`, one SELECT over `DATASET.LAYER` of `lake` (of the home).

    Raises: QueryError, QueryTimeError: as `published_query`.
    """
    lake = lake or home / "lake"
    with engine(home / "tmp", limits.memory, limits.threads) as connection:
        open_layers(connection, Tables(lake))
        only_reads(connection, lake, sql)
        with time_limit(connection, limits.seconds):
            return first_rows(connection, sql, limits.rows)
