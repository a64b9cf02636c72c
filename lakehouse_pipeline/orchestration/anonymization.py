"""Dry run, approval and application of an anonymization: each step with who, when and why.

What a dry run computes is in `pipeline/dry_run.py`, going back in `anonymization_rollback.py`, what
a step says and leaves in `anonymization_steps.py`. The records of a dry run's sample are in its
answer and nowhere else.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

import dagster as dg

from lakehouse_pipeline.contracts.life_cycle import State
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.person import person, require_named
from lakehouse_pipeline.contracts.technique_cautions import cautions
from lakehouse_pipeline.contracts.techniques import KEYED, technique_of, vault_of
from lakehouse_pipeline.errors import StepRefusedError, UnregisteredVersionError
from lakehouse_pipeline.lake.anonymizations import (
    Anonymization,
    Anonymizations,
    Before,
    Stage,
    Taken,
    new_id,
)
from lakehouse_pipeline.lake.batch_files import names_by_batch
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.lake.throw_away import DryReplacer
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.anonymization_steps import (
    ChangedSinceError,
    NothingToAnonymizeError,
    after,
    event_of,
    not_to_be_applied,
    taken,
)
from lakehouse_pipeline.orchestration.batches import (
    BatchState,
    batch_states,
    newest_events,
    require_batches,
)
from lakehouse_pipeline.orchestration.events import report
from lakehouse_pipeline.orchestration.expired import expired_sources
from lakehouse_pipeline.orchestration.keys import ANONYMIZATION_TAG, contiguous
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline.pipeline.dry_run import LAYERS, DryRun, Example, dry_run
from lakehouse_pipeline.pipeline.lake import Lake, open_lake
from lakehouse_pipeline.pipeline.schemas import check_ready
from lakehouse_pipeline.pipeline.unchanged import changed_batches
from lakehouse_pipeline.settings import Settings

SHOWN = 5
"""How many batches a message names."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A dry run as it is answered to who asked for it, with the values of the sample.

    `refused` says why batches would not be published, `taken_out` which of them are published now.
    `throw_away` names the columns whose sample shows values that applying would make otherwise.
    """

    id: str
    dataset: str
    version: str
    batches: tuple[str, ...]
    records: int
    columns: tuple[dict[str, object], ...]
    withheld: dict[str, int]
    measures: dict[str, dict[str, float]]
    refused: dict[str, tuple[str, ...]]
    taken_out: tuple[str, ...]
    undeclared: tuple[str, ...]
    warnings: tuple[str, ...]
    throw_away: tuple[str, ...]
    seconds: float
    sample: tuple[Example, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AnonymizationDesk:
    """Where anonymizations of one home are tried, approved and applied."""

    instance: dg.DagsterInstance
    settings: Settings

    @property
    def known(self) -> Anonymizations:
        """The dry runs, and what became of them."""
        return Anonymizations(self.settings.anonymizations)

    @property
    def store(self) -> ContractStore:
        """The contracts."""
        return ContractStore(self.settings.contracts)

    def rehearse(
        self, dataset: str, version: str | None, batches: Sequence[str], by: str, why: str = ""
    ) -> Rehearsal:
        """Make a dry run over `batches` (none: all that validated holds) under a version.

        Without a version it is the active one. Holds the dataset's lock meanwhile.

        Raises:
            NamelessStepError: nobody asks.
            UnknownDatasetError, UnregisteredVersionError, UnknownBatchError: there is none.
            NothingToAnonymizeError: validated holds none of the batches, or not one of them.
            ExpiredBatchError: retention has taken out what a named batch would be made from.
            SchemaChangeError: a column is stored in a type that the version does not promise.
        """
        require_named(by)
        contract = self._version(dataset, version)
        arrived = require_batches(self.instance, dataset, batches)
        replacer = DryReplacer(self.settings.keys, self.settings.home / "vault")
        with self._lake(replacer) as lake, lake.tables.lock(dataset):
            chosen = self._chosen(lake, contract, arrived, batches)
            self._check_ready(lake, contract, chosen)
            done = dry_run(lake, contract, chosen, arrived)
            table = lake.tables.open(dataset, Layer.VALIDATED)
            files = names_by_batch(table, chosen)
        one = Anonymization(
            new_id(datetime.now(UTC)),
            dataset,
            contract.version,
            contract.sha256,
            done.records,
            tuple(asdict(effect) for effect in done.columns),
            sum(done.withheld.values()),
            tuple(done.refused),
            done.seconds,
            table.version() if table is not None else 0,
            files,
            (taken(Stage.DRY_RUN, by, why),),
        )
        self.tell(self.known.write(one))
        return self._rehearsal(one, contract, done, replacer)

    def approve(self, dataset: str, name: str, by: str, why: str) -> Anonymization:
        """Approve a dry run that somebody else made.

        Raises:
            NamelessStepError: nobody approves, or for no reason.
            UnknownAnonymizationError: there is none of this id.
            StepRefusedError: it is approved already, or `by` made it.
        """
        require_named(by, why)
        with self.held(dataset, name) as one:
            maker = one.steps[0].by
            if one.stage is not Stage.DRY_RUN:
                raise StepRefusedError(f"dry run {name}", f"is {one.stage} already")
            if person(by) == person(maker):
                raise StepRefusedError(
                    f"dry run {name}", f"was made by {maker}; somebody else has to approve it"
                )
            return self.tell(self.known.write(after(one, taken(Stage.APPROVED, by, why))))

    def apply(self, dataset: str, name: str, by: str) -> tuple[Anonymization, list[BatchState]]:
        """Make anonymized and published of the batches again; return what came of them.

        What was cut off is gone on with, by calling it again.

        Raises:
            NamelessStepError: nobody applies.
            UnknownAnonymizationError: there is none of this id.
            StepRefusedError: it is not approved, or was applied already.
            NotApprovedError: its version waits for approval.
            ChangedSinceError: its version is not the active one, or validated has changed.
        """
        require_named(by)
        with self.held(dataset, name) as now:
            if now.stage not in (Stage.APPROVED, Stage.APPLYING):
                raise not_to_be_applied(now)
            contract = self._unchanged(now)
            one = self._begun(now, contract, by)
            tags = {ANONYMIZATION_TAG: one.id}
            runs = Runs(self.instance, self.settings, by)
            runs.replay(contract, list(one.batches), Layer.ANONYMIZED, tags)
            made = names_by_batch(self._tables.open(dataset, Layer.ANONYMIZED), one.batches)
            one = replace(after(one, taken(Stage.APPLIED, by)), made=made)
            one = self.tell(self.known.write(one))
        return one, batch_states(self.instance, dataset, list(one.batches))

    @contextmanager
    def held(self, dataset: str, name: str) -> Iterator[Anonymization]:
        """Yield an anonymization as it is now; nobody takes a step with it meanwhile.

        An event that a killed process did not come to is written first.

        Raises: UnknownDatasetError, UnknownAnonymizationError: there is none.
        """
        self.store.require(dataset)
        with self.known.held(dataset, name) as one:
            yield self.tell(one)

    def listed(self, dataset: str) -> list[Anonymization]:
        """Return the dry runs of a dataset, the oldest first; tells what no event tells of yet.

        Raises: UnknownDatasetError: there is no such dataset.
        """
        self.store.require(dataset)
        for one in self.known.of(dataset):
            if not all(step.told for step in one.steps):
                with self.held(dataset, one.id):
                    pass
        return self.known.of(dataset)

    def tell(self, one: Anonymization) -> Anonymization:
        """Report the steps that no event tells of yet."""
        return self.known.tell(one, self._say)

    def _say(self, one: Anonymization, step: Taken) -> None:
        tables = [self._tables.open(one.dataset, layer) for layer in LAYERS]
        now = [None if table is None else table.version() for table in tables]
        event = event_of(one, step, dict(zip(LAYERS, now, strict=True)))
        if event is not None:
            report(self.instance, event, None)

    @property
    def _tables(self) -> Tables:
        return Tables(self.settings.lake)

    def _lake(self, replacer: DryReplacer | None = None) -> AbstractContextManager[Lake]:
        settings = self.settings
        limits = (settings.memory_limit, settings.threads)
        return open_lake(settings.home, *limits, settings.place, replacer)

    def _version(self, dataset: str, version: str | None) -> Contract:
        if version is None:
            return self.store.active(dataset)
        versions = self.store.life_cycle(dataset).versions
        if version not in versions:
            raise UnregisteredVersionError(dataset, version, versions)
        return versions[version].contract

    def _chosen(
        self, lake: Lake, contract: Contract, arrived: Sequence[str], batches: Sequence[str]
    ) -> list[str]:
        """Return the batches of a dry run, in the order they arrived.

        Raises: NothingToAnonymizeError, ExpiredBatchError: there is none, or not one of `batches`.
        """
        dataset = contract.dataset
        held = lake.tables.batches(dataset, Layer.VALIDATED)
        for batch in batches:
            if batch not in held:
                raise NothingToAnonymizeError(dataset, batch)
        chosen = [batch for batch in arrived if batch in held and (not batches or batch in batches)]
        expired = expired_sources(self.instance, self.settings, contract, chosen, LAYERS)
        if expired and batches:
            raise next(iter(expired.values()))
        chosen = [batch for batch in chosen if batch not in expired]
        if not chosen:
            raise NothingToAnonymizeError(dataset)
        return chosen

    def _rehearsal(
        self, one: Anonymization, contract: Contract, done: DryRun, replacer: DryReplacer
    ) -> Rehearsal:
        published = self._tables.batches(one.dataset, Layer.PUBLISHED)
        return Rehearsal(
            one.id,
            one.dataset,
            one.version,
            done.batches,
            done.records,
            one.columns,
            done.withheld,
            done.measures,
            done.refused,
            tuple(batch for batch in done.refused if batch in published),
            done.undeclared,
            (*cautions(contract), *done.warnings),
            tuple(_thrown_away(contract, replacer)),
            done.seconds,
            done.sample,
        )

    def _unchanged(self, one: Anonymization) -> Contract:
        """Return the active contract. Raises: ChangedSinceError: it is not that of the dry run."""
        versions = self.store.life_cycle(one.dataset).versions
        version = versions.get(one.version)
        if version is None or version.contract.sha256 != one.sha256:
            again = f"lakehouse anonymize --dry-run {one.dataset}"
            problem = f"was made under another content of version {one.version}"
            raise ChangedSinceError(one, problem, f"Make a new dry run: {again}")
        if version.state is not State.ACTIVE:
            raise ChangedSinceError(
                one,
                f"was made under version {one.version}, which is {version.state} and not active",
                f"Activate it first, or make a dry run under the version that is: lakehouse "
                f"contract list {one.dataset}",
            )
        return version.contract

    def _begun(self, one: Anonymization, contract: Contract, by: str) -> Anonymization:
        """Write down what to go back to, unless an earlier call did; return it with that.

        Raises:
            ChangedSinceError: validated has changed.
            ExpiredBatchError: retention has taken out what applying starts from.
            SchemaChangeError: other batches hold a column in another type.
        """
        batches = list(one.batches)
        for error in expired_sources(
            self.instance, self.settings, contract, batches, LAYERS
        ).values():
            raise error
        with self._lake() as lake, lake.tables.lock(one.dataset):
            self._refuse_changed(lake, one)
            self._check_ready(lake, contract, batches)
            if one.stage is Stage.APPLYING:
                return one
            before = self._before(lake, one)
        return self.known.write(replace(after(one, taken(Stage.APPLYING, by)), before=before))

    def _check_ready(self, lake: Lake, contract: Contract, batches: Sequence[str]) -> None:
        """Raise: SchemaChangeError: a table is to be made anew, and not by one run.

        Applying takes one run for each range of neighbours.
        """
        arrived = self.instance.get_dynamic_partitions(contract.dataset)
        for together in contiguous(arrived, set(batches)):
            check_ready(lake, contract, together, LAYERS)

    def _refuse_changed(self, lake: Lake, one: Anonymization) -> None:
        changed = changed_batches(lake, one.dataset, one.batches, one.validated)
        if changed:
            more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
            named = f"{', '.join(changed[:SHOWN])}{more}"
            again = f"lakehouse anonymize --dry-run {one.dataset} --contract {one.version}"
            raise ChangedSinceError(
                one,
                f"was made of other records: those of {named} have changed in validated since",
                f"Make a new one and have it approved: {again}",
            )

    def _before(self, lake: Lake, one: Anonymization) -> Before:
        dataset, batches = one.dataset, list(one.batches)
        anonymized, published = (lake.tables.open(dataset, layer) for layer in LAYERS)
        erased = lake.erased.of(dataset)
        states = batch_states(self.instance, dataset, batches)
        shown = [state.batch for state in states if state.state == "published"]
        return Before(
            datetime.now(UTC).timestamp(),
            None if anonymized is None else anonymized.version(),
            None if published is None else published.version(),
            names_by_batch(anonymized, batches),
            {batch: tuple(sorted(erased[batch].records)) for batch in batches if batch in erased},
            newest_events(self.instance, dataset, LAYERS, shown),
        )


def _thrown_away(contract: Contract, replacer: DryReplacer) -> list[str]:
    """Return the columns whose values were made up, and not as applying would make them."""
    return [
        column.name
        for column in contract.columns
        if (technique_of(column) in KEYED and replacer.makes_up_key)
        or (
            technique_of(column) == "tokenize"
            and vault_of(contract.dataset, column) in replacer.tokens.lacking
        )
    ]
