"""Going back to what was published before an anonymization was applied, and telling it.

The tables go back in `pipeline/rollback.py`. What the event stream says of the batches is then said
again as it was said then: their materializations with the contract version of then, and the gates.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import dagster as dg

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.person import require_named
from lakehouse_pipeline.errors import StepRefusedError
from lakehouse_pipeline.lake.anonymizations import Anonymization, Before, Files, Stage
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.anonymization import AnonymizationDesk
from lakehouse_pipeline.orchestration.anonymization_steps import after, taken
from lakehouse_pipeline.orchestration.batches import BatchState, batch_states
from lakehouse_pipeline.orchestration.events import USER_TAG, observation
from lakehouse_pipeline.orchestration.instance import DATASET_TAG, process_tags
from lakehouse_pipeline.orchestration.keys import (
    ANONYMIZATION_TAG,
    GATE_CHECK,
    PRIVACY_CHECK,
    asset_key,
    check_key,
)
from lakehouse_pipeline.orchestration.metadata import ROLLED_BACK, ROW_COUNT, layer_metadata
from lakehouse_pipeline.orchestration.runs import QUIET
from lakehouse_pipeline.pipeline.lake import Lake, open_lake
from lakehouse_pipeline.pipeline.outcomes import LayerWritten
from lakehouse_pipeline.pipeline.rollback import Measures, Rollback, RollbackRefusedError

PAGE = 1000

Told = dg.AssetMaterialization | dg.AssetCheckEvaluation | dg.AssetObservation
"""What is said of a batch after it went back."""


@dataclass(frozen=True, slots=True)
class RollbackDesk:
    """Where applications of one home are taken back."""

    desk: AnonymizationDesk

    def roll_back(
        self, dataset: str, name: str, by: str, why: str
    ) -> tuple[Anonymization, list[BatchState]]:
        """Bring the batches of an application back to what they were before; return them.

        What was cut off is gone on with, by calling it again; who began it stays on record.

        Raises:
            NamelessStepError: nobody goes back, or for no reason.
            UnknownAnonymizationError: there is none of this id.
            StepRefusedError: it was not applied.
            RollbackRefusedError: what was there before is gone, or must not come back.
        """
        require_named(by, why)
        desk = self.desk
        with desk.held(dataset, name) as now:
            one = now
            if one.stage not in (Stage.APPLIED, Stage.ROLLING_BACK) or one.before is None:
                raise _refused(one)
            contract = desk.store.shown(dataset)
            then = self._materializations(one, one.before)
            former = self._former(one, then)
            begun = one.step(Stage.ROLLING_BACK) or taken(Stage.ROLLING_BACK, by, why)

            def note(files: Files) -> None:
                nonlocal one
                steps = one if one.stage is Stage.ROLLING_BACK else after(one, begun)
                one = desk.known.write(replace(steps, restored=files))

            others = [o for o in desk.known.of(dataset) if o.stage is Stage.ROLLED_BACK]
            arrived = desk.instance.get_dynamic_partitions(dataset)
            with self._lake() as lake:
                written, measures = Rollback(
                    lake, contract, one, one.before, former, arrived, others, note
                ).run()
            self._say(one, contract, then, written, measures)
            done = taken(Stage.ROLLED_BACK, begun.by, begun.why)
            one = desk.tell(desk.known.write(after(one, done)))
        return one, batch_states(desk.instance, dataset, list(one.batches))

    def _lake(self) -> AbstractContextManager[Lake]:
        settings = self.desk.settings
        return open_lake(settings.home, settings.memory_limit, settings.threads, settings.place)

    def _materializations(
        self, one: Anonymization, before: Before
    ) -> dict[tuple[str, Layer], dg.AssetMaterialization]:
        """Return what the event stream said of each batch that was published before."""
        found = {}
        for layer in (Layer.ANONYMIZED, Layer.PUBLISHED):
            ids = {said[layer]: batch for batch, said in before.materialized.items()}
            for chunk in _chunks(sorted(ids)):
                chosen = dg.AssetRecordsFilter(asset_key(one.dataset, layer), storage_ids=chunk)
                page = self.desk.instance.fetch_materializations(chosen, limit=PAGE)
                for record in page.records:
                    if record.asset_materialization is not None:
                        found[ids[record.storage_id], layer] = record.asset_materialization
        return found

    def _former(
        self, one: Anonymization, then: Mapping[tuple[str, Layer], dg.AssetMaterialization]
    ) -> dict[str, Contract]:
        """Return the contract that made each batch then.

        Raises: RollbackRefusedError: it is gone.
        """
        versions = self.desk.store.life_cycle(one.dataset).versions
        found = {}
        for (batch, layer), said in then.items():
            version = str(said.metadata["contract_version"].value)
            if version not in versions:
                problem = f"{batch} was made under version {version}, whose contract is gone"
                raise RollbackRefusedError(one.id, problem)
            if layer is Layer.ANONYMIZED:
                found[batch] = versions[version].contract
        return found

    def _say(
        self,
        one: Anonymization,
        contract: Contract,
        then: Mapping[tuple[str, Layer], dg.AssetMaterialization],
        written: list[LayerWritten],
        measures: Measures,
    ) -> None:
        """Tell what the tables now hold: first the checks, then the layers, as they count."""
        step = one.step(Stage.ROLLING_BACK) or one.steps[-1]
        events: list[Told] = [*self._checks(one, measures)]
        for layer in written:
            said = then.get((layer.batch, layer.layer))
            if said is not None:
                measured = measures.get(layer.batch, {}) if layer.layer is Layer.PUBLISHED else {}
                events.append(_again(said, layer, one, measured))
            elif layer.batch not in one.batches:
                events.append(_moved(contract, layer))
        for batch in one.batches:
            if batch not in {known for known, _ in then}:
                event = _unpublished(one, batch, step.by)
                events.append(observation(event, Layer.PUBLISHED))
        self._tell(one, step.by, events)

    def _tell(self, one: Anonymization, by: str, events: Sequence[Told]) -> None:
        """Log events in a run of their own.

        Without a run Dagster keeps one result only of a check of a batch, and takes no second one.
        """

        @dg.op(name="rolled_back")
        def tell(context: dg.OpExecutionContext) -> None:
            for event in events:
                context.log_event(event)  # type: ignore[arg-type] # checks too, as assets do

        @dg.job(name=f"{one.dataset}_rollback")
        def job() -> None:
            tell()

        job.execute_in_process(
            instance=self.desk.instance,
            tags={
                USER_TAG: by,
                DATASET_TAG: one.dataset,
                ANONYMIZATION_TAG: one.id,
                **process_tags(),
            },
            run_config=QUIET,
        )

    def _checks(self, one: Anonymization, measures: Measures) -> Iterator[dg.AssetCheckEvaluation]:
        """Yield the newest results of then of each batch, and a failure where there was none.

        `privacy` passed where it was measured now. What it measured since is no longer true of a
        batch that was measured neither then nor now.
        """
        before = one.before.at if one.before else 0.0
        then = self._results(one, PRIVACY_CHECK, before)
        for batch, measured in measures.items():
            yield _measured(one, batch, then.get(batch), measured)
        yield from (said for batch, said in then.items() if batch not in measures)
        for batch in self._results(one, PRIVACY_CHECK, math.inf):
            if batch not in {**then, **measures}:
                yield _unmeasured(one, batch)
        gated = self._results(one, GATE_CHECK, before)
        yield from gated.values()
        yield from (_never_passed(one, batch) for batch in one.batches if batch not in gated)

    def _results(
        self, one: Anonymization, name: str, before: float
    ) -> dict[str, dg.AssetCheckEvaluation]:
        found: dict[str, dg.AssetCheckEvaluation] = {}
        cursor = None
        while True:
            page = self.desk.instance.event_log_storage.get_asset_check_execution_history(
                check_key(one.dataset, name), limit=PAGE, cursor=cursor
            )
            for record in page:
                said, event = record.evaluation, record.event
                if not isinstance(said, dg.AssetCheckEvaluation) or event is None:
                    continue
                if event.timestamp < before and said.partition in one.batches:
                    found.setdefault(said.partition, said)
            if len(page) < PAGE or len(found) == len(one.batches):
                return found
            cursor = page[-1].id


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), PAGE):
        yield ids[start : start + PAGE]


def _again(
    said: dg.AssetMaterialization,
    now: LayerWritten,
    one: Anonymization,
    measures: Mapping[str, float],
) -> dg.AssetMaterialization:
    """Return what was said of a layer then, with what it holds now and what brought it back."""
    metadata: dict[str, dg.MetadataValue | int | float | str] = {
        **_without_measures(said.metadata),
        **measures,
        ROW_COUNT: now.records,
        "dagster/partition_row_count": now.records,
        "delta_version": now.version,
        ROLLED_BACK: one.id,
    }
    return dg.AssetMaterialization(
        said.asset_key, partition=now.batch, metadata=metadata, tags=said.tags
    )


def _without_measures(metadata: Mapping[str, dg.MetadataValue]) -> dict[str, dg.MetadataValue]:
    return {name: value for name, value in metadata.items() if not name.startswith("privacy/")}


def _moved(contract: Contract, now: LayerWritten) -> dg.AssetMaterialization:
    """Return what is said of a batch beside these whose records were won or lost."""
    key = asset_key(contract.dataset, now.layer)
    metadata = {ROW_COUNT: now.records, **layer_metadata(contract, now)}
    return dg.AssetMaterialization(key, partition=now.batch, metadata=metadata)


def _unpublished(one: Anonymization, batch: str, by: str) -> Event:
    why = f"anonymization {one.id} was rolled back; it was not published before"
    facts: dict[str, str | int | float] = {"anonymization": one.id}
    return Event(EventType.DATA_UNPUBLISHED, one.dataset, batch, by, why, facts)


def _measured(
    one: Anonymization,
    batch: str,
    then: dg.AssetCheckEvaluation | None,
    measures: Mapping[str, float],
) -> dg.AssetCheckEvaluation:
    """Return what `privacy` says of a batch now; which records are withheld is as it was then."""
    kept = _without_measures(then.metadata) if then else {}
    said = f"anonymization {one.id} was rolled back; measured again"
    return dg.AssetCheckEvaluation(
        asset_key=asset_key(one.dataset, Layer.PUBLISHED),
        check_name=PRIVACY_CHECK,
        passed=True,
        severity=dg.AssetCheckSeverity.ERROR,
        description=said,
        metadata={**kept, **measures},
        partition=batch,
    )


def _unmeasured(one: Anonymization, batch: str) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=asset_key(one.dataset, Layer.PUBLISHED),
        check_name=PRIVACY_CHECK,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"anonymization {one.id} was rolled back; what is published is not measured",
        partition=batch,
    )


def _never_passed(one: Anonymization, batch: str) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=asset_key(one.dataset, Layer.VALIDATED),
        check_name=GATE_CHECK,
        passed=False,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"anonymization {one.id} was rolled back; it was not published before",
        partition=batch,
    )


def _refused(one: Anonymization) -> StepRefusedError:
    if one.stage is Stage.APPLYING:
        command = f"lakehouse anonymize {one.dataset} --apply {one.id} --by NAME"
        problem = f"was cut off while it was applied; finish that first: {command}"
    elif one.stage is Stage.ROLLED_BACK:
        problem = "is rolled back already"
    else:
        problem = f"was not applied; it is in the stage '{one.stage}'"
    return StepRefusedError(f"anonymization {one.id}", problem)
