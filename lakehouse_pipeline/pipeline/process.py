"""A range of batches through the layers.

Many small batches are read, judged and committed together, one scan and one Delta commit per
layer; each batch still stands for itself: a refused one stops only itself.
"""

from collections.abc import Collection, Generator, Iterator, Sequence

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.before_publishing import pass_before_publishing
from lakehouse_pipeline.pipeline.flags import CANNOT_JUDGE
from lakehouse_pipeline.pipeline.judgement import judge
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.outcomes import Outcome
from lakehouse_pipeline.pipeline.published_rules import looks_at_published
from lakehouse_pipeline.pipeline.raw import LandedBatch, landed, write_raw
from lakehouse_pipeline.pipeline.release import pass_gate, pass_techniques, refuse, write_published
from lakehouse_pipeline.pipeline.schemas import make_ready

ALL_LAYERS = tuple(Layer)
GROUP_BYTES = 256 << 20
"""Landing files up to this size together are written in one commit per layer."""


def process(
    lake: Lake,
    contract: Contract,
    batches: Sequence[str],
    layers: Collection[Layer] = ALL_LAYERS,
    arrived: Sequence[str] = (),
) -> Iterator[Outcome]:
    """Bring `batches` of the contract's dataset through `layers`; yield what happened to each.

    Holds the dataset's lock throughout. The contract is the one given, whatever happens to its
    file meanwhile. The order of batches is kept. quarantined and validated are the two halves of
    one judgement: when one of them is asked for, both are written. A batch that raw does not hold
    is read, asked for or not. Where the rules look at other batches of the dataset, it goes one by
    one, in order.

    `arrived` are all batches of the dataset in the order they arrived (none: `batches`), which says
    whose record wins in publish mode upsert.

    Raises: SchemaChangeError: batches outside the range hold a column in another type that the new
        one does not widen.
    """
    with lake.tables.lock(contract.dataset):
        arrived = arrived or batches
        files = landed(lake, contract, batches)
        if make_ready(lake, contract, batches, layers):
            yield from _process_group(lake, contract, files, layers, arrived)
        else:
            for group in _groups(files, alone=goes_alone(contract)):
                yield from _process_group(lake, contract, group, layers, arrived)


def goes_alone(contract: Contract) -> bool:
    """Return whether a batch must be judged by itself.

    What becomes of it depends on the batches before it, or a Python check may refuse it alone.
    """
    return (
        _has_dataset_keys(contract) or looks_at_published(contract) or bool(contract.pandera_checks)
    )


def _groups(files: Sequence[LandedBatch], *, alone: bool = False) -> Iterator[list[LandedBatch]]:
    """Split the range: a large file alone, small ones together up to GROUP_BYTES."""
    group: list[LandedBatch] = []
    for file in files:
        if group and (alone or file.is_large or sum(f.read_bytes for f in group) > GROUP_BYTES):
            yield group
            group = []
        group.append(file)
        if file.is_large:
            yield group
            group = []
    if group:
        yield group


def _process_group(
    lake: Lake,
    contract: Contract,
    files: list[LandedBatch],
    layers: Collection[Layer],
    arrived: Sequence[str],
) -> Iterator[Outcome]:
    """Write `files` together, each layer in one commit; raw in one commit per group of files."""
    batches = yield from _held_in_raw(lake, contract, files, layers)
    yield from bring_on(lake, contract, batches, layers, arrived)


def bring_on(
    lake: Lake,
    contract: Contract,
    batches: list[str],
    layers: Collection[Layer],
    arrived: Sequence[str],
) -> Iterator[Outcome]:
    """Bring batches that raw holds through the `layers` past raw; the caller holds the lock."""
    if batches and {Layer.QUARANTINED, Layer.VALIDATED} & set(layers):
        batches = yield from _judged(lake, contract, batches, arrived)
    if batches and {Layer.ANONYMIZED, Layer.PUBLISHED} & set(layers):
        batches = yield from pass_gate(lake, contract, batches, arrived)
        if not {Layer.QUARANTINED, Layer.VALIDATED} & set(layers):
            batches = yield from _still_judged(lake, contract, batches, arrived)
    if batches and Layer.ANONYMIZED in layers:
        batches = yield from pass_techniques(lake, contract, batches, arrived)
    if batches and Layer.PUBLISHED in layers:
        batches = yield from pass_before_publishing(lake, contract, batches, arrived)
    if batches and Layer.PUBLISHED in layers:
        yield from write_published(lake, contract, batches, arrived)


def comes_back(lake: Lake, contract: Contract, batch: str) -> bool:
    """Return whether other batches may have published the keys of its validated records since."""
    return _has_dataset_keys(contract) and batch not in lake.tables.batches(
        contract.dataset, Layer.PUBLISHED
    )


def _has_dataset_keys(contract: Contract) -> bool:
    return any(key.scope == "dataset" for key in contract.unique_keys)


def _still_judged(
    lake: Lake, contract: Contract, batches: list[str], arrived: Sequence[str]
) -> Generator[Outcome, None, list[str]]:
    """Return the batches that may be published as they were judged; the others are refused."""
    since = "since it was judged, others may have published keys that it holds. Judge it again"
    reasons = {
        batch: (f"{since}: lakehouse replay {contract.dataset} --batch {batch}",)
        for batch in batches
        if comes_back(lake, contract, batch)
    }
    yield from refuse(lake, contract, reasons, Layer.ANONYMIZED, arrived)
    return [batch for batch in batches if batch not in reasons]


def _judged(
    lake: Lake, contract: Contract, batches: list[str], arrived: Sequence[str]
) -> Generator[Outcome, None, list[str]]:
    """Judge the batches; return none where a rule cannot be asked."""
    try:
        yield from judge(lake, contract, batches)
    except CANNOT_JUDGE as error:
        reasons = dict.fromkeys(batches, (str(error),))
        yield from refuse(lake, contract, reasons, Layer.QUARANTINED, arrived)
        return []
    return batches


def _held_in_raw(
    lake: Lake, contract: Contract, files: list[LandedBatch], layers: Collection[Layer]
) -> Generator[Outcome, None, list[str]]:
    """Read what raw is to hold: all files, or those it lacks; return the batches it then holds."""
    held = lake.tables.batches(contract.dataset, Layer.RAW) if Layer.RAW not in layers else set()
    read: set[str] = set()
    for group in _groups([file for file in files if file.batch not in held]):
        read |= set((yield from write_raw(lake, contract, group)))
    return [file.batch for file in files if file.batch in held | read]
