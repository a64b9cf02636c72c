"""What people do to registered versions: approve, decline, activate, deprecate, retire.

Each step is judged and written under the lock of the contracts, so of two that exclude each other
one is refused. What a step means is in `contracts/life_cycle.py`; registering is in
`contract_store.py`; the events are reported in `orchestration/life_cycle.py`.
"""

from dataclasses import dataclass, replace

from filelock import FileLock

from lakehouse_pipeline.contracts.compare import compare
from lakehouse_pipeline.contracts.comparison.tables import tables_follow
from lakehouse_pipeline.contracts.life_cycle import (
    LifeCycle,
    Line,
    Step,
    Version,
    activation,
    broken_promises,
    refusal,
)
from lakehouse_pipeline.contracts.person import require_named
from lakehouse_pipeline.errors import (
    StepRefusedError,
    UnregisteredVersionError,
)
from lakehouse_pipeline.lake.contract_store import ContractStore, entry_of
from lakehouse_pipeline.lake.life_cycle import Entry


@dataclass(frozen=True, slots=True)
class Given:
    """The lines that were written, and why a version was not activated although it asks for it.

    `tables` says of a version that was activated how the tables follow, one sentence each.
    """

    lines: list[Line]
    breaking: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps given by somebody, for a reason; both stay on record and may not be empty."""

    store: ContractStore
    by: str
    why: str

    def __post_init__(self) -> None:
        """Raise: NamelessStepError: nobody gives the step, or for no reason."""
        require_named(self.by, self.why)

    def approve(self, dataset: str, version: str | None = None) -> Given:
        """Approve a version, by default the newest that waits; active at once when it asks to be.

        Raises:
            UnknownDatasetError, UnregisteredVersionError: there is none.
            StepRefusedError: nothing waits, or it is not a draft, or `by` is its author.
        """
        with self._locked(dataset):
            life = self._life(dataset)
            chosen = self._chosen(dataset, life, version, life.to_approve, "approval")
            self._require(life, chosen, Step.APPROVED)
            entries = [self._entry(chosen, Step.APPROVED)]
            breaking = broken_promises(life, chosen)
            asks = chosen.contract.status == "active" and life.is_newer(chosen)
            if asks and not breaking:
                entries.append(self._entry(chosen, Step.ACTIVATED))
            lines = self.store.record(dataset, entries)
        tables = _tables(life, chosen) if asks and not breaking else ()
        return Given(lines, tuple(breaking if asks else ()), tables)

    def decline(self, dataset: str, version: str | None = None) -> Given:
        """Decline a version, by default the newest that waits: it never becomes active.

        Raises: as `approve`.
        """
        with self._locked(dataset):
            life = self._life(dataset)
            chosen = self._chosen(dataset, life, version, life.to_approve, "approval")
            return self._give(life, chosen, Step.DECLINED)

    def activate(
        self, dataset: str, version: str | None = None, *, breaking: bool = False
    ) -> Given:
        """Activate a version; without one take a deprecated dataset up again, or the newest ready.

        Raises:
            UnknownDatasetError, UnregisteredVersionError: there is none.
            StepRefusedError: it may not become active; or it breaks promises, and not `breaking`.
        """
        with self._locked(dataset):
            life = self._life(dataset)
            if version is None and life.closed:
                return Given(self.store.record(dataset, [self._of_dataset(Step.ACTIVATED)]))
            chosen = self._chosen(dataset, life, version, life.to_activate, "activation")
            self._require(life, chosen, Step.ACTIVATED)
            broken = broken_promises(life, chosen)
            if broken and not breaking:
                listed = "; ".join(one.removesuffix(".") for one in broken)
                problem = f"breaks what was promised: {listed}. If that is meant: "
                command = activation(life, chosen)
                raise StepRefusedError(f"{dataset} {chosen.name}", problem + command)
            given = self._give(life, chosen, Step.ACTIVATED)
            return replace(given, tables=_tables(life, chosen))

    def deprecate(self, dataset: str, version: str | None = None) -> Given:
        """Deprecate a version; without one the dataset as a whole, which then takes no new files.

        Raises:
            UnknownDatasetError, UnregisteredVersionError: there is none.
            StepRefusedError: it is deprecated already, or retired, or was declined.
        """
        with self._locked(dataset):
            life = self._life(dataset)
            if version is not None:
                chosen = self._chosen(dataset, life, version, None, "")
                return self._give(life, chosen, Step.DEPRECATED)
            if life.closed:
                raise StepRefusedError(dataset, f"was deprecated by {life.closed.by} already")
            return Given(self.store.record(dataset, [self._of_dataset(Step.DEPRECATED)]))

    def retire(self, dataset: str, version: str) -> Given:
        """Retire a version that is not active: nothing brings it back.

        Raises: as `deprecate`.
        """
        with self._locked(dataset):
            life = self._life(dataset)
            chosen = self._chosen(dataset, life, version, None, "")
            return self._give(life, chosen, Step.RETIRED)

    def _locked(self, dataset: str) -> FileLock:
        self.store.require(dataset)
        return self.store.lock()

    def _life(self, dataset: str) -> LifeCycle:
        """Return the life of a dataset. Raises: ContractError: its ledger is broken."""
        life = self.store.life_cycle(dataset)
        self.store.ledger(dataset)
        return life

    def _chosen(
        self, dataset: str, life: LifeCycle, name: str | None, default: Version | None, what: str
    ) -> Version:
        if name is not None and name not in life.versions:
            raise UnregisteredVersionError(dataset, name, life.versions)
        chosen = life.versions[name] if name is not None else default
        if chosen is None:
            problem = f"has no version that waits for {what}; see: lakehouse contract list"
            raise StepRefusedError(dataset, f"{problem} {dataset}")
        return chosen

    def _give(self, life: LifeCycle, version: Version, step: Step) -> Given:
        self._require(life, version, step)
        return Given(self.store.record(version.contract.dataset, [self._entry(version, step)]))

    def _require(self, life: LifeCycle, version: Version, step: Step) -> None:
        problem = refusal(life, version, step, self.by)
        if problem:
            raise StepRefusedError(f"{version.contract.dataset} {version.name}", problem)

    def _entry(self, version: Version, step: Step) -> Entry:
        return entry_of(version.contract, step, self.by.strip(), self.why.strip())

    def _of_dataset(self, step: Step) -> Entry:
        return Entry(step, None, self.by.strip(), self.why.strip())


def _tables(life: LifeCycle, version: Version) -> tuple[str, ...]:
    """Return how the tables follow from the version that is or was active to this one."""
    if life.former is None:
        return ()
    changes = compare(life.former.contract, version.contract)
    return tuple(tables_follow(version.contract.dataset, changes))
