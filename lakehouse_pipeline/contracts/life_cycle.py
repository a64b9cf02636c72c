"""The life of a dataset's contract versions: who gave which step, and the state that follows.

A version's file never changes, so its state is not in it: `status` is what its author asks for, and
the lines of the ledger say what was granted. The state is folded from both, here and nowhere else;
a line that the rules do not allow does not count, whoever wrote it. Nothing here reads a file: the
ledger is in `lake/life_cycle.py`, the steps that people give are in `lake/contract_steps.py`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lakehouse_pipeline.contracts.breaking import is_breaking
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.contracts.person import person
from lakehouse_pipeline.contracts.version import version_key


class Step(StrEnum):
    """What can happen to a version, or (`deprecated`, `activated`) to a dataset as a whole."""

    DEFINED = "defined"
    APPROVED = "approved"
    DECLINED = "declined"
    ACTIVATED = "activated"
    DEPRECATED = "deprecated"
    RETIRED = "retired"


class State(StrEnum):
    """Where a version stands. Only one version of a dataset is active."""

    DRAFT = "draft"
    APPROVED = "approved"
    ACTIVE = "active"
    DEPRECATED = "deprecated"
    RETIRED = "retired"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger; `number` counts from 1, `version` None is the dataset as a whole.

    `at` is UTC, ISO 8601. `sha256` is of the contract file the step was given for, empty for the
    dataset. An empty `by` is nobody known: the file was placed by hand.
    """

    number: int
    step: Step
    version: str | None
    at: str
    by: str
    why: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A version with its state; `last` is the line that brought it there, None without one.

    `authors` are all who defined the version, as `person` writes them; `author` is the last one.
    """

    contract: Contract
    state: State = State.DRAFT
    author: str = ""
    authors: frozenset[str] = frozenset()
    approved_by: str = ""
    last: Line | None = None

    @property
    def name(self) -> str:
        """The version's number, as `1.0.0`."""
        return self.contract.version


@dataclass(frozen=True, slots=True)
class LifeCycle:
    """The versions of a dataset by their numbers, the oldest first, and what holds over them.

    `last_active` is the number of the version that was active last, or is; empty without one.
    `closed` is the line that deprecated the dataset as a whole: no new files are taken.
    """

    versions: Mapping[str, Version] = field(default_factory=dict)
    last_active: str = ""
    closed: Line | None = None

    @property
    def former(self) -> Version | None:
        """The version that was active last, or is."""
        return self.versions.get(self.last_active)

    @property
    def active(self) -> Version | None:
        """The version that batches are processed under, if there is one."""
        return next((v for v in self.versions.values() if v.state is State.ACTIVE), None)

    @property
    def waiting(self) -> Version | None:
        """Without an active version: the newest one that asks to be active and needs approval."""
        if self.active:
            return None
        asking = [v for v in self._drafts() if v.contract.status == State.ACTIVE]
        return next((version for version in asking if self.needs_approval(version)), None)

    @property
    def shown(self) -> Version | None:
        """The version that the dataset is shown with, and what it holds is looked at.

        It is the active or waiting one, or the one that was active; else the newest that asked to
        be, for batches may have been read under it before it was declined.
        """
        found = self.active or self.waiting or self.former
        newest_first = reversed(tuple(self.versions.values()))
        asking = (v for v in newest_first if v.contract.status == State.ACTIVE)
        return found or next(asking, None)

    @property
    def to_approve(self) -> Version | None:
        """The newest version that waits for approval; without one the newest draft."""
        drafts = list(self._drafts())
        return next((v for v in drafts if self.needs_approval(v)), next(iter(drafts), None))

    @property
    def to_activate(self) -> Version | None:
        """The newest version that may become active and is newer than the active one."""
        ready = (v for v in reversed(tuple(self.versions.values())) if self.is_newer(v))
        return next((v for v in ready if not refusal(self, v, Step.ACTIVATED)), None)

    def needs_approval(self, version: Version) -> bool:
        """Return whether somebody other than its author still has to approve the version.

        That is so for every compliance but standard, and for a standard version that would take
        the place of one that is not: else a version that says less would be the way round.
        """
        if version.approved_by:
            return False
        others = [self.former] if self.former else self.versions.values()
        guarded = (version, *others)
        return any(one.contract.compliance != "standard" for one in guarded)

    def is_newer(self, version: Version) -> bool:
        """Return whether the version is newer than the active one, if any."""
        return self.active is None or _order(version) > _order(self.active)

    def _drafts(self) -> Iterator[Version]:
        return (v for v in reversed(tuple(self.versions.values())) if v.state is State.DRAFT)


