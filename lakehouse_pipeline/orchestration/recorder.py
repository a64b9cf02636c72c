"""Outcomes of a run into Dagster events: materializations, check results, observations."""

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_TAG,
    NULL_EVENT_POINTER,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.events import actor_of, observation
from lakehouse_pipeline.orchestration.keys import (
    GATE_CHECK,
    PRIVACY_CHECK,
    RULES_CHECK,
    asset_key,
    contract_key,
)
from lakehouse_pipeline.orchestration.metadata import (
    ROW_COUNT,
    WAITING_FOR,
    Metadata,
    code_version,
    counts_table,
    data_version,
    layer_metadata,
    protection_metadata,
    quarantine_metadata,
    reading_version,
    reasons_table,
)
from lakehouse_pipeline.pipeline.outcomes import (
    BatchJudged,
    BatchProtected,
    BatchRefused,
    BatchWarned,
    LayerKept,
    LayerWritten,
    Outcome,
    RecordsSuppressed,
)

SHOWN_NUMBERS = 200
"""How many characters of record numbers an event shows."""

SHOWN_BATCHES = 10
"""How many batches the result of a check over a whole run names."""


class Recorder:
    """Logs what happened in one run, each event with its batch as the partition.

    `selected` are the assets the run was asked for; nothing is recorded for the others.
    `contract` and `waiting_for` (why batches stop after raw, if they do) may change during a run.
    """

    def __init__(
        self, context: dg.AssetExecutionContext, contract: Contract, waiting_for: str = ""
    ) -> None:
        self.context = context
        self.contract = contract
        self.waiting_for = waiting_for
        self.selected = context.selected_asset_keys
        self._checks = {key.name for key in context.selected_asset_check_keys}
        self._quarantined: dict[str, LayerWritten] = {}
        self._protected: dict[str, BatchProtected] = {}
        self._gated: dict[str, bool] = {}
        self._warned: dict[str, tuple[str, ...]] = {}
        self._targets: dict[str, Target | None] = {}
        self._said: dict[str, dict[str, str]] = {RULES_CHECK: {}, GATE_CHECK: {}}

    def record(self, outcome: Outcome) -> None:
        """Record one outcome."""
        match outcome:
            case LayerWritten(layer=Layer.QUARANTINED):
                self._quarantined[outcome.batch] = outcome
            case LayerWritten():
                if outcome.layer in (Layer.ANONYMIZED, Layer.PUBLISHED):
                    self._gate(outcome.batch, "", {}, passed=True)
                protected = self._protected.get(outcome.batch)
                measured = outcome.layer is Layer.PUBLISHED and protected is not None
                self._materialized(outcome, protection_metadata(protected) if measured else {})
            case BatchProtected():
                self._protected[outcome.batch] = outcome
                self._privacy(outcome)
            case BatchJudged():
                self._judged(outcome)
            case BatchRefused():
                self._refused(outcome)
            case BatchWarned():
                said = "; ".join([*self._warned.get(outcome.batch, ()), *outcome.warnings])
                self._check(GATE_CHECK, outcome.batch, said, {}, passed=True)
            case RecordsSuppressed():
                self._suppressed(outcome)
            case LayerKept():
                self.context.log.info("%s: %s: %s", outcome.batch, outcome.layer, outcome.reason)

    def finish(self) -> None:
        """Record what each check says of the run as a whole, where it was over several batches.

        The UI shows a check's newest result beside the asset: without this, that of one batch.
        """
        for name, verdicts in self._said.items():
            failed = [f"{batch}: {said}" for batch, said in verdicts.items() if said]
            if len(verdicts) > 1:
                what = "have quarantined records" if name == RULES_CHECK else "are refused"
                head = f"{len(failed)} of {len(verdicts)} batches {what}."
                said = " ".join([head, *failed[:SHOWN_BATCHES]])
                self._evaluated(name, None, said, {}, passed=not failed)

    def _materialized(self, written: LayerWritten, extra: Metadata) -> None:
        """Record a layer that was asked for, and raw also when it had to be read for the others."""
        key = asset_key(self.contract.dataset, written.layer)
        if key not in self.selected and written.layer is not Layer.RAW:
            return
        tags = {DATA_VERSION_TAG: data_version(self.contract, written.layer, written.batch)}
        if written.layer is Layer.RAW:
            tags |= self._provenance
            extra = {**extra, **({WAITING_FOR: self.waiting_for} if self.waiting_for else {})}
        self.context.log_event(
            dg.AssetMaterialization(
                key,
                partition=written.batch,
                metadata={ROW_COUNT: written.records}
                | extra
                | layer_metadata(self.contract, written),
                tags=tags,
            )
        )

    @property
    def _provenance(self) -> dict[str, str]:
        """What raw was read with; the UI shows raw as stale when files are now read otherwise."""
        contract = contract_key(self.contract.dataset)
        return {
            CODE_VERSION_TAG: code_version(self.contract, Layer.RAW),
            get_input_data_version_tag(contract): reading_version(self.contract),
            get_input_event_pointer_tag(contract): NULL_EVENT_POINTER,
        }

    def _judged(self, judged: BatchJudged) -> None:
        quarantined = self._quarantined.pop(judged.batch)
        self._materialized(quarantined, quarantine_metadata(self.contract, judged))
        counts: Metadata = {
            "records": judged.records,
            "validated": judged.validated,
            "quarantined": judged.quarantined,
            "quarantined_percent": round(judged.quarantined_percent, 4),
        }
        measured = {f"metric/{name}": v for name, v in judged.values.items() if v is not None}
        warned = {f"warning/{name}": count for name, count in judged.warned.items()}
        broken: Metadata = {"rules": counts_table(judged)} if judged.rule_counts else {}
        if judged.sample:
            broken["reasons"] = dg.MetadataValue.md(reasons_table(judged))
        passed = judged.quarantined == 0
        said = "" if passed else f"{judged.quarantined} of {judged.records} records quarantined."
        self._check(RULES_CHECK, judged.batch, said, counts | broken | warned, passed=passed)
        verdict = judged.verdict
        self._warned[judged.batch] = verdict.warnings
        said = "; ".join([*verdict.refusals, *verdict.warnings])
        self._gate(judged.batch, said, counts | measured, passed=not verdict.refused)

    def _refused(self, refused: BatchRefused) -> None:
        why = "; ".join(refused.reasons)
        if refused.layer is Layer.RAW:
            self.context.log.error("%s: refused: %s", refused.batch, why)
        self._gate(refused.batch, why, {}, passed=False)
        if refused.withdrawn:
            event = Event(
                EventType.DATA_UNPUBLISHED,
                self.contract.dataset,
                refused.batch,
                actor_of(self.context.run.tags),
                why,
                {"layers": ", ".join(refused.withdrawn)},
            )
            self.context.log_event(observation(event, Layer.PUBLISHED))

    def _suppressed(self, suppressed: RecordsSuppressed) -> None:
        numbers = ", ".join(map(str, suppressed.records))
        event = Event(
            EventType.RECORDS_SUPPRESSED,
            self.contract.dataset,
            suppressed.batch,
            actor_of(self.context.run.tags),
            "the file brought back records of a subject that was erased",
            {"records": len(suppressed.records), "record_numbers": numbers[:SHOWN_NUMBERS]},
        )
        self.context.log_event(observation(event, Layer.RAW))

    def _privacy(self, protected: BatchProtected) -> None:
        """Record what was measured over the batch and over published; a broken promise blocks."""
        said = protected.broken
        if not said and protected.withheld:
            said = f"{protected.withheld} records are withheld."
        key = asset_key(self.contract.dataset, Layer.PUBLISHED)
        self.context.log_event(
            dg.AssetCheckEvaluation(
                asset_key=key,
                check_name=PRIVACY_CHECK,
                passed=not protected.broken,
                severity=dg.AssetCheckSeverity.ERROR,
                description=said or None,
                metadata=protection_metadata(protected),
                partition=protected.batch,
            )
        )

    def _gate(self, batch: str, said: str, metadata: Metadata, *, passed: bool) -> None:
        """Record the verdict over a batch once, also in a run that was not asked for its check.

        A rule over all published data may refuse what passed before.
        """
        if self._gated.get(batch, True) and self._gated.get(batch) is not passed:
            self._gated[batch] = passed
            self._check(GATE_CHECK, batch, said, metadata, passed=passed)

    def _check(self, name: str, batch: str, said: str, metadata: Metadata, *, passed: bool) -> None:
        if name == RULES_CHECK and name not in self._checks:
            return
        self._said[name][batch] = "" if passed else said
        self._evaluated(name, batch, said, metadata, passed=passed)

    def _evaluated(
        self, name: str, batch: str | None, said: str, metadata: Metadata, *, passed: bool
    ) -> None:
        key = asset_key(self.contract.dataset, Layer.VALIDATED)
        warns = name == RULES_CHECK
        self.context.log_event(
            dg.AssetCheckEvaluation(
                asset_key=key,
                check_name=name,
                passed=passed,
                severity=dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR,
                description=said or None,
                metadata=metadata,
                partition=batch,
                target_materialization_data=self._target(key, batch) if batch else None,
            )
        )

    def _target(self, key: dg.AssetKey, batch: str) -> Target | None:
        """Return the batch's newest materialization, None without one.

        A check that does not name it counts as missing in the UI's partitions.
        """
        if batch not in self._targets:
            chosen = dg.AssetRecordsFilter(key, asset_partitions=[batch])
            found = self.context.instance.fetch_materializations(chosen, limit=1).records
            targets = [
                Target(storage_id=r.storage_id, run_id=r.run_id, timestamp=r.timestamp)
                for r in found
            ]
            self._targets[batch] = next(iter(targets), None)
        return self._targets[batch]
