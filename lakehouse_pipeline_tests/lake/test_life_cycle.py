"""The ledger on disk, and the steps that people give: what is written, and what is refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.life_cycle import Step
from lakehouse_pipeline.errors import (
    ContractError,
    DatasetDeprecatedError,
    NamelessStepError,
    NotApprovedError,
    StepRefusedError,
    UnknownDatasetError,
    UnregisteredVersionError,
)
from lakehouse_pipeline.lake.contract_steps import Steps
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.life_cycle import Entry, Ledger

TOGGLE = """
import sys
from pathlib import Path
from lakehouse_pipeline.errors import StepRefusedError
from lakehouse_pipeline.lake.contract_steps import Steps
from lakehouse_pipeline.lake.contract_store import ContractStore
store = ContractStore(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(30):
    steps = Steps(store, sys.argv[2], str(number))
    for step in (steps.deprecate, steps.activate):
        try:
            step("orders")
        except StepRefusedError:
            pass
"""


def text(version: str = "1.0.0", compliance: str = "gdpr", status: str = "active") -> str:
    return f"""\
apiVersion: v3.1.0
kind: DataContract
id: orders
name: orders
version: {version}
status: {status}
customProperties:
  - {{property: compliance, value: {compliance}}}
slaProperties:
  - {{property: retention, value: 365, unit: d}}
schema:
  - name: orders
    properties:
      - {{name: id, logicalType: integer}}
"""


@pytest.fixture
def store(tmp_path: Path) -> ContractStore:
    return ContractStore(tmp_path / "contracts")


def add(store: ContractStore, folder: Path, content: str, by: str = "ada") -> str:
    source = folder / "contract.yaml"
    source.write_text(content)
    return store.add(source, by, "new").version


def give(store: ContractStore, by: str = "bob") -> Steps:
    return Steps(store, by, "agreed")


def said(store: ContractStore) -> list[str]:
    return [f"{x.number} {x.step} {x.version} {x.by}" for x in store.ledger("orders")]


def states(store: ContractStore) -> dict[str, str]:
    versions = store.life_cycle("orders").versions
    return {name: version.state.value for name, version in versions.items()}


def test_a_standard_contract_is_active_at_once(store: ContractStore, tmp_path: Path) -> None:
    add(store, tmp_path, text(compliance="standard"))
    add(store, tmp_path, text("1.1.0", "standard"), by="eve")
    assert said(store) == [
        "1 defined 1.0.0 ada",
        "2 activated 1.0.0 ada",
        "3 defined 1.1.0 eve",
        "4 activated 1.1.0 eve",
    ]
    assert store.active("orders").version == "1.1.0"
    assert states(store) == {"1.0.0": "deprecated", "1.1.0": "active"}


def test_a_gdpr_contract_waits_and_approval_makes_it_active(
    store: ContractStore, tmp_path: Path
) -> None:
    add(store, tmp_path, text())
    current = store.current("orders")
    assert (current.contract.version, current.cleared) == ("1.0.0", False)
    assert current.waiting_for == (
        "orders 1.0.0 (gdpr) waits for approval by somebody other than ada: "
        "lakehouse contract approve orders 1.0.0 --by NAME --why TEXT"
    )
    with pytest.raises(NotApprovedError) as waiting:
        store.active("orders")
    assert str(waiting.value) == (
        f"{current.waiting_for}. Until then the batches of 'orders' wait in raw."
    )
    given = give(store).approve("orders")
    assert [(line.step.value, line.by, line.why) for line in given.lines] == [
        ("approved", "bob", "agreed"),
        ("activated", "bob", "agreed"),
    ]
    assert store.active("orders").version == "1.0.0"
    assert store.current("orders").cleared


def test_the_contract_in_force_stays_until_the_next_one_is_approved(
    store: ContractStore, tmp_path: Path
) -> None:
    add(store, tmp_path, text())
    give(store).approve("orders")
    add(store, tmp_path, text("1.1.0"))
    assert store.current("orders").cleared
    assert store.active("orders").version == "1.0.0"
    give(store).decline("orders")
    assert states(store) == {"1.0.0": "active", "1.1.0": "declined"}


def test_a_standard_version_stays_in_force_until_the_next_one_is_approved(
    store: ContractStore, tmp_path: Path
) -> None:
    add(store, tmp_path, text(compliance="standard"))
    add(store, tmp_path, text("1.1.0"))
    assert states(store) == {"1.0.0": "active", "1.1.0": "draft"}
    assert store.current("orders").cleared
    give(store).approve("orders")
    assert states(store) == {"1.0.0": "deprecated", "1.1.0": "active"}


def test_a_declined_version_is_not_waited_for(store: ContractStore, tmp_path: Path) -> None:
    add(store, tmp_path, text())
    give(store).decline("orders")
    with pytest.raises(ContractError, match="no version of 'orders' is active"):
        store.current("orders")
    add(store, tmp_path, text("1.0.1"))
    assert store.current("orders").contract.version == "1.0.1"


def test_a_version_that_breaks_promises_is_activated_only_when_that_is_meant(
    store: ContractStore, tmp_path: Path
) -> None:
    add(store, tmp_path, text(compliance="standard"))
    add(store, tmp_path, text("2.0.0", "standard").replace("integer", "string"))
    assert states(store) == {"1.0.0": "active", "2.0.0": "draft"}
    with pytest.raises(StepRefusedError) as refused:
        give(store).activate("orders", "2.0.0")
    assert str(refused.value).startswith("orders 2.0.0 breaks what was promised: ")
    assert "lakehouse contract activate orders 2.0.0 --breaking --by" in str(refused.value)
    given = give(store).approve("orders", "2.0.0")
    assert [line.step.value for line in given.lines] == ["approved"]
    assert len(given.breaking) == 1
    give(store).activate("orders", "2.0.0", breaking=True)
    assert states(store) == {"1.0.0": "deprecated", "2.0.0": "active"}


def test_a_dataset_is_deprecated_as_a_whole_and_taken_up_again(
    store: ContractStore, tmp_path: Path
) -> None:
    add(store, tmp_path, text(compliance="standard"))
    give(store).deprecate("orders")
    with pytest.raises(DatasetDeprecatedError) as closed:
        store.require_open("orders")
    assert str(closed.value) == (
        "'orders' was deprecated by bob (agreed): it takes no new files, what is published stays. "
        "To take it up again: lakehouse contract activate orders --by NAME --why TEXT"
    )
    assert store.active("orders").version == "1.0.0"
    give(store).activate("orders")
    store.require_open("orders")


def test_without_an_active_version_the_former_one_is_shown(
    store: ContractStore, tmp_path: Path
) -> None:
    add(store, tmp_path, text(compliance="standard"))
    give(store).deprecate("orders", "1.0.0")
    with pytest.raises(ContractError, match="no version of 'orders' is active"):
        store.active("orders")
    assert store.shown("orders").version == "1.0.0"
    assert [contract.version for contract in store.survey()[0]] == ["1.0.0"]
    give(store).activate("orders")
    give(store).deprecate("orders", "1.0.0")
    give(store).retire("orders", "1.0.0")
    assert states(store) == {"1.0.0": "retired"}


@pytest.mark.parametrize(
    ("before", "step", "problem"),
    [
        ([], ("approve", "ada"), "was registered by ada; somebody else has to approve it"),
        ([], ("approve", " ADA "), "was registered by ada; somebody else has to approve it"),
        (["approve"], ("approve", "eve"), "is active already"),
        (["decline"], ("approve", "eve"), "was declined by bob; correct the file"),
        (["retire"], ("approve", "eve"), "was retired by bob; nothing brings it back"),
        (["decline"], ("decline", "eve"), "was declined by bob"),
        (["decline"], ("activate", "eve"), "was declined by bob"),
        ([], ("activate", "eve"), "has to be approved first, by somebody other than its author"),
        (["approve"], ("activate", "eve"), "is active already"),
        (["approve"], ("retire", "eve"), "is active; activate another version or deprecate"),
        (["retire"], ("deprecate", "eve"), "was retired by bob"),
        (["deprecate"], ("deprecate", "eve"), "is deprecated already"),
    ],
)
def test_a_step_out_of_order_is_one_clear_error_and_changes_nothing(
    store: ContractStore, tmp_path: Path, before: list[str], step: tuple[str, str], problem: str
) -> None:
    add(store, tmp_path, text())
    for name in before:
        getattr(give(store), name)("orders", "1.0.0")
    written = said(store)
    name, by = step
    with pytest.raises(StepRefusedError) as refused:
        getattr(give(store, by), name)("orders", "1.0.0")
    assert str(refused.value).startswith(f"orders 1.0.0 {problem}")
    assert str(refused.value).endswith("Nothing was changed.")
    assert said(store) == written


def test_an_approved_version_names_the_next_command(store: ContractStore, tmp_path: Path) -> None:
    add(store, tmp_path, text(status="draft"))
    give(store).approve("orders")
    with pytest.raises(StepRefusedError, match="approved already; activate it with: lakehouse"):
        give(store).approve("orders", "1.0.0")
    with pytest.raises(StepRefusedError, match="has no version that waits for approval"):
        give(store).approve("orders")
    with pytest.raises(StepRefusedError, match="is approved already; to withdraw it, retire it"):
        give(store).decline("orders", "1.0.0")
    assert store.life_cycle("orders").active is None
    give(store).activate("orders")
    assert states(store) == {"1.0.0": "active"}
    with pytest.raises(StepRefusedError, match="has no version that waits for activation"):
        give(store).activate("orders")


def test_unknown_names_and_empty_ones(store: ContractStore, tmp_path: Path) -> None:
    with pytest.raises(UnknownDatasetError):
        give(store).approve("orders")
    add(store, tmp_path, text())
    with pytest.raises(
        UnregisteredVersionError, match=r"no version '1.0'. Did you mean '1\.0\.0'\?"
    ):
        give(store).approve("orders", "1.0")
    with pytest.raises(NamelessStepError, match="'by' is empty"):
        Steps(store, "  ", "agreed")
    with pytest.raises(NamelessStepError, match="'why' is empty"):
        Steps(store, "bob", "")


def test_the_file_of_a_version_never_changes(store: ContractStore, tmp_path: Path) -> None:
    add(store, tmp_path, text())
    file = tmp_path / "contracts" / "orders" / "1.0.0.yaml"
    before = file.stat()
    for name in ("approve", "deprecate", "activate", "deprecate", "retire"):
        getattr(give(store), name)("orders", "1.0.0")
    assert file.read_text() == text()
    assert file.stat() == before


def test_a_file_edited_after_its_approval_waits_again(store: ContractStore, tmp_path: Path) -> None:
    add(store, tmp_path, text())
    give(store).approve("orders")
    file = tmp_path / "contracts" / "orders" / "1.0.0.yaml"
    file.write_text(text().replace("integer", "string"))
    assert not store.current("orders").cleared
    with pytest.raises(StepRefusedError, match="was registered by ada"):
        give(store, "ada").approve("orders")
    give(store).approve("orders")
    assert store.active("orders").column("id").type.logical == "string"


def test_registering_the_same_content_again_gives_no_step(
    store: ContractStore, tmp_path: Path
) -> None:
    add(store, tmp_path, text(compliance="standard"))
    give(store).deprecate("orders", "1.0.0")
    written = said(store)
    add(store, tmp_path, text(compliance="standard"), by="eve")
    assert said(store) == written
    assert states(store) == {"1.0.0": "deprecated"}


def test_a_crash_while_a_version_is_registered_is_made_good_by_the_next_try(
    store: ContractStore, tmp_path: Path
) -> None:
    add(store, tmp_path, text(compliance="standard"))
    ledger = tmp_path / "contracts" / "orders" / "life_cycle.jsonl"
    defined = ledger.read_bytes().splitlines(keepends=True)[0]
    (ledger.parent / "1.0.0.yaml").unlink()
    ledger.write_bytes(defined + b'{"step": "activ')
    with pytest.raises(UnknownDatasetError):
        store.active("orders")
    add(store, tmp_path, text(compliance="standard"))
    assert said(store) == ["1 defined 1.0.0 ada", "2 activated 1.0.0 ada"]
    assert store.active("orders").version == "1.0.0"


def test_files_placed_by_hand_are_put_on_record_once(store: ContractStore, tmp_path: Path) -> None:
    folder = tmp_path / "contracts" / "orders"
    folder.mkdir(parents=True)
    for version in ("1.0.0", "1.1.0"):
        (folder / f"{version}.yaml").write_text(text(version, "standard"))
    assert store.active("orders").version == "1.1.0"
    assert not (folder / "life_cycle.jsonl").exists()
    for _ in range(2):
        store.adopt("orders")
        assert said(store) == [
            "1 defined 1.0.0 ",
            "2 activated 1.0.0 ",
            "3 defined 1.1.0 ",
            "4 activated 1.1.0 ",
        ]
    give(store).activate("orders", "1.0.0")
    assert store.active("orders").version == "1.0.0"


def test_of_a_file_placed_by_hand_nobody_is_the_author(
    store: ContractStore, tmp_path: Path
) -> None:
    folder = tmp_path / "contracts" / "orders"
    folder.mkdir(parents=True)
    (folder / "1.0.0.yaml").write_text(text())
    assert store.current("orders").waiting_for.startswith(
        "orders 1.0.0 (gdpr) waits for approval: lakehouse contract approve orders 1.0.0"
    )
    give(store, "ada").approve("orders")
    assert said(store) == ["1 defined 1.0.0 ", "2 approved 1.0.0 ada", "3 activated 1.0.0 ada"]


@pytest.mark.parametrize("torn", [b"{", b'{"step": "retired"', b"\x00\x00\x00"])
def test_a_torn_last_line_does_not_count_and_is_overwritten(tmp_path: Path, torn: bytes) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([Entry(Step.DEFINED, "1.0.0", "ada", "new", "x")])
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole + torn)
    assert [line.step for line in ledger.lines()] == [Step.DEFINED]
    (line,) = ledger.append([Entry(Step.APPROVED, "1.0.0", "bób", "ok\nso", "x")])
    assert (line.number, ledger.lines()[1]) == (2, line)
    assert ledger.path.read_bytes().startswith(whole)
    assert ledger.path.read_bytes().count(b"\n") == 2
    entry = json.loads(ledger.path.read_bytes().splitlines()[1])
    assert sorted(entry) == ["at", "by", "sha256", "step", "version", "why"]
    assert entry["at"].endswith("+00:00")


def test_a_ledger_that_is_nothing_but_a_torn_line_is_empty(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.path.write_bytes(b'{"step"')
    assert ledger.lines() == []
    ledger.append([Entry(Step.DEFINED, "1.0.0", "ada", "new", "x")])
    assert [line.number for line in ledger.lines()] == [1]


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        '{"step": "approved"}',
        '{"step": "blessed", "version": null, "at": "", "by": "", "why": "", "sha256": ""}',
        '{"step": "approved", "version": 1, "at": "", "by": "", "why": "", "sha256": ""}',
    ],
)
def test_a_whole_line_that_is_none_of_ours_refuses_the_dataset_and_no_other(
    store: ContractStore, tmp_path: Path, line: str
) -> None:
    add(store, tmp_path, text(compliance="standard"))
    add(store, tmp_path, text(compliance="standard").replace("orders", "other"))
    ledger = tmp_path / "contracts" / "orders" / "life_cycle.jsonl"
    with ledger.open("a") as file:
        file.write(f"{line}\n")
    contracts, (refused,) = store.survey()
    assert [contract.dataset for contract in contracts] == ["other"]
    (problem,) = refused.problems
    assert str(problem).startswith(f"{ledger}:3:1: not a line of the ledger: ")
    with pytest.raises(ContractError, match="not a line of the ledger"):
        store.current("orders")
    with pytest.raises(ContractError, match="not a line of the ledger"):
        give(store).deprecate("orders")


def test_two_processes_that_write_at_once_lose_no_line_and_tear_none(
    store: ContractStore, tmp_path: Path
) -> None:
    add(store, tmp_path, text(compliance="standard"))
    command = [sys.executable, "-c", TOGGLE, str(tmp_path / "contracts")]
    pipe = subprocess.PIPE
    both = [
        subprocess.Popen([*command, name], stdin=pipe, stdout=pipe, text=True)
        for name in ("bob", "eve")
    ]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    assert [one.communicate()[1] for one in both] == [None, None]
    assert [one.returncode for one in both] == [0, 0]
    lines = store.ledger("orders")[2:]
    kinds = [line.step for line in lines]
    assert kinds == [Step.DEPRECATED, Step.ACTIVATED] * (len(kinds) // 2)
    assert {line.by for line in lines} == {"bob", "eve"}
    assert len({(line.by, line.step, line.why) for line in lines}) == len(lines)
