"""The pipeline alone for the tests: files in, layers out, without Dagster."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.landing import batch_id
from lakehouse_pipeline.names import BATCH_ID, RECORD, Layer
from lakehouse_pipeline.pipeline.lake import open_lake
from lakehouse_pipeline.pipeline.outcomes import BatchJudged, Outcome
from lakehouse_pipeline.pipeline.process import ALL_LAYERS, process


def drop(home: Path, contract: Contract, name: str, content: str | bytes) -> str:
    """Put a file into the landing folder; return its batch id."""
    folder = home / "landing" / contract.dataset
    folder.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    return batch_id(name, sha256_of(folder / name))


def take(
    home: Path,
    contract: Contract,
    batches: Sequence[str],
    layers: Collection[Layer] = ALL_LAYERS,
) -> list[Outcome]:
    """Process batches and return what happened."""
    with open_lake(home) as lake:
        return list(process(lake, contract, batches, layers))


def judged(outcomes: Sequence[Outcome]) -> dict[str, BatchJudged]:
    """Return the judgements among the outcomes, by batch."""
    return {o.batch: o for o in outcomes if isinstance(o, BatchJudged)}


def records(home: Path, contract: Contract, layer: Layer) -> list[dict[str, Any]]:
    """Return every record of a layer, by batch and number."""
    with open_lake(home) as lake:
        files = lake.tables.files(contract.dataset, layer)
        if not files:
            return []
        listed = ", ".join(f"'{file}'" for file in files)
        sql = f"FROM read_parquet([{listed}], hive_partitioning=true, union_by_name=true)"
        result = lake.connection.execute(f"{sql} ORDER BY {BATCH_ID}, {RECORD}")
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
