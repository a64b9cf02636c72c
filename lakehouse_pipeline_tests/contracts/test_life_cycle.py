"""The states of versions, folded from files and lines; and that nothing ever gets past approval."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lakehouse_pipeline.contracts.life_cycle import (
    LifeCycle,
    Line,
    State,
    Step,
    Version,
    first_steps,
    life_cycle,
    next_command,
    on_record,
    refusal,
    steps_by_hand,
    way_to_active,
)
from lakehouse_pipeline.contracts.model import Compliance, Contract

AT = "2025-05-01T12:00:00+00:00"


def file(
    version: str = "1.0.0", compliance: Compliance = "gdpr", status: str = "active"
) -> Contract:
    return Contract(
        "orders", version, status, (), compliance=compliance, sha256=f"{version} {compliance}"
    )


def lines(*said: str) -> list[Line]:
    """Return lines from texts such as `approved 1.0.0 bob`; the version `-` is the dataset."""
    found = []
    for number, one in enumerate(said, 1):
        step, version, by = one.split(" ")
        compliance = "standard" if version.endswith("s") else "gdpr"
        name = version.rstrip("s")
        sha256 = "" if name == "-" else f"{name} {compliance}"
        line = Line(number, Step(step), None if name == "-" else name, AT, by, "why", sha256)
        found.append(line)
    return found


def states(contracts: list[Contract], *said: str) -> dict[str, str]:
    """Return the state of every version; `1.0.0s` in a line is a standard contract's file."""
    life = life_cycle(contracts, lines(*said))
    return {name: version.state.value for name, version in life.versions.items()}


STANDARD = [file("1.0.0", "standard"), file("1.1.0", "standard")]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ((), "draft"),
        (("defined 1.0.0 ada",), "draft"),
        (("defined 1.0.0 ada", "approved 1.0.0 bob"), "approved"),
        (("defined 1.0.0 ada", "approved 1.0.0 ada"), "draft"),
        (("defined 1.0.0 Ada", "approved 1.0.0 aDA"), "draft"),
        (("defined 1.0.0 ada", "activated 1.0.0 bob"), "draft"),
        (("defined 1.0.0 ada", "declined 1.0.0 bob"), "declined"),
        (("defined 1.0.0 ada", "declined 1.0.0 bob", "approved 1.0.0 eve"), "declined"),
        (("defined 1.0.0 ada", "approved 1.0.0 bob", "declined 1.0.0 eve"), "approved"),
        (("defined 1.0.0 ada", "approved 1.0.0 bob", "activated 1.0.0 ada"), "active"),
        (("approved 1.0.0 bob", "activated 1.0.0 bob", "deprecated 1.0.0 bob"), "deprecated"),
        (("approved 1.0.0 bob", "activated 1.0.0 bob", "retired 1.0.0 bob"), "active"),
        (("approved 1.0.0 bob", "retired 1.0.0 bob", "activated 1.0.0 bob"), "retired"),
        (("defined 1.0.0s ada", "approved 1.0.0s bob", "activated 1.0.0s bob"), "draft"),
        (("approved 1.0.0 bob", "defined 1.0.0 bob"), "draft"),
    ],
)
def test_a_line_counts_only_where_the_rules_allow_it(said: tuple[str, ...], state: str) -> None:
    assert states([file()], *said) == {"1.0.0": state}


def test_only_the_version_activated_last_is_active() -> None:
    said = ("activated 1.0.0s ada", "activated 1.1.0s ada")
    assert states(STANDARD, *said) == {"1.0.0": "deprecated", "1.1.0": "active"}
    again = states(STANDARD, *said, "activated 1.0.0s ada")
    assert again == {"1.0.0": "active", "1.1.0": "deprecated"}


def test_a_version_whose_file_is_gone_never_was() -> None:
    said = ("activated 1.0.0s ada", "activated 1.1.0s ada")
    assert states(STANDARD[:1], *said) == {"1.0.0": "active"}


def test_what_was_approved_is_the_file_that_was_read() -> None:
    changed = replace(file(), sha256="another")
    assert states([changed], "defined 1.0.0 ada", "approved 1.0.0 bob") == {"1.0.0": "draft"}


def test_the_author_of_a_version_stays_its_author_when_the_file_changes() -> None:
    changed = replace(file(), sha256="another")
    life = life_cycle([changed], lines("defined 1.0.0 ada"))
    version = life.versions["1.0.0"]
    assert refusal(life, version, Step.APPROVED, " ADA ") == (
        "was registered by ada; somebody else has to approve it"
    )
    assert refusal(life, version, Step.APPROVED, "bob") == ""


def test_files_placed_by_hand_are_active_by_their_number_when_standard() -> None:
    assert states([*STANDARD, file("2.0.0", "standard", "draft")]) == {
        "1.0.0": "deprecated",
        "1.1.0": "active",
        "2.0.0": "draft",
    }
    assert states([file("1.0.0", "standard", "retired")]) == {"1.0.0": "retired"}