FROM: Mapping[Step, tuple[State, ...]] = {
    Step.APPROVED: (State.DRAFT,),
    Step.DECLINED: (State.DRAFT,),
    Step.ACTIVATED: (State.DRAFT, State.APPROVED, State.DEPRECATED),
    Step.DEPRECATED: (State.DRAFT, State.APPROVED, State.ACTIVE),
    Step.RETIRED: (State.DRAFT, State.APPROVED, State.DEPRECATED),
}
"""The states that a step may be given in."""

TO = {
    Step.APPROVED: State.APPROVED,
    Step.DECLINED: State.DECLINED,
    Step.ACTIVATED: State.ACTIVE,
    Step.DEPRECATED: State.DEPRECATED,
    Step.RETIRED: State.RETIRED,
}
"""The state that a step leads to."""


def life_cycle(contracts: Iterable[Contract], lines: Sequence[Line]) -> LifeCycle:
    """Return the life of a dataset with these sound contract files and this ledger.

    A line counts for the file with its SHA-256 only: what was approved is what was read. A file
    that nobody gave a step for was placed by hand; it comes after all lines, the oldest first.
    """
    return _folded(contracts, lines)[0]


def on_record(contracts: Iterable[Contract], lines: Sequence[Line]) -> LifeCycle:
    """Return the life by the lines alone: as it was told, without what was placed by hand."""
    files = {file.version: file for file in contracts}
    life = LifeCycle()
    for line in lines:
        file = files.get(line.version or "")
        if file and file.sha256 == line.sha256:
            life = _with(life, file, lines)
        life = _after(life, line)
    return life


def steps_by_hand(
    contracts: Iterable[Contract], lines: Sequence[Line]
) -> list[tuple[Contract, Step]]:
    """Return the steps of files that were placed by hand which no line says, in their order."""
    said = {(line.version, line.sha256, line.step) for line in lines}
    return [
        (contract, step)
        for contract, step in _folded(contracts, lines)[1]
        if (contract.version, contract.sha256, step) not in said
    ]


def first_steps(
    life: LifeCycle, version: Version, *, by_hand: bool = False, breaking: bool = False
) -> list[Step]:
    """Return the steps of a version that comes into the dataset: defined, and what it asks for.

    It is active at once when it asks for that, nobody has to approve it, and it is newer than the
    active one and does not break its promises. A file placed by hand is not asked whether it breaks
    any; an older one stands there as the past.
    """
    asked = version.contract.status
    if asked in (State.DEPRECATED, State.RETIRED):
        return [Step.DEFINED, Step(asked)]
    if asked != State.ACTIVE or life.needs_approval(version):
        return [Step.DEFINED]
    if life.is_newer(version):
        return [Step.DEFINED] if breaking else [Step.DEFINED, Step.ACTIVATED]
    return [Step.DEFINED, Step.DEPRECATED] if by_hand else [Step.DEFINED]


def next_command(life: LifeCycle, name: str) -> str:
    """Return the command that a version waits for on its way to be active; empty without one."""
    version = life.versions[name]
    if version.state not in (State.DRAFT, State.APPROVED):
        return ""
    return _approval(version) if life.needs_approval(version) else activation(life, version)


def activation(life: LifeCycle, version: Version) -> str:
    """Return the command that activates a version, `--breaking` where it breaks a promise."""
    named = f"{version.contract.dataset} {version.name}"
    option = " --breaking" if broken_promises(life, version) else ""
    return f"lakehouse contract activate {named}{option} --by NAME --why TEXT"


def broken_promises(life: LifeCycle, version: Version) -> list[str]:
    """Return what a version breaks of the promises of the one that is or was active."""
    if life.former is None or life.former.name == version.name:
        return []
    return is_breaking(life.former.contract, version.contract)


def _approval(version: Version) -> str:
    named = f"{version.contract.dataset} {version.name}"
    return f"lakehouse contract approve {named} --by NAME --why TEXT"


