"""Published in mode upsert: made from anonymized over all batches, in the order they arrived.

A new batch takes keys from older ones, and one that is withdrawn gives them back; so after every
change the winners are found anew, and the batches whose winners differ from what is published are
rewritten in one commit. Doing it twice changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.tables import Staged, stage, together
from lakehouse_pipeline.layers.published import published
from lakehouse_pipeline.layers.upserted import winners
from lakehouse_pipeline.names import BATCH_ID, RECORD, Layer
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.outcomes import LayerWritten
from lakehouse_pipeline.pipeline.relations import relation
from lakehouse_pipeline.pipeline.stopwatch import Stopwatch

WINNERS = "winners"


def upsert_published(
    lake: Lake,
    contract: Contract,
    batches: Sequence[str],
    arrived: Sequence[str],
    former: Mapping[str, Contract] | None = None,
) -> Iterator[LayerWritten]:
    """Bring published up to date with anonymized; yield `batches` and every other one rewritten.

    `former` has the contract of each batch whose columns are those of another version.
    """
    watch, tables, dataset = Stopwatch(), lake.tables, contract.dataset
    everything = sorted(tables.batches(dataset, Layer.ANONYMIZED))
    source = relation(lake, contract, Layer.ANONYMIZED, everything)
    lake.connection.execute(
        f"CREATE OR REPLACE TABLE {WINNERS} AS {winners(contract, source, arrived)}"
    )
    touched = sorted(set(batches) | _differing(lake, contract))
    if not touched:
        return
    promised: dict[str, tuple[Contract, list[str]]] = {}
    for batch in touched:
        under = (former or {}).get(batch, contract)
        promised.setdefault(under.version, (under, []))[1].append(batch)
    with tables.staging(dataset) as folder:
        parts = [_staged(lake, *part, folder / Layer.PUBLISHED) for part in promised.values()]
        staged = together(parts)
        version = tables.replace(dataset, Layer.PUBLISHED, touched, staged)
    seconds = watch.lap()
    for batch in touched:
        yield LayerWritten(
            batch, Layer.PUBLISHED, staged.rows[batch], version, seconds, len(touched)
        )


def _staged(lake: Lake, contract: Contract, batches: Sequence[str], folder: Path) -> Staged:
    """Stage the winners among the records of `batches`, in the columns of their contract."""
    mine = relation(lake, contract, Layer.ANONYMIZED, batches)
    chosen = f"(SELECT * FROM {mine} SEMI JOIN {WINNERS} USING ({BATCH_ID}, {RECORD}))"
    return stage(lake.connection, published(contract, chosen), folder, batches)


def _differing(lake: Lake, contract: Contract) -> set[str]:
    """Return the batches whose published records are not their winners."""
    files = lake.tables.files(contract.dataset, Layer.PUBLISHED)
    held = f"SELECT {BATCH_ID}, {RECORD} FROM {parquet_relation(files)}" if files else ""
    empty = f"SELECT '' AS {BATCH_ID}, 0::BIGINT AS {RECORD} WHERE false"
    rows = lake.connection.execute(
        f"SELECT DISTINCT {BATCH_ID} FROM ((FROM {WINNERS} EXCEPT ({held or empty})) UNION ALL "
        f"(({held or empty}) EXCEPT FROM {WINNERS}))"
    ).fetchall()
    return {batch for (batch,) in rows}
