"""Batches that wait in raw because their contract is not approved, and how they go on.

Nobody is forgotten, whatever the order: a run records raw, then looks whether the contract has been
approved meanwhile; whoever approves writes that down, then looks which batches wait in raw. When
both see each other the batch is made twice, which changes nothing.
"""

from collections.abc import Iterator, Sequence

import dagster as dg
from dagster import RunsFilter

from lakehouse_pipeline.contracts.check_modules import load_check_modules
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.batches import BatchState, batch_states
from lakehouse_pipeline.orchestration.expired import expired_sources
from lakehouse_pipeline.orchestration.instance import DATASET_TAG
from lakehouse_pipeline.orchestration.keys import AMENDS_TAG, RANGE_END, RANGE_START, asset_key
from lakehouse_pipeline.orchestration.metadata import reading_version
from lakehouse_pipeline.orchestration.recorder import Recorder
from lakehouse_pipeline.pipeline.amend import amend
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.outcomes import Outcome
from lakehouse_pipeline.pipeline.process import process
from lakehouse_pipeline.settings import Settings

WAITS_TAG = "lakehouse/waits"
"""`true` on a run that may have left batches in raw, until they have gone on."""

PARTITION_TAG = "dagster/partition"


def process_cleared(
    context: dg.AssetExecutionContext, settings: Settings, lake: Lake, dataset: str
) -> None:
    """Bring the batches of a run as far as the contract is cleared to, and record what happened.

    Raises: ContractError: the dataset has no contract to read batches under.
    """
    store = ContractStore(settings.contracts)
    current = store.current(dataset)
    recorder = Recorder(context, current.contract, current.waiting_for)
    wanted = [layer for layer in Layer if asset_key(dataset, layer) in recorder.selected]
    cleared: Contract | None = current.contract
    if not current.cleared:
        context.log.warning("%s", current.waiting_for)
        tags = {WAITS_TAG: "true", DATASET_TAG: dataset}
        context.instance.add_run_tags(context.run.run_id, tags)
        raw: list[Layer] = [layer for layer in wanted if layer is Layer.RAW]
        for outcome in _outcomes(context, settings, lake, current.contract, raw):
            recorder.record(outcome)
        cleared = _cleared_meanwhile(store, dataset)
        wanted = _layers_on(cleared, current.contract, wanted) if cleared else []
    if cleared:
        recorder.contract, recorder.waiting_for = cleared, ""
        for outcome in _outcomes(context, settings, lake, cleared, wanted):
            recorder.record(outcome)
    recorder.finish()


def _outcomes(
    context: dg.AssetExecutionContext,
    settings: Settings,
    lake: Lake,
    contract: Contract,
    layers: list[Layer],
) -> Iterator[Outcome]:
    """Bring the batches of a run through `layers`, or what people added to one into its layers."""
    load_check_modules(settings.check_modules if contract.pandera_checks else ())
    arrived = context.instance.get_dynamic_partitions(contract.dataset)
    if AMENDS_TAG in context.run.tags:
        return amend(lake, contract, context.partition_key, arrived)
    batches = _not_expired(context, settings, contract, layers)
    return process(lake, contract, batches, layers, arrived)


def _not_expired(
    context: dg.AssetExecutionContext, settings: Settings, contract: Contract, layers: list[Layer]
) -> list[str]:
    """Return the batches of a run without those that retention has left nothing of to start from.

    Raises: ExpiredBatchError: no other batch is in the run.
    """
    batches = list(context.partition_keys)
    expired = expired_sources(context.instance, settings, contract, batches, layers)
    if expired and len(expired) == len(batches):
        raise next(iter(expired.values()))
    for error in expired.values():
        context.log.error(str(error))
    return [batch for batch in batches if batch not in expired]


def waiting_batches(instance: dg.DagsterInstance, dataset: str) -> list[BatchState]:
    """Return the batches that wait in raw for their contract, in the order they arrived."""
    keys = list(instance.get_dynamic_partitions(dataset))
    places = {key: place for place, key in enumerate(keys)}
    found: set[str] = set()
    for run in _waiting_runs(instance, dataset):
        first = run.tags.get(RANGE_START) or run.tags.get(PARTITION_TAG, "")
        last = run.tags.get(RANGE_END, first)
        if first in places and last in places:
            found.update(keys[places[first] : places[last] + 1])
    if not found:
        return []
    return [s for s in batch_states(instance, dataset, sorted(found)) if s.waits]


def waiting_layers(
    store: ContractStore, contract: Contract, states: Sequence[BatchState]
) -> list[Layer]:
    """Return the layers that these waiting batches need under the contract that clears them.

    Raw is among them when files are read otherwise than when the batches were read.
    """
    versions = store.life_cycle(contract.dataset).versions
    for state in states:
        read_under = versions.get(state.contract_version)
        if not read_under or reading_version(read_under.contract) != reading_version(contract):
            return list(Layer)
    return [layer for layer in Layer if layer is not Layer.RAW]


def forget_waiting(instance: dg.DagsterInstance, dataset: str) -> None:
    """Take the mark from the runs that have ended; call when none of their batches waits."""
    for run in _waiting_runs(instance, dataset):
        if run.is_finished:
            instance.add_run_tags(run.run_id, {WAITS_TAG: "false"})


def _waiting_runs(instance: dg.DagsterInstance, dataset: str) -> Sequence[dg.DagsterRun]:
    return instance.get_runs(RunsFilter(tags={WAITS_TAG: "true", DATASET_TAG: dataset}))


def _cleared_meanwhile(store: ContractStore, dataset: str) -> Contract | None:
    active = store.life_cycle(dataset).active
    return active.contract if active else None


def _layers_on(cleared: Contract, read_under: Contract, wanted: Sequence[Layer]) -> list[Layer]:
    """Return the layers to go on with; raw again only when files are now read otherwise."""
    again = reading_version(cleared) != reading_version(read_under)
    return [layer for layer in wanted if again or layer is not Layer.RAW]