def way_to_active(life: LifeCycle) -> str:
    """Return how a dataset without an active version gets one, with the command."""
    if life.to_activate:
        return f"Activate one with: {activation(life, life.to_activate)}"
    if life.to_approve:
        return f"Approve one with: {_approval(life.to_approve)}"
    return "Register a new version with: lakehouse contract add FILE"


def refusal(life: LifeCycle, version: Version, step: Step, by: str = "") -> str:
    """Return why the step may not be given, as the rest of a sentence; empty when it may."""
    if step is Step.DEFINED:
        return ""
    if version.state not in FROM[step]:
        return _in_the_way(life, version, step)
    if step is Step.APPROVED and person(by) in ("", *version.authors):
        return f"was registered by {version.author or by}; somebody else has to approve it"
    if step is Step.ACTIVATED and life.needs_approval(version):
        return f"has to be approved first, by somebody other than its author: {_approval(version)}"
    return ""


def _in_the_way(life: LifeCycle, version: Version, step: Step) -> str:
    """Return what the state says against the step."""
    who = f" by {version.last.by}" if version.last and version.last.by else ""
    match version.state:
        case State.DECLINED:
            return f"was declined{who}; correct the file, raise its 'version' and add that"
        case State.RETIRED:
            return f"was retired{who}; nothing brings it back, register a new version"
        case State.ACTIVE if step is Step.RETIRED:
            return "is active; activate another version or deprecate this one first"
        case State.APPROVED if step is Step.DECLINED:
            return "is approved already; to withdraw it, retire it"
        case State.APPROVED:
            return f"is approved already; activate it with: {activation(life, version)}"
        case _:
            return f"is {version.state} already"


def _order(version: Version) -> tuple[object, ...]:
    return version_key(version.name) or ()


def _folded(
    contracts: Iterable[Contract], lines: Sequence[Line]
) -> tuple[LifeCycle, list[tuple[Contract, Step]]]:
    """Return the life of a dataset, and every step of the files that were placed by hand."""
    files = sorted(contracts, key=lambda contract: version_key(contract.version) or ())
    life = on_record(files, lines)
    known = {
        (line.version, line.sha256) for line in lines if line.by or line.step is not Step.DEFINED
    }
    by_hand = []
    for file in files:
        if (file.version, file.sha256) not in known:
            life = _with(life, file, lines)
            for step in first_steps(life, life.versions[file.version], by_hand=True):
                life = _moved(life, life.versions[file.version], step, None)
                by_hand.append((file, step))
    return life, by_hand


def _with(life: LifeCycle, file: Contract, lines: Iterable[Line]) -> LifeCycle:
    """Return the life with a file in it from now on: what comes later holds nothing up before."""
    if file.version in life.versions:
        return life
    versions = [*life.versions.values(), _unborn(file, lines)]
    return replace(life, versions={one.name: one for one in sorted(versions, key=_order)})


def _unborn(contract: Contract, lines: Iterable[Line]) -> Version:
    """Return the version before its first step; whoever defined the number is an author of it."""
    names = [
        line.by
        for line in lines
        if line.step is Step.DEFINED and line.version == contract.version and person(line.by)
    ]
    return Version(
        contract, author=names[-1] if names else "", authors=frozenset(map(person, names))
    )


def _after(life: LifeCycle, line: Line) -> LifeCycle:
    """Return the life after a line, the same when the line does not count."""
    if line.version is None:
        if line.step is Step.DEPRECATED:
            return replace(life, closed=life.closed or line)
        return replace(life, closed=None) if line.step is Step.ACTIVATED else life
    version = life.versions.get(line.version)
    if version is None or version.contract.sha256 != line.sha256:
        return life
    if refusal(life, version, line.step, line.by):
        return life
    return _moved(life, version, line.step, line)


def _moved(life: LifeCycle, version: Version, step: Step, line: Line | None) -> LifeCycle:
    """Return the life after an allowed step; the former active version is then superseded."""
    if step is Step.DEFINED and version.last:
        return life
    moved = replace(version, state=TO.get(step, version.state), last=line or version.last)
    if step is Step.APPROVED and line:
        moved = replace(moved, approved_by=line.by)
    changed = {version.name: moved}
    if step is Step.ACTIVATED and life.active:
        superseded = replace(life.active, state=State.DEPRECATED, last=line)
        changed[superseded.name] = superseded
    last_active = moved.name if step is Step.ACTIVATED else life.last_active
    return replace(life, versions={**life.versions, **changed}, last_active=last_active)
