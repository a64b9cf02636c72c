"""What the HTTP API does on the instance of a home; it knows Dagster, so that the API need not.

Every method is one act with its event; the events are on the disk when it returns. The API itself
is in `api/`.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

import dagster as dg

from lakehouse_pipeline.audit.events import Event
from lakehouse_pipeline.contracts.compare import compare, next_version
from lakehouse_pipeline.contracts.life_cycle import Version, next_command
from lakehouse_pipeline.contracts.load import load_file
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import ContractError, UnknownBatchError
from lakehouse_pipeline.lake.contract_steps import Given, Steps
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.landing import (
    HASH_DIGITS,
    Landing,
    LandingFile,
    is_settled,
)
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.batches import BatchState, batch_states
from lakehouse_pipeline.orchestration.checks import Check, checks_of
from lakehouse_pipeline.orchestration.events import report
from lakehouse_pipeline.orchestration.home_lock import running_url
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.landing import landing_of
from lakehouse_pipeline.orchestration.life_cycle import report_life_cycle
from lakehouse_pipeline.orchestration.reload import reload_location
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline.pipeline.binding import unfit
from lakehouse_pipeline.settings import Settings

POLL_SECONDS = 0.1
HERE = "contract"
"""What stands in messages for the file of a contract that was sent."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A contract that was registered: where it stands, and the command that it waits for."""

    dataset: str
    version: str
    state: str
    next: str
    breaking: tuple[str, ...] = ()


