"""Runs in this process, without the daemon: the same assets on the same instance.

A batch taken in here looks in the event stream like one the sensor found.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.landing import HASH_DIGITS, readable
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.assets import dataset_assets
from lakehouse_pipeline.orchestration.batches import batch_states, is_finished, require_batches
from lakehouse_pipeline.orchestration.events import USER_TAG, report
from lakehouse_pipeline.orchestration.expired import expired_sources
from lakehouse_pipeline.orchestration.instance import process_tags
from lakehouse_pipeline.orchestration.keys import AMENDS_TAG, asset_key, contiguous, range_tags
from lakehouse_pipeline.orchestration.landing import landing_of
from lakehouse_pipeline.orchestration.waiting import (
    forget_waiting,
    waiting_batches,
    waiting_layers,
)
from lakehouse_pipeline.settings import Settings

REPLAY_FROM = Layer.QUARANTINED
"""Where a replay begins unless told otherwise: raw is what arrived, and stays."""


QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Run configuration: what a run logs goes to the event stream, not to the terminal."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The files of one call: the batches to work on, and those that were there already."""

    new: tuple[str, ...]
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs in this process, on the instance of a home, in the name of `actor`."""

    instance: dg.DagsterInstance
    settings: Settings
    actor: str

    def take(self, dataset: str, files: Sequence[Path]) -> Taken:
        """Put files into the landing folder and make each new content a batch; order kept.

        Content that was taken before is not taken again; it leaves an event.
        Raises: UnreadableFileError: a file cannot be read; then nothing is taken.
        """
        for file in files:
            readable(file)
        landing = landing_of(self.settings)
        keys = self.instance.get_dynamic_partitions(dataset)
        new: list[str] = []
        known: list[str] = []
        for file in files:
            digest = sha256_of(file)
            same = [k for k in (*keys, *new) if k.endswith(f"-{digest[:HASH_DIGITS]}")]
            held = [k for k in same if k in new or is_finished(self.instance, dataset, k)]
            held += [k for k in landing.rewritten(dataset, digest) if k in keys]
            if held:
                known.append(held[0])
                report(self.instance, self._skipped(dataset, held[0], file), Layer.RAW)
            else:
                name = landing.place(dataset, file, digest).name
                new.append(landing.batch_of(dataset, name, digest))
        added = [batch for batch in new if batch not in keys]
        self.instance.add_dynamic_partitions(dataset, added)
        return Taken(tuple(new), tuple(known))

    def amend(self, contract: Contract, batch: str) -> None:
        """Bring what people added to a batch into its layers.

        Records are judged alone where the batch was judged under this contract; otherwise the whole
        batch is judged again. One that retention has left nothing of to judge may be withdrawn.
        """
        (state,) = batch_states(self.instance, contract.dataset, [batch])
        layers = replay_layers(REPLAY_FROM)
        in_raw = batch in Tables(self.settings.lake).batches(contract.dataset, Layer.RAW)
        judged = state.validated is not None and state.contract_version == contract.version
        alone = (in_raw and judged) or bool(
            expired_sources(self.instance, self.settings, contract, [batch], layers)
        )
        self.materialize(contract, [batch], layers, {AMENDS_TAG: "true"} if alone else {})

    def materialize(
        self,
        contract: Contract,
        batches: Sequence[str],
        layers: Collection[Layer],
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Materialize `layers` of `batches`, one run per range of neighbouring partitions.

        `tags` are those of the runs beside who asked and for what.

        Raises: what the run raised, as it was.
        """
        dataset = contract.dataset
        assets = dataset_assets(contract, self.settings)
        job = dg.Definitions(assets=[assets]).resolve_implicit_global_asset_job_def()
        keys = self.instance.get_dynamic_partitions(dataset)
        for found in contiguous(keys, set(batches)):
            who = {USER_TAG: self.actor, **process_tags(), **(tags or {})}
            job.execute_in_process(
                instance=self.instance,
                asset_selection=[asset_key(dataset, layer) for layer in layers],
                tags=range_tags(dataset, found[0], found[-1]) | who,
                run_config=QUIET,
            )

    def replay(
        self,
        contract: Contract,
        batches: Sequence[str],
        from_layer: Layer | None,
        tags: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Re-materialize `batches` (none given: all) from a layer on; return them, oldest first.

        Unless told otherwise a replay judges anew what raw holds; batches that raw does not hold
        are read from their landing files.
        Batches that retention has left nothing of to start from are passed over. `tags` are those
        of the runs beside who asked.

        Raises: nothing is replayed then.
            UnknownBatchError: the dataset has no such batch.
            ExpiredBatchError: retention has left nothing of a batch that was named, or of all.
        """
        dataset = contract.dataset
        keys = require_batches(self.instance, dataset, batches)
        wanted = [key for key in keys if not batches or key in batches]
        layers = replay_layers(from_layer or REPLAY_FROM)
        expired = expired_sources(self.instance, self.settings, contract, wanted, layers)
        if expired and (batches or len(expired) == len(wanted)):
            raise next(iter(expired.values()))
        wanted = [key for key in wanted if key not in expired]
        why = f"replay from {from_layer or REPLAY_FROM} with {dataset} {contract.version}"
        asked: Sequence[str | None] = batches or [None]
        for one in asked:
            event = Event(EventType.REPLAY_REQUESTED, dataset, one, self.actor, why)
            report(self.instance, event, Layer.RAW)
        self.materialize(contract, wanted, layers, tags)
        return wanted

    def release(self, store: ContractStore, dataset: str) -> list[str]:
        """Let the batches that wait in raw go on if their contract is cleared; return them.

        Raises: UnknownDatasetError: there is no such dataset; and what a run raised, as it was.
        """
        active = store.life_cycle(dataset).active
        waiting = waiting_batches(self.instance, dataset) if active else []
        if active and waiting:
            layers = waiting_layers(store, active.contract, waiting)
            self.materialize(active.contract, [state.batch for state in waiting], layers)
            forget_waiting(self.instance, dataset)
        return [state.batch for state in waiting]

    def _skipped(self, dataset: str, batch: str, file: Path) -> Event:
        why = f"{file.name} has the content of batch {batch}; it was not read again"
        facts: dict[str, str | int | float] = {"file": file.name}
        return Event(EventType.DUPLICATE_SKIPPED, dataset, batch, self.actor, why, facts)


def replay_layers(from_layer: Layer) -> list[Layer]:
    """Return the layers a replay from this one writes; quarantined and validated go together."""
    layers = list(Layer)
    first = Layer.QUARANTINED if from_layer is Layer.VALIDATED else from_layer
    return layers[layers.index(first) :]
