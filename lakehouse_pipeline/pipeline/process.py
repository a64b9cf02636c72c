"""A range of batches through the layers.

Many small batches are read, judged and committed together, one scan and one Delta commit per
layer; each batch still stands for itself: a refused one stops only itself.
"""

from collections.abc import Collection, Generator, Iterator, Sequence

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.judgement import judge
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.outcomes import Outcome
from lakehouse_pipeline.pipeline.raw import LandedBatch, landed, write_raw
from lakehouse_pipeline.pipeline.release import pass_gate, write_anonymized, write_published
from lakehouse_pipeline.pipeline.schemas import make_ready

ALL_LAYERS = tuple(Layer)
GROUP_BYTES = 256 << 20
"""Landing files up to this size together are written in one commit per layer."""


def process(
    lake: Lake, contract: Contract, batches: Sequence[str], layers: Collection[Layer] = ALL_LAYERS
) -> Iterator[Outcome]:
    """Bring `batches` of the contract's dataset through `layers`; yield what happened to each.

    Holds the dataset's lock throughout. The contract is the one given, whatever happens to its
    file meanwhile. The order of batches is kept. quarantined and validated are the two halves of
    one judgement: when one of them is asked for, both are written. A batch that raw does not hold
    is read, asked for or not.

    Raises: SchemaChangeError: batches outside the range hold a column in another type that the new
        one does not widen.
    """
    with lake.tables.lock(contract.dataset):
        files = landed(lake, contract, batches)
        if make_ready(lake, contract, batches, layers):
            yield from _process_group(lake, contract, files, layers)
        else:
            for group in _groups(files):
                yield from _process_group(lake, contract, group, layers)


def _groups(files: Sequence[LandedBatch]) -> Iterator[list[LandedBatch]]:
    """Split the range: a large file alone, small ones together up to GROUP_BYTES."""
    group: list[LandedBatch] = []
    for file in files:
        if group and (file.is_large or sum(f.read_bytes for f in group) > GROUP_BYTES):
            yield group
            group = []
        group.append(file)
        if file.is_large:
            yield group
            group = []
    if group:
        yield group


def _process_group(
    lake: Lake, contract: Contract, files: list[LandedBatch], layers: Collection[Layer]
) -> Iterator[Outcome]:
    """Write `files` together, each layer in one commit; raw in one commit per group of files."""
    batches = yield from _held_in_raw(lake, contract, files, layers)
    if batches and {Layer.QUARANTINED, Layer.VALIDATED} & set(layers):
        yield from judge(lake, contract, batches)
    if batches and {Layer.ANONYMIZED, Layer.PUBLISHED} & set(layers):
        batches = yield from pass_gate(lake, contract, batches)
    if batches and Layer.ANONYMIZED in layers:
        yield from write_anonymized(lake, contract, batches)
    if batches and Layer.PUBLISHED in layers:
        yield from write_published(lake, contract, batches)


def _held_in_raw(
    lake: Lake, contract: Contract, files: list[LandedBatch], layers: Collection[Layer]
) -> Generator[Outcome, None, list[str]]:
    """Read what raw is to hold: all files, or those it lacks; return the batches it then holds."""
    held = lake.tables.batches(contract.dataset, Layer.RAW) if Layer.RAW not in layers else set()
    read: set[str] = set()
    for group in _groups([file for file in files if file.batch not in held]):
        read |= set((yield from write_raw(lake, contract, group)))
    return [file.batch for file in files if file.batch in held | read]