def test_a_file_placed_by_hand_waits_when_its_contract_is_not_standard() -> None:
    life = life_cycle([file("1.0.0"), file("1.1.0", "strict"), file("1.2.0", status="draft")], [])
    assert life.active is None
    assert [v.name for v in (life.waiting, life.shown, life.to_approve) if v] == [
        "1.1.0",
        "1.1.0",
        "1.2.0",
    ]


def test_a_step_given_by_somebody_holds_against_a_higher_file_that_was_there() -> None:
    by_hand = steps_by_hand(STANDARD, [])
    assert [(contract.version, step.value) for contract, step in by_hand] == [
        ("1.0.0", "defined"),
        ("1.0.0", "activated"),
        ("1.1.0", "defined"),
        ("1.1.0", "activated"),
    ]
    adopted = ("activated 1.0.0s ", "defined 1.1.0s ", "activated 1.1.0s ")
    assert steps_by_hand(STANDARD, lines(*adopted)) == []
    rolled_back = (*adopted, "activated 1.0.0s ada")
    assert states(STANDARD, *rolled_back) == {"1.0.0": "active", "1.1.0": "deprecated"}


def test_a_file_put_on_record_half_way_is_active_all_the_same() -> None:
    assert states(STANDARD[:1], "defined 1.0.0s ") == {"1.0.0": "active"}
    (left,) = steps_by_hand(STANDARD[:1], lines("defined 1.0.0s "))
    assert left == (STANDARD[0], Step.ACTIVATED)


@pytest.mark.parametrize(
    "said", [("approved 1.0.0 bob", "activated 1.0.0 bob"), ("defined 1.0.0 ada",)]
)
def test_a_contract_that_says_it_is_standard_is_no_way_round_approval(said: tuple[str]) -> None:
    life = life_cycle([file("1.0.0"), file("1.1.0", "standard")], lines(*said))
    assert life.needs_approval(life.versions["1.1.0"])
    assert life.versions["1.1.0"].state is State.DRAFT


@pytest.mark.parametrize("compliance", ["gdpr", "strict"])
@pytest.mark.parametrize("by", ["ada", ""])
def test_a_later_version_that_waits_does_not_stop_a_standard_one(
    compliance: Compliance, by: str
) -> None:
    files = [file("1.0.0", "standard"), replace(file("1.1.0", compliance), sha256="1.1.0 gdpr")]
    waits = {"1.0.0": "active", "1.1.0": "draft"}
    said = (f"defined 1.0.0s {by}", f"activated 1.0.0s {by}", f"defined 1.1.0 {by}")
    for count in range(len(said) + 1):
        if by and count < 2:
            continue
        assert states(files, *said[:count]) == waits
    life = life_cycle(files, lines(*said, "approved 1.1.0 bob", "activated 1.1.0 bob"))
    assert life.active is not None
    assert life.active.name == "1.1.0"


def test_by_the_lines_alone_no_file_was_placed_by_hand() -> None:
    said = lines("defined 1.0.0s ada", "activated 1.0.0s ada", "activated 1.1.0s ada")
    lives = [on_record(STANDARD, said[:count]) for count in range(4)]
    assert [list(life.versions) for life in lives] == [[], ["1.0.0"], ["1.0.0"], ["1.0.0", "1.1.0"]]
    assert [life.last_active for life in lives] == ["", "", "1.0.0", "1.1.0"]


@pytest.mark.parametrize(
    ("contract", "by_hand", "breaking", "steps"),
    [
        (file("1.2.0", "standard"), False, False, ["defined", "activated"]),
        (file("1.2.0", "standard"), False, True, ["defined"]),
        (file("1.2.0", "standard"), True, False, ["defined", "activated"]),
        (file("1.2.0", "standard", "draft"), False, False, ["defined"]),
        (file("1.2.0", "gdpr"), False, False, ["defined"]),
        (file("0.9.0", "standard"), False, False, ["defined"]),
        (file("0.9.0", "standard"), True, False, ["defined", "deprecated"]),
        (file("1.2.0", "gdpr", "retired"), False, False, ["defined", "retired"]),
    ],
)
def test_what_a_new_version_is_at_once(
    contract: Contract, by_hand: bool, breaking: bool, steps: list[str]
) -> None:
    life = life_cycle(STANDARD, lines("activated 1.1.0s ada"))
    found = first_steps(life, Version(contract), by_hand=by_hand, breaking=breaking)
    assert [step.value for step in found] == steps


def test_a_dataset_is_closed_and_opened_as_a_whole() -> None:
    said = ["activated 1.0.0s ada", "deprecated - bob"]
    closed = life_cycle(STANDARD[:1], lines(*said)).closed
    assert closed is not None
    assert closed.by == "bob"
    life = life_cycle(STANDARD[:1], lines(*said, "activated - eve"))
    assert life.closed is None
    assert life.active is not None


