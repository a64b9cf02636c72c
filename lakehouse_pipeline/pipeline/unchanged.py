"""Whether validated holds of batches what it held in an older version of its table."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from deltalake.exceptions import DeltaError

from lakehouse_pipeline.lake.batch_files import names_by_batch
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.names import Layer, identifier
from lakehouse_pipeline.pipeline.lake import Lake


def changed_batches(
    lake: Lake, dataset: str, files: Mapping[str, Sequence[str]], version: int
) -> list[str]:
    """Return the batches whose records in validated are others than in `version`; order kept.

    `files` are those of then. A batch that was written again with the same records is unchanged;
    one whose older files are gone counts as changed. Hold the dataset's lock.
    """
    now = names_by_batch(lake.tables.open(dataset, Layer.VALIDATED), files)
    written = [batch for batch, names in files.items() if tuple(names) != now[batch]]
    return [batch for batch in written if not _is_same(lake, dataset, batch, version)]


def _is_same(lake: Lake, dataset: str, batch: str, version: int) -> bool:
    try:
        old = lake.tables.files(dataset, Layer.VALIDATED, [batch], version)
    except (DeltaError, FileNotFoundError):
        return False
    new = lake.tables.files(dataset, Layer.VALIDATED, [batch])
    if not (old and new and all(Path(file).exists() for file in old)):
        return False
    before, after = parquet_relation(old), parquet_relation(new)
    columns = [_columns(lake, source) for source in (before, after)]
    if columns[0] != columns[1]:
        return False
    names = ", ".join(identifier(name) for name in columns[0])
    one, other = (f"SELECT {names} FROM {source}" for source in (before, after))
    sql = f"(({one}) EXCEPT ALL ({other})) UNION ALL (({other}) EXCEPT ALL ({one}))"
    return lake.connection.execute(f"SELECT 1 FROM ({sql}) LIMIT 1").fetchall() == []


def _columns(lake: Lake, source: str) -> dict[str, str]:
    relation = lake.connection.sql(f"SELECT * FROM {source} LIMIT 0")
    return dict(zip(relation.columns, map(str, relation.types), strict=True))
