"""Tables that share the files of others: what is written into them changes the others nowhere.

A mirror is a table of its own whose data files are links to those of the original. Whatever is
replaced or removed in it only moves links.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from lakehouse_pipeline.lake.tables import Staged, Tables
from lakehouse_pipeline.names import BATCH_ID, Stored


def mirror(
    tables: Tables, target: Tables, dataset: str, layer: Stored, batches: Sequence[str] | None
) -> None:
    """Make a layer of `target`, in a local folder, hold what `batches` have in `tables`.

    `batches` None is all. The mirror is of no use any more once a file of the original is deleted:
    hold the dataset's lock.
    """
    table = tables.open(dataset, layer)
    if table is None:
        return
    wanted = None if batches is None else set(batches)
    added = pa.table(table.get_add_actions(flatten=True)).select(["path", "num_records"])
    counts = {one["path"]: one["num_records"] for one in added.to_pylist()}
    counts = {n: c for n, c in counts.items() if wanted is None or _batch_of(n) in wanted}
    if not counts:
        return
    rows: dict[str, int] = dict.fromkeys(map(_batch_of, counts), 0)
    with target.staging(dataset) as folder:
        for name, count in counts.items():
            rows[_batch_of(name)] += count
            link = folder / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(tables.fetched(dataset, layer, name).absolute())
        staged = Staged(folder, rows, pa.schema(table.schema().to_arrow()), counts)
        target.replace(dataset, layer, list(rows), staged)


def _batch_of(name: str) -> str:
    return Path(name).parent.name.removeprefix(f"{BATCH_ID}=")
