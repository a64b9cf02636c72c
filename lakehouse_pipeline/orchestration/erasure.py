"""Erasure: a request on record, carried out in every dataset, with a certificate at its end.

What is taken out, and how, is in `pipeline/erase.py`. The subject's value is used once, to make the
keyed hashes of its forms; whatever comes after works with these alone, so an erasure that was cut
off is finished without anyone giving the value again.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

import dagster as dg
import pyarrow as pa

from lakehouse_pipeline.audit.events import Event, EventType
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.person import names, require_named
from lakehouse_pipeline.contracts.subjects import subject_columns
from lakehouse_pipeline.contracts.types import ColumnType
from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.lake.batch_files import records_by_batch
from lakehouse_pipeline.lake.beyond_reach import beyond_reach
from lakehouse_pipeline.lake.bucket_folder import objects_of
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.erased_subjects import EVERY_DATASET
from lakehouse_pipeline.lake.erasure_requests import Erasure, Erasures, new_request
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.batches import batch_states, rows_per_layer
from lakehouse_pipeline.orchestration.erasure_check import report_deadline
from lakehouse_pipeline.orchestration.events import report
from lakehouse_pipeline.orchestration.expired import expired_sources
from lakehouse_pipeline.orchestration.keys import contract_key
from lakehouse_pipeline.orchestration.runs import Runs, replay_layers
from lakehouse_pipeline.pipeline.erase import Erasing, FileGone
from lakehouse_pipeline.pipeline.lake import Lake, open_lake
from lakehouse_pipeline.pipeline.subject_forms import forms_of
from lakehouse_pipeline.settings import Settings

SHOWN_NUMBERS = 200
"""How many characters of record numbers an event shows; the certificate has them all."""


class NoSubjectError(LakehouseError):
    """No column names the subject, so nobody can be found; or no subject was given."""


class SubjectNamedError(LakehouseError):
    """Who asks, or why, names the subject, and both stay on record."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'{name}' has the subject's value in it and would stay on record. Leave it out, for "
            "instance with the number of the letter. Nothing was changed."
        )


