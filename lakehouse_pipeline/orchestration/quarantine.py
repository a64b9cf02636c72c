"""The way back out of quarantine: what a person adds to a batch, its event, and the run after it.

First the input is committed beside the layers, then its event is written, then a run brings it into
the layers. Killed in between, the next replay of the batch finds the input and gives the result.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.person import require_named
from lakehouse_pipeline.lake.landing import readable
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.batches import require_batches
from lakehouse_pipeline.orchestration.events import report
from lakehouse_pipeline.orchestration.expired import expired_sources
from lakehouse_pipeline.orchestration.runs import REPLAY_FROM, Runs, replay_layers
from lakehouse_pipeline.pipeline.corrections import Corrected, read_corrections
from lakehouse_pipeline.pipeline.inputs import Decision, Inputs, decisions
from lakehouse_pipeline.pipeline.lake import Lake, open_lake
from lakehouse_pipeline.pipeline.measures import measure
from lakehouse_pipeline.pipeline.releases import (
    NothingToReleaseError,
    judged_rules,
    releases_of_records,
    releases_of_rule,
)
from lakehouse_pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Desk:
    """The steward's desk for one batch: every method is one decision, carried out at once.

    `by` and `why` stand on the input, on its event and on the run; neither may be empty. All but
    `hold` judge again, and raise ExpiredBatchError where retention has left nothing to judge.
    """

    instance: dg.DagsterInstance
    settings: Settings
    contract: Contract
    batch: str
    by: str
    why: str

    def __post_init__(self) -> None:
        """Raise: NamelessStepError: nobody decides, or for no reason."""
        require_named(self.by, self.why)

    def correct(self, file: Path) -> Corrected:
        """Take the corrected records of `file`; return them, and how many were left out.

        Raises: CorrectionError, FileRefusedError, UnreadableFileError: then nothing changed.
        """
        readable(file)
        self._require_judgeable()
        with self._lake() as lake, lake.tables.lock(self.contract.dataset):
            corrected = read_corrections(lake, self.contract, self.batch, file)
            count = corrected.records.num_rows
            if count:
                self._inputs(lake).correct(corrected.records, file.name)
        if count:
            self._after(EventType.QUARANTINE_CORRECTED, {"records": count, "file": file.name})
        return corrected

    def release_records(self, records: Sequence[int]) -> int:
        """Let these records pass, whatever releasable rules they break; return how many."""
        self._require_judgeable()
        with self._lake() as lake, lake.tables.lock(self.contract.dataset):
            pairs = releases_of_records(lake, self.contract, self.batch, records)
            self._inputs(lake).release(pairs)
        listed = ", ".join(map(str, sorted(set(records))))
        self._after(
            EventType.QUARANTINE_RELEASED,
            {"records": len(set(records)), "record_numbers": listed[:200]},
        )
        return len(set(records))

    def release_rule(self, rule: str) -> int:
        """Let the records that break `rule` break it; return how many there are."""
        self._require_judgeable()
        with self._lake() as lake, lake.tables.lock(self.contract.dataset):
            pairs = releases_of_rule(lake, self.contract, self.batch, rule)
            count = self._inputs(lake).release(pairs)
        self._after(EventType.QUARANTINE_RELEASED, {"records": count, "rule": rule})
        return count

    def release_batch(self) -> tuple[str, ...]:
        """Publish the batch although its gate refuses it, or lift its hold; return what was waived.

        Raises: NothingToReleaseError: nothing keeps the batch back as a whole.
        """
        self._require_judgeable()
        dataset = self.contract.dataset
        with self._lake() as lake, lake.tables.lock(dataset):
            held = decisions(lake, dataset, [self.batch])[self.batch].held
            (measures,) = measure(lake, self.contract, [self.batch]).values()
            rules = judged_rules(self.contract, measures)
            if held:
                self._inputs(lake).lift()
            elif rules := rules or self._withdrawn_by(lake):
                self._inputs(lake).waive(rules)
            else:
                raise NothingToReleaseError(self.batch)
        waived = ("held",) if held else rules
        self._after(EventType.QUARANTINE_RELEASED, {"rules": ", ".join(waived)})
        return waived

    def _withdrawn_by(self, lake: Lake) -> tuple[str, ...]:
        """Return the rules over published that keep the batch out: it passes every other one."""
        if self.batch in lake.tables.batches(self.contract.dataset, Layer.PUBLISHED):
            return ()
        return tuple(rule.name for rule in self.contract.sql_rules if rule.over == "published")

    def hold(self) -> None:
        """Put the whole batch into quarantine; what is published of it is withdrawn at once."""
        self._require()
        with self._lake() as lake, lake.tables.lock(self.contract.dataset):
            self._inputs(lake).hold()
        self._after(EventType.BATCH_QUARANTINED, {})

    def _require(self) -> None:
        require_batches(self.instance, self.contract.dataset, [self.batch])

    def _require_judgeable(self) -> None:
        """Raise: ExpiredBatchError: retention has left nothing of the batch to judge again."""
        self._require()
        layers = replay_layers(REPLAY_FROM)
        expired = expired_sources(self.instance, self.settings, self.contract, [self.batch], layers)
        if expired:
            raise expired[self.batch]

    def _lake(self) -> AbstractContextManager[Lake]:
        settings = self.settings
        return open_lake(settings.home, settings.memory_limit, settings.threads, settings.place)

    def _inputs(self, lake: Lake) -> Inputs:
        decision = Decision(datetime.now(UTC), self.by, self.why)
        return Inputs(lake, self.contract.dataset, self.batch, decision)

    def _after(self, kind: EventType, facts: dict[str, str | int | float]) -> None:
        event = Event(kind, self.contract.dataset, self.batch, self.by, self.why, facts)
        report(self.instance, event, Layer.QUARANTINED)
        Runs(self.instance, self.settings, self.by).amend(self.contract, self.batch)