@dataclass(slots=True)
class Office:
    """One home with an open instance, used by the threads of one process."""

    settings: Settings
    instance: dg.DagsterInstance
    store: ContractStore
    _locks: dict[str, Lock] = field(default_factory=dict)

    def register(self, content: bytes, by: str, why: str) -> Registered:
        """Register a contract, activate it if that is allowed, and show it in a running UI.

        A version that breaks promises is activated all the same as long as the dataset has no
        batch: nobody has been given anything yet.
        Raises: ContractError: with every problem. ContractVersionExistsError: as the store says.
        """
        with _as_file(self.settings, content) as file:
            contract = _sound(file, self.settings)
            with _named_here(file):
                self.store.add(file, by, why)
        Landing(self.settings.landing).folder(contract.dataset).mkdir(parents=True, exist_ok=True)
        breaking = self._broken(contract)
        if breaking and not self.instance.get_dynamic_partitions(contract.dataset):
            steps = Steps(self.store, by, f"{why}; no batch has arrived yet")
            steps.activate(contract.dataset, contract.version, breaking=True)
            breaking = ()
        self.told(contract.dataset)
        life = self.store.life_cycle(contract.dataset)
        state = life.versions[contract.version].state
        waits = next_command(life, contract.version)
        return Registered(contract.dataset, contract.version, state, waits, breaking)

    def numbered(self, contract: bytes) -> str:
        """Return the version that this contract needs to come after the dataset's newest one."""
        with _as_file(self.settings, contract) as file:
            new = _sound(file, self.settings)
        newest = self.newest(new.dataset)
        changes = compare(newest, new)
        return next_version(newest.version, changes)

    def dataset_of(self, contract: bytes) -> str:
        """Return the dataset that a contract is about. Raises: ContractError: as `register`."""
        with _as_file(self.settings, contract) as file:
            return _sound(file, self.settings).dataset

    def newest(self, dataset: str) -> Contract:
        """Return the newest sound version. Raises: UnknownDatasetError, ContractError."""
        versions = list(self.store.life_cycle(dataset).versions.values())
        return versions[-1].contract if versions else self.store.shown(dataset)

    def told(self, dataset: str) -> None:
        """Write the events that the ledger lacks and make a running UI read the contracts again."""
        report_life_cycle(self.instance, self.settings, [dataset])
        url = running_url(self.settings)
        if url is not None:
            with suppress(ConnectionError, TimeoutError):  # not there, or busy
                reload_location(url)

    def followed(self, dataset: str, given: Given, by: str) -> tuple[Given, list[BatchState]]:
        """Tell a step, let batches go on that waited for it, and return what came of them."""
        self.told(dataset)
        with self.exclusive(dataset):
            released = Runs(self.instance, self.settings, by).release(self.store, dataset)
        return given, self.states(dataset, released) if released else []

    def states(self, dataset: str, only: Sequence[str] | None = None) -> list[BatchState]:
        """Return the state of batches. Raises: UnknownDatasetError."""
        self.store.require(dataset)
        return batch_states(self.instance, dataset, only)

    def state(self, dataset: str, batch: str) -> BatchState:
        """Return the state of a batch. Raises: UnknownDatasetError, UnknownBatchError."""
        found = self.states(dataset, [batch])
        if not found:
            known = self.instance.get_dynamic_partitions(dataset)
            raise UnknownBatchError(dataset, batch, known)
        return found[0]

    def checks(self, dataset: str, batch: str) -> list[Check]:
        """Return how the checks of a batch went, none of one that is not there."""
        return checks_of(self.instance, dataset, batch)

    def report(self, event: Event, layer: Layer | None) -> None:
        """Write an event; it is on the disk when this returns."""
        report(self.instance, event, layer)

    def replay(self, dataset: str, batch: str | None, by: str) -> list[BatchState]:
        """Judge batches again, and take in the files that nobody has taken yet; return them.

        Raises: NotApprovedError, UnknownBatchError, ExpiredBatchError: nothing is replayed then.
        """
        contract = self.store.active(dataset)
        runs = Runs(self.instance, self.settings, by)
        with self.exclusive(dataset):
            fresh = [] if batch else self._take(contract)
            known = self.instance.get_dynamic_partitions(dataset)
            old = [batch] if batch else [key for key in known if key not in fresh]
            done = runs.replay(contract, old, None) if old else []
            if fresh:
                runs.materialize(contract, fresh, tuple(Layer))
            return self.states(dataset, [*done, *fresh]) if done or fresh else []

    def _take(self, contract: Contract) -> list[str]:
        """Make batches of landing files that are whole and that nobody has taken; return those.

        Copies of what was taken are left to the sensor, which puts them on record.
        """
        dataset = contract.dataset
        self.store.require_open(dataset)
        known = self.instance.get_dynamic_partitions(dataset)
        landing = landing_of(self.settings)
        held = set(landing.found(dataset, known).values())
        new = {key[-HASH_DIGITS:]: "" for key in known}
        for file in self._whole_files(dataset):
            digest = _digest(file) if file not in held else None
            if digest and set(landing.rewritten(dataset, digest)).isdisjoint(known):
                batch = landing.batch_of(dataset, file.path.name, digest)
                new.setdefault(digest[:HASH_DIGITS], batch)
        fresh = [batch for batch in new.values() if batch]
        self.instance.add_dynamic_partitions(dataset, fresh)
        return fresh

    def _whole_files(self, dataset: str) -> list[LandingFile]:
        """Return the landing files that nobody is writing; those that just came are waited for."""
        landing, settle = landing_of(self.settings), self.settings.settle_seconds
        deadline = time.monotonic() + settle + POLL_SECONDS
        while True:
            files = landing.files(dataset)
            whole = [file for file in files if is_settled(file, settle)]
            if len(whole) == len(files) or time.monotonic() > deadline:
                return whole
            time.sleep(POLL_SECONDS)

    def _broken(self, contract: Contract) -> tuple[str, ...]:
        """Return what keeps a version from being active that would be but for this."""
        life = self.store.life_cycle(contract.dataset)
        version: Version = life.versions[contract.version]
        if life.active is None or version.state != "draft" or life.needs_approval(version):
            return ()
        changes = compare(life.active.contract, contract) if life.is_newer(version) else []
        return tuple(str(change) for change in changes if change.kind == "breaking")

    def exclusive(self, dataset: str) -> Lock:
        """Return the lock that keeps two runs over one dataset apart in this process."""
        return self._locks.setdefault(dataset, Lock())


@contextmanager
def open_office(settings: Settings) -> Iterator[Office]:
    """Yield the office of a home; its instance is closed at the end."""
    with open_instance(settings) as instance:
        report_life_cycle(instance, settings)
        yield Office(settings, instance, ContractStore(settings.contracts))


@contextmanager
def _as_file(settings: Settings, content: bytes) -> Iterator[Path]:
    temporary = settings.home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=temporary) as folder:
        file = Path(folder) / "contract.yaml"
        file.write_bytes(content)
        yield file


def _digest(file: LandingFile) -> str | None:
    """Return the hash of a file's content, None when it has gone meanwhile."""
    try:
        return sha256_of(file.local())
    except FileNotFoundError:
        return None


def _sound(file: Path, settings: Settings) -> Contract:
    with _named_here(file):
        contract = load_file(file)
        if problems := unfit(contract, settings.check_modules):
            raise ContractError(problems)
        return contract


@contextmanager
def _named_here(file: Path) -> Iterator[None]:
    """Let problems speak of the contract that was sent, not of the file it was put into."""
    try:
        yield
    except ContractError as error:
        shown = [replace(p, path=HERE) if p.path == str(file) else p for p in error.problems]
        raise ContractError(shown) from None