@dataclass(frozen=True, slots=True)
class ErasureDesk:
    """Where erasures of one home are asked for and carried out."""

    instance: dg.DagsterInstance
    settings: Settings

    @property
    def erasures(self) -> Erasures:
        """The requests and certificates."""
        return Erasures(self.settings.erasures)

    def request(self, subject: str, dataset: str | None, by: str, why: str) -> Erasure:
        """Put a request on record, and the subject on the list of those who must not come back.

        `dataset` None is all, those to come too.

        Raises:
            NamelessStepError: nobody asks, or for no reason.
            NoSubjectError: `subject` is empty, or no column names the subject.
            SubjectNamedError: `by` or `why` names the subject.
            UnknownDatasetError: there is no such dataset.
        """
        require_named(by, why)
        if not subject.strip():
            raise NoSubjectError("the subject is empty. Nothing was changed.")
        for name, text in (("by", by), ("why", why)):
            if names(text, subject):
                raise SubjectNamedError(name)
        scope = self._scope(dataset or EVERY_DATASET)
        kinds = [kind for versions in scope.values() for kind in _kinds(versions)]
        with self._lake() as lake:
            forms = forms_of(lake, subject, kinds)
            (hashed,) = lake.subjects.hasher.hashed(pa.array(forms[:1])).to_pylist()
            asked = new_request(hashed, dataset or EVERY_DATASET, by, why, datetime.now(UTC))
            lake.subjects.add(asked.dataset, asked.id, forms)
        self.erasures.write(asked)
        self._say_requested(asked, scope)
        return asked

    def carry_out(self, asked: Erasure) -> Erasure:
        """Erase what a request asks for, or what is left of it; return the certificate."""
        with self.erasures.held(asked.id) as now:
            return now if now.completed else self._carried_out(now)

    def _carried_out(self, asked: Erasure) -> Erasure:
        scope = self._scope(asked.dataset)
        self._say_requested(asked, scope)
        records: dict[str, dict[str, list[int]]] = {}
        after: list[dict[str, object]] = []
        unsearched: list[dict[str, object]] = []
        with self._lake() as lake:
            for dataset, versions in scope.items():
                erasing = self._erasing(lake, versions, asked)
                found = erasing.run()
                self._say_erased(lake, versions[0], asked, found)
                if found:
                    records[dataset] = found
                    self._measure_again(dataset, sorted(found), asked.by)
                touched = self._touched(asked.id, dataset)
                after += [asdict(file) for file in erasing.files_now(sorted({*found, *touched}))]
                unsearched += [asdict(file) for file in erasing.not_searched()]
        done = replace(
            asked,
            searched=tuple(scope),
            records=records,
            files_after=tuple(after),
            not_searched=tuple(unsearched),
        )
        done = self.erasures.complete(replace(done, beyond_reach=self._beyond_reach(done)))
        for dataset in scope:
            self._say_completed(done, dataset)
            report_deadline(self.instance, self.settings, dataset)
        return done

    def _measure_again(self, dataset: str, batches: Sequence[str], by: str) -> None:
        """Publish batches anew whose contract promises `privacy`, for a group may be too small now.

        Not those that were made safe under another version, which promised something else, and not
        those that retention has left too little of.
        """
        life = ContractStore(self.settings.contracts).life_cycle(dataset)
        active = life.active.contract if life.active else None
        if active is None or active.privacy is None:
            return
        mine = [
            one.batch
            for one in batch_states(self.instance, dataset, batches)
            if one.state == "published" and one.anonymized_under == active.version
        ]
        layers = replay_layers(Layer.PUBLISHED)
        expired = expired_sources(self.instance, self.settings, active, mine, layers)
        if again := [batch for batch in mine if batch not in expired]:
            Runs(self.instance, self.settings, by).replay(active, again, Layer.PUBLISHED)

    def _touched(self, erasure: str, dataset: str) -> set[str]:
        """Return the batches that files went of, though maybe no record is known of them."""
        noted = self.erasures.noted(erasure)
        return {file["batch"] for file in noted if file["dataset"] == dataset} - {""}

    def _beyond_reach(self, done: Erasure) -> str:
        objects = objects_of(self.settings.place)
        if objects is None:
            return ""
        files = [*self.erasures.noted(done.id), *done.files_after]
        return beyond_reach(objects.url, [file["version"] for file in files if file.get("url")])

    def resume(self) -> Iterator[Erasure]:
        """Finish every request that is open; yield each certificate.

        One that cannot be finished holds up no other.

        Raises: at the end, what kept one of them from being finished, or a group of all that did.
        """
        failures: list[Exception] = []
        for asked in self.erasures.open():
            try:
                done = self.carry_out(asked)
            except Exception as failure:  # noqa: BLE001 - all are raised once the others are done
                failures.append(failure)
            else:
                yield done
        if len(failures) > 1:
            message = f"{len(failures)} erasures cannot be finished"
            raise ExceptionGroup(message, failures)
        if failures:
            raise failures[0]

    def _scope(self, dataset: str) -> dict[str, list[Contract]]:
        """Return the datasets that name subjects, with the contract's versions, the shown first."""
        store = ContractStore(self.settings.contracts)
        if dataset != EVERY_DATASET:
            store.require(dataset)
        names = store.datasets() if dataset == EVERY_DATASET else [dataset]
        found = {name: _versions(store, name) for name in names}
        scope = {name: versions for name, versions in found.items() if subject_columns(versions)}
        if not scope:
            where = "no dataset" if dataset == EVERY_DATASET else f"no version of '{dataset}'"
            raise NoSubjectError(
                f"{where} marks a column with 'subject: true', so nobody can be found. Add it to "
                "the contract with: customProperties: [{property: subject, value: true}]"
            )
        return scope

    def _lake(self) -> AbstractContextManager[Lake]:
        settings = self.settings
        return open_lake(settings.home, settings.memory_limit, settings.threads, settings.place)

    def _erasing(self, lake: Lake, versions: Sequence[Contract], asked: Erasure) -> Erasing:
        dataset = versions[0].dataset

        def note(file: FileGone) -> None:
            self.erasures.note(asked.id, asdict(file))

        return Erasing(
            lake,
            versions,
            asked.id,
            self.instance.get_dynamic_partitions(dataset),
            note,
            self.settings.exports,
            self.settings.settle_seconds,
        )

    def _say_requested(self, asked: Erasure, scope: Mapping[str, Sequence[Contract]]) -> None:
        """Report the request in each dataset that does not know of it."""
        facts = {"erasure": asked.id, "subject": asked.subject, "deadline": asked.deadline}
        for dataset in scope:
            if not self._is_said(dataset, asked.id):
                kind = EventType.ERASURE_REQUESTED
                event = Event(kind, dataset, None, asked.by, asked.why, {**facts})
                report(self.instance, event, None)
                report_deadline(self.instance, self.settings, dataset)

    def _is_said(self, dataset: str, erasure: str) -> bool:
        cursor = None
        while True:
            page = self.instance.fetch_observations(
                contract_key(dataset), limit=1000, cursor=cursor
            )
            for record in page.records:
                said = record.asset_observation.metadata if record.asset_observation else {}
                if "erasure" in said and said["erasure"].value == erasure:
                    return True
            cursor = page.cursor
            if not page.has_more:
                return False

    def _say_erased(
        self, lake: Lake, contract: Contract, asked: Erasure, found: Mapping[str, list[int]]
    ) -> None:
        """Report what each layer holds since, wherever the event stream says otherwise.

        So a run that died before its events has them from the next one.
        """
        if not found:
            return
        dataset, upserts = contract.dataset, contract.publish.mode == "upsert"
        known = rows_per_layer(self.instance, dataset)
        for layer in Layer:
            held = records_by_batch(lake.tables.open(dataset, layer))
            for batch, rows in known[layer].items():
                numbers, left = found.get(batch, []), held.get(batch, 0)
                gone = rows - left
                if 0 < gone <= len(numbers) or (gone and upserts and layer is Layer.PUBLISHED):
                    event = _erased(asked, dataset, batch, layer, max(gone, 0), left, numbers)
                    report(self.instance, event, layer)

    def _say_completed(self, done: Erasure, dataset: str) -> None:
        found = done.records.get(dataset, {})
        facts: dict[str, str | int | float] = {
            "erasure": done.id,
            "subject": done.subject,
            "batches": len(found),
            "records": sum(map(len, found.values())),
        }
        event = Event(EventType.ERASURE_COMPLETED, dataset, None, done.by, done.why, facts)
        report(self.instance, event, None)


def _versions(store: ContractStore, dataset: str) -> list[Contract]:
    life = store.life_cycle(dataset)
    newest_first = [version.contract for version in reversed(tuple(life.versions.values()))]
    shown = life.shown.contract if life.shown else None
    return sorted(newest_first, key=lambda contract: contract is not shown)


def _kinds(versions: Sequence[Contract]) -> list[ColumnType]:
    return [kind for kinds in subject_columns(versions).values() for kind in kinds]


def _erased(  # noqa: PLR0913, PLR0917 - the facts of one event
    asked: Erasure,
    dataset: str,
    batch: str,
    layer: Layer,
    gone: int,
    left: int,
    numbers: Sequence[int],
) -> Event:
    facts: dict[str, str | int | float] = {
        "erasure": asked.id,
        "layer": layer.value,
        "records": gone,
        "left": left,
        "record_numbers": ", ".join(map(str, numbers))[:SHOWN_NUMBERS],
    }
    return Event(EventType.RECORDS_ERASED, dataset, batch, asked.by, asked.why, facts)