def test_the_next_command_leads_to_an_active_version() -> None:
    life = life_cycle([file()], [])
    assert next_command(life, "1.0.0").startswith("lakehouse contract approve orders 1.0.0 --by")
    life = life_cycle([file()], lines("approved 1.0.0 bob"))
    assert next_command(life, "1.0.0").startswith("lakehouse contract activate orders 1.0.0 --by")
    life = life_cycle([file()], lines("approved 1.0.0 bob", "activated 1.0.0 bob"))
    assert next_command(life, "1.0.0") == ""


def test_the_command_that_activates_says_when_a_promise_breaks() -> None:
    kept, broken = (replace(file(f"{n}.0.0"), retention={"published": 9.0 / n}) for n in (1, 2))
    alike = replace(kept, version="1.1.0", sha256="1.1.0 gdpr")
    said = ["approved 1.0.0 bob", "activated 1.0.0 bob", "approved 1.1.0 bob", "approved 2.0.0 bob"]
    life = life_cycle([kept, alike, broken], lines(*said))
    command = "lakehouse contract activate orders {} --by NAME --why TEXT"
    assert next_command(life, "1.1.0") == command.format("1.1.0")
    assert next_command(life, "2.0.0") == command.format("2.0.0 --breaking")
    problem = refusal(life, life.versions["2.0.0"], Step.APPROVED, "eve")
    assert problem.endswith(f"activate it with: {command.format('2.0.0 --breaking')}")
    life = life_cycle([kept, broken], lines(*said, "deprecated 1.0.0 bob"))
    assert way_to_active(life).endswith(f": {command.format('2.0.0 --breaking')}")


PEOPLE = st.sampled_from(["ada", "Ada ", "bob", "eve", ""])
VERSIONS = st.sampled_from(["1.0.0", "1.1.0", "2.0.0"])
COMPLIANCES = st.sampled_from(["standard", "gdpr", "strict"])
LIKELY = st.sampled_from([Step.APPROVED, Step.ACTIVATED])
STATUSES = st.sampled_from(["active", "active", "draft", "retired"])


class Lives(RuleBasedStateMachine):
    """Anybody writes any line, files come and change; the fold has to hold its promises."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, Contract] = {}
        self.lines: list[Line] = []

    @rule(version=VERSIONS, compliance=COMPLIANCES, status=STATUSES, edit=st.integers(0, 1))
    def place(self, version: str, compliance: Any, status: str, edit: int) -> None:  # noqa: ANN401
        sha256 = f"{version} {compliance} {status} {edit}"
        self.files[version] = replace(file(version, compliance, status), sha256=sha256)

    @rule(version=VERSIONS, by=PEOPLE, then=st.lists(st.tuples(LIKELY, PEOPLE), max_size=3))
    def register(self, version: str, by: str, then: list[tuple[Step, str]]) -> None:
        self.place(version=version, compliance="gdpr", status="active", edit=0)
        self.write(version=version, step=Step.DEFINED, by=by)
        for step, who in then:
            self.write(version=version, step=step, by=who)

    @rule(version=VERSIONS)
    def remove(self, version: str) -> None:
        self.files.pop(version, None)

    @rule(version=st.one_of(st.none(), VERSIONS), step=st.sampled_from(Step), by=PEOPLE)
    def write(self, version: str | None, step: Step, by: str) -> None:
        sha256 = self.files[version].sha256 if version in self.files and version else ""
        self.lines.append(Line(len(self.lines) + 1, step, version, AT, by, "", sha256))

    @rule()
    def adopt(self) -> None:
        before = self.life
        for contract, step in steps_by_hand(self.files.values(), self.lines):
            number = len(self.lines) + 1
            self.lines.append(Line(number, step, contract.version, AT, "", "", contract.sha256))
        after = self.life
        assert _states(before) == _states(after)
        assert steps_by_hand(self.files.values(), self.lines) == []

    @property
    def life(self) -> LifeCycle:
        return life_cycle(self.files.values(), self.lines)

    @invariant()
    def at_most_one_version_is_active(self) -> None:
        active = [v for v in self.life.versions.values() if v.state is State.ACTIVE]
        assert len(active) <= 1

    @invariant()
    def nothing_passes_raw_without_the_approval_of_somebody_else(self) -> None:
        active = self.life.active
        if active is None or active.contract.compliance == "standard":
            return
        mine = [one for one in self.lines if one.version == active.name]
        authors = {one.by.strip().lower() for one in mine if one.step is Step.DEFINED}
        assert any(
            one.step is Step.APPROVED
            and one.sha256 == active.contract.sha256
            and one.by.strip()
            and one.by.strip().lower() not in authors
            for one in mine
        )

    @invariant()
    def what_waits_is_no_version_that_was_declined_or_retired(self) -> None:
        waiting = self.life.waiting
        assert waiting is None or waiting.state is State.DRAFT


def _states(life: LifeCycle) -> dict[str, State]:
    return {name: version.state for name, version in life.versions.items()}


TestLives = Lives.TestCase
