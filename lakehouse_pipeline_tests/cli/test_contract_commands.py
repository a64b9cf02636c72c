"""The commands in the life of a contract: what they print, and what they refuse."""

import shutil
from pathlib import Path

import pytest

from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.life_cycle import LEDGER
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.keys import contract_key
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.cli.commands import Command, in_process
from lakehouse_pipeline_tests.homes import AMOUNT, contract_text, open_home, rows

SHOP = "lakehouse_pipeline_tests.contracts.shop_checks"
BY = ("--by", "eve", "--why", "agreed")
MAJOR = contract_text("2.0.0", amount=AMOUNT.replace("minimum: 0", "minimum: 5"))


@pytest.fixture(scope="session")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose contract waits for approval; tests work on copies of it."""
    folder = tmp_path_factory.mktemp("drafted") / "home"
    with open_home(folder, contract_text(), approved=False):
        pass
    return folder


@pytest.fixture
def home(drafted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(drafted, tmp_path / "home"))


@pytest.fixture
def lakehouse(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return in_process(home, monkeypatch, capsys)


def ledger(home: Path) -> list[str]:
    return (home / "contracts" / "orders" / LEDGER).read_text().splitlines()


def ingest(lakehouse: Command, folder: Path, count: int = 5, broken: int = 0) -> None:
    (folder / "may.csv").write_text(rows(count, broken))
    answer = lakehouse("ingest", folder / "may.csv", "-d", "orders")
    assert (answer.code, answer.err) == (0, "")
    assert "waiting: orders 1.0.0 (gdpr) waits for approval by somebody other" in answer.out


def contract(lakehouse: Command, *arguments: object) -> str:
    """Return what a command printed that has to end well."""
    answer = lakehouse("contract", *arguments)
    assert (answer.code, answer.err) == (0, "")
    return answer.out


def states(lakehouse: Command) -> dict[str, str]:
    found = lakehouse("contract", "list", "orders", "--json").json["versions"]
    return {row["version"]: row["state"] for row in found}


def add(lakehouse: Command, folder: Path, text: str, *options: str) -> str:
    (folder / "contract.yaml").write_text(text)
    return contract(lakehouse, "add", folder / "contract.yaml", *options)


def test_what_waits_in_raw_is_published_when_somebody_else_approves(
    lakehouse: Command, tmp_path: Path
) -> None:
    ingest(lakehouse, tmp_path)
    status = lakehouse("status")
    assert "orders 1.0.0: waits for approval; lakehouse contract approve orders 1.0.0" in status.out
    assert "1 waiting" in status.out
    (row,) = lakehouse("status", "--json").json["datasets"]
    assert row["contract_state"].startswith("waits for approval; lakehouse contract approve")
    (state,) = lakehouse("batches", "orders", "--json").json
    assert (state["state"], state["published"]) == ("waiting", None)
    assert "waits for approval by somebody other than producer" in state["why"]
    assert lakehouse("verify").out == "1 batch, 5 records, 0 violations\n"
    assert lakehouse("verify", "orders").code == 0
    printed = contract(lakehouse, "approve", "orders", *BY)
    assert printed.splitlines()[:2] == [
        "orders 1.0.0 is approved by eve: agreed",
        "orders 1.0.0 is activated by eve: agreed",
    ]
    assert "orders: 1 batch waited in raw" in printed
    assert "published" in printed
    assert lakehouse("query", "SELECT count(*) AS n FROM orders.published", "--json").json == [
        {"n": 5}
    ]
    assert lakehouse("verify").code == 0


@pytest.mark.parametrize("name", ["Jörg Müller", "eve@example.org", "a/b, [c]" + 90 * "d"])
def test_a_person_may_be_called_as_they_are(
    lakehouse: Command, tmp_path: Path, home: Path, name: str
) -> None:
    ingest(lakehouse, tmp_path)
    answer = lakehouse("contract", "approve", "orders", "--by", name, "--why", "ja")
    assert (answer.code, answer.err) == (0, "")
    assert f"orders 1.0.0 is approved by {name}: ja\n" in answer.out
    with open_instance(Settings(home=home)) as instance:
        record = instance.fetch_observations(contract_key("orders"), limit=1).records[0]
        assert record.asset_observation is not None
        assert record.asset_observation.metadata["actor"].value == name
        (run, *_) = instance.get_runs(limit=1)
        assert run.tags["user"] == name


def test_a_waiting_batch_taken_again_is_known(lakehouse: Command, tmp_path: Path) -> None:
    ingest(lakehouse, tmp_path)
    answer = lakehouse("ingest", tmp_path / "may.csv", "-d", "orders", "--json")
    assert (answer.code, len(answer.json["known"])) == (0, 1)


def test_approval_ends_with_1_when_a_batch_that_waited_is_refused(
    lakehouse: Command, tmp_path: Path
) -> None:
    ingest(lakehouse, tmp_path, 5, broken=4)
    answer = lakehouse("contract", "approve", "orders", *BY, "--json")
    assert answer.code == 1
    assert [step["step"] for step in answer.json["steps"]] == ["approved", "activated"]
    assert [batch["state"] for batch in answer.json["batches"]] == ["refused"]


def test_every_step_is_listed_and_shown(lakehouse: Command, tmp_path: Path) -> None:
    listed = lakehouse("contract", "list").out
    assert "draft" in listed
    assert "approval" in listed
    contract(lakehouse, "approve", "orders", "1.0.0", *BY)
    add(lakehouse, tmp_path, contract_text("1.1.0"), "--by", "ada", "--why", "more")
    contract(lakehouse, "decline", "orders", "--by", "bob", "--why", "[too] early")
    add(lakehouse, tmp_path, contract_text("1.2.0"), "--by", "ada")
    contract(lakehouse, "approve", "orders", *BY)
    rows = lakehouse("contract", "list", "orders", "--json").json["versions"]
    assert [(r["version"], r["state"], r["by"], r["why"]) for r in rows] == [
        ("1.2.0", "active", "eve", "agreed"),
        ("1.1.0", "declined", "bob", "[too] early"),
        ("1.0.0", "deprecated", "eve", "superseded by 1.2.0: agreed"),
    ]
    assert "superseded by 1.2.0: agreed" in contract(lakehouse, "list", "orders")
    shown = lakehouse("contract", "show", "orders", "1.1.0", "--json").json
    assert (shown["state"], shown["contract"]) == ("declined", contract_text("1.1.0"))
    assert [(line["step"], line["by"]) for line in shown["history"]] == [
        ("defined", "ada"),
        ("declined", "bob"),
    ]
    printed = contract(lakehouse, "show", "orders")
    assert printed.startswith("orders 1.2.0 is active; ")
    assert contract_text("1.2.0") in printed


def test_a_dataset_is_deprecated_and_taken_up_again(
    lakehouse: Command, tmp_path: Path, home: Path
) -> None:
    ingest(lakehouse, tmp_path)
    contract(lakehouse, "approve", "orders", *BY)
    assert contract(lakehouse, "deprecate", "orders", *BY) == (
        "orders takes no new files; what is published stays. It is deprecated by eve: agreed\n"
    )
    (tmp_path / "june.csv").write_text(rows(2, first=50))
    landed = sorted((home / "landing").rglob("*"))
    answer = lakehouse("ingest", tmp_path / "june.csv", "-d", "orders")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        "'orders' was deprecated by eve (agreed): it takes no new files, what is published stays. "
        "To take it up again: lakehouse contract activate orders --by NAME --why TEXT\n"
    )
    assert sorted((home / "landing").rglob("*")) == landed
    assert "orders takes no new files; deprecated by eve" in lakehouse("contract", "list").out
    assert "orders 1.0.0: deprecated by eve: agreed; no new files" in lakehouse("status").out
    assert lakehouse("query", "SELECT count(*) AS n FROM orders.published", "--json").json == [
        {"n": 5}
    ]
    assert lakehouse("verify", "orders").code == 0
    assert lakehouse("replay", "orders").code == 0
    assert contract(lakehouse, "activate", "orders", *BY) == (
        "orders takes files again, activated by eve: agreed\n"
    )
    assert lakehouse("ingest", tmp_path / "june.csv", "-d", "orders").code == 0


def test_a_draft_is_approved_and_then_activated_and_every_command_says_what_is_next(
    lakehouse: Command, tmp_path: Path
) -> None:
    text = contract_text(dataset="drafts").replace("status: active", "status: draft")
    named = "drafts 1.0.0 --by NAME --why TEXT"
    assert f"contract approve {named}" in add(lakehouse, tmp_path, text, "--by", "ada")
    waits = "no version of 'drafts' is active. "
    way = f"{waits}Approve one with: lakehouse contract approve {named}"
    shown = lakehouse("status")
    assert way in shown.out
    assert "no dataset of this name" not in shown.out
    assert (lakehouse("contract", "show", "drafts").err, way) == (f"{way}\n", way)
    printed = contract(lakehouse, "approve", "drafts", *BY)
    assert f"It is not active yet: lakehouse contract activate {named}" in printed
    (tmp_path / "may.csv").write_text(rows(2))
    refused = lakehouse("ingest", tmp_path / "may.csv", "-d", "drafts")
    assert refused.err == f"{waits}Activate one with: lakehouse contract activate {named}\n"
    assert refused.code == 2
    contract(lakehouse, "activate", "drafts", *BY)
    assert lakehouse("ingest", tmp_path / "may.csv", "-d", "drafts").code == 0


def test_what_a_version_left_is_told_after_it_was_deprecated(
    lakehouse: Command, tmp_path: Path
) -> None:
    ingest(lakehouse, tmp_path)
    contract(lakehouse, "approve", "orders", *BY)
    contract(lakehouse, "deprecate", "orders", "1.0.0", *BY)
    batch = lakehouse("batches", "orders", "--json").json[0]["batch"]
    assert "now in: raw, validated" in lakehouse("record", "orders", batch, "1").out
    assert "CREATE TABLE" in contract(lakehouse, "export", "orders", "--format", "sql-ddl")
    assert "orders 1.0.0: no new files are taken; no version of 'orders' is active. " in (
        lakehouse("status").out
    )


def test_a_breaking_version_says_what_it_breaks_and_needs_the_option(
    lakehouse: Command, tmp_path: Path
) -> None:
    contract(lakehouse, "approve", "orders", *BY)
    add(lakehouse, tmp_path, MAJOR, "--by", "ada")
    printed = contract(lakehouse, "approve", "orders", *BY)
    assert "orders 2.0.0 is approved by eve: agreed" in printed
    assert "not active yet, it breaks a promise: " in printed
    assert "lakehouse contract activate orders 2.0.0 --breaking --by NAME --why TEXT" in printed
    refused = lakehouse("contract", "activate", "orders", "2.0.0", *BY)
    assert refused.code == 2
    assert refused.err.startswith("orders 2.0.0 breaks what was promised: ")
    assert states(lakehouse) == {"2.0.0": "approved", "1.0.0": "active"}
    contract(lakehouse, "activate", "orders", "2.0.0", "--breaking", *BY)
    contract(lakehouse, "retire", "orders", "1.0.0", *BY)
    assert states(lakehouse) == {"2.0.0": "active", "1.0.0": "retired"}


def test_a_breaking_version_that_is_added_names_the_command_that_activates_it(
    lakehouse: Command, tmp_path: Path
) -> None:
    first = contract_text(dataset="free").replace("value: gdpr", "value: standard")
    add(lakehouse, tmp_path, first, "--by", "ada")
    second = first.replace("version: 1.0.0", "version: 2.0.0").replace("minimum: 0", "minimum: 5")
    printed = add(lakehouse, tmp_path, second, "--by", "ada")
    command = "lakehouse contract activate free 2.0.0 --breaking --by NAME --why TEXT"
    assert "not active yet, it breaks a promise: column 'amount': Values must be " in printed
    assert printed.endswith(f"If that is meant: {command}\n")
    again = lakehouse("contract", "add", tmp_path / "contract.yaml", "--json").json
    assert again["next"] == command
    contract(lakehouse, *command.replace("--by NAME --why TEXT", "").split()[2:], *BY)
    printed = add(lakehouse, tmp_path, first, "--by", "ada")
    assert "lakehouse contract activate free 1.0.0 --breaking --by NAME --why TEXT" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["approve", "order"], "unknown dataset 'order'. Did you mean 'orders'?"),
        (["decline", "order"], "unknown dataset 'order'. Did you mean 'orders'?"),
        (["activate", "order"], "unknown dataset 'order'. Did you mean 'orders'?"),
        (["deprecate", "order"], "unknown dataset 'order'. Did you mean 'orders'?"),
        (["retire", "order", "1.0.0"], "unknown dataset 'order'. Did you mean 'orders'?"),
        (["approve", "orders", "1.0"], "dataset 'orders' has no version '1.0'. Did you mean"),
        (["decline", "orders", "9"], "dataset 'orders' has no version '9'."),
        (["activate", "orders", "../x"], "dataset 'orders' has no version '../x'."),
        (["deprecate", "orders", "1"], "dataset 'orders' has no version '1'."),
        (["retire", "orders", ""], "dataset 'orders' has no version ''."),
        (["activate", "orders", "1.0.0"], "orders 1.0.0 has to be approved first, by somebody"),
        (["activate", "orders"], "orders has no version that waits for activation"),
        (
            ["approve", "orders", "--by", " Producer "],
            "orders 1.0.0 was registered by producer; somebody else has to approve it.",
        ),
        (["approve", "orders", "--by", ""], "'by' is empty; who decides what"),
        (["approve", "orders", "--why", " "], "'why' is empty; who decides what"),
    ],
)
def test_a_call_at_fault_is_one_message_and_changes_nothing(
    lakehouse: Command, home: Path, arguments: list[str], message: str
) -> None:
    before = ledger(home)
    given = [*arguments, *([] if "--by" in arguments else ["--by", "eve"])]
    answer = lakehouse("contract", *given, *([] if "--why" in arguments else ["--why", "x"]))
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(message)
    assert answer.err.count("\n") == 1
    assert ledger(home) == before


@pytest.mark.parametrize("command", ["list", "show"])
def test_looking_at_an_unknown_dataset_names_the_nearest(lakehouse: Command, command: str) -> None:
    answer = lakehouse("contract", command, "order")
    assert (answer.code, answer.err.split(". ")[0]) == (2, "unknown dataset 'order'")
    answer = lakehouse("contract", "show", "orders", "1.0.1")
    assert answer.err.startswith("dataset 'orders' has no version '1.0.1'. Did you mean '1.0.0'?")


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("approve", "approve", "orders 1.0.0 is active already. Nothing was changed."),
        ("decline", "approve", "orders 1.0.0 was declined by eve; correct the file, raise its"),
        ("retire", "approve", "orders 1.0.0 was retired by eve; nothing brings it back"),
        ("decline", "retire", "orders 1.0.0 was declined by eve"),
        ("approve", "retire", "orders 1.0.0 is active; activate another version or deprecate"),
        ("deprecate", "deprecate", "orders 1.0.0 is deprecated already. Nothing was changed."),
    ],
)
def test_a_step_out_of_order_is_one_message(
    lakehouse: Command, home: Path, first: str, second: str, message: str
) -> None:
    contract(lakehouse, first, "orders", "1.0.0", *BY)
    before = ledger(home)
    answer = lakehouse("contract", second, "orders", "1.0.0", *BY)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(message)
    assert ledger(home) == before


@pytest.mark.parametrize("missing", ["--by", "--why"])
@pytest.mark.parametrize("command", ["approve", "decline", "activate", "deprecate"])
def test_who_and_why_have_to_be_given(lakehouse: Command, command: str, missing: str) -> None:
    options = {"--by": "eve", "--why": "x"}
    del options[missing]
    given = [word for option in options.items() for word in option]
    answer = lakehouse("contract", command, "orders", *given)
    assert answer.code == 2
    assert f"Missing option '{missing}'" in answer.err


def test_a_replay_before_the_approval_is_one_message(lakehouse: Command, tmp_path: Path) -> None:
    ingest(lakehouse, tmp_path)
    answer = lakehouse("replay", "orders")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        "orders 1.0.0 (gdpr) waits for approval by somebody other than producer: lakehouse "
        "contract approve orders 1.0.0 --by NAME --why TEXT. Until then the batches of 'orders' "
        "wait in raw.\n"
    )


def test_a_broken_ledger_is_named_and_stops_its_dataset_only(
    lakehouse: Command, home: Path, tmp_path: Path
) -> None:
    with (home / "contracts" / "orders" / LEDGER).open("a") as file:
        file.write("nonsense\n")
    answer = lakehouse("contract", "approve", "orders", *BY)
    assert answer.code == 1
    assert f"{LEDGER}:2:1: not a line of the ledger: " in answer.err
    assert f"{LEDGER}:2:1: " in lakehouse("contract", "list").out
    assert lakehouse("status").code == 0
    add(lakehouse, tmp_path, contract_text(dataset="refunds"))
    assert ContractStore(home / "contracts").current("refunds").contract.version == "1.0.0"


@pytest.mark.parametrize("command", ["lint", "add"])
@pytest.mark.parametrize(
    "wrong",
    [
        ("", "is_evn", "unknown check 'is_evn'."),
        (SHOP, "is_evn", "unknown check 'is_evn'. Did you mean 'is_even'?"),
        (SHOP, "has_check_digit, arguments: {digit: 5}", "has no argument 'digit'"),
    ],
)
def test_a_rule_whose_check_is_not_registered_is_a_problem_of_its_contract(
    lakehouse: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    wrong: tuple[str, str, str],
) -> None:
    modules, named, problem = wrong
    monkeypatch.setenv("LAKEHOUSE_CHECK_MODULES", modules)
    rule = f"name: even, implementation: {{columns: [order_id], check: {named}}}"
    quality = f"    quality: [{{type: custom, engine: pandera, {rule}}}]\n"
    file = tmp_path / "new.yaml"
    file.write_text(contract_text("1.1.0", columns=quality), "utf-8")
    answer = lakehouse("contract", command, file)
    said = (answer.out + answer.err).replace("\n", " ")
    assert answer.code == 1
    assert f"{file}:1:1: rule 'even': " in said
    assert problem in said
    assert "list the module that registers the check in LAKEHOUSE_CHECK_MODULES" in said
    assert "1.1.0" not in lakehouse("contract", "list", "orders").out


def test_adding_a_version_again_says_where_it_stands(lakehouse: Command, tmp_path: Path) -> None:
    contract(lakehouse, "approve", "orders", *BY)
    printed = add(lakehouse, tmp_path, contract_text(), "--by", "ada")
    assert printed.startswith("orders 1.0.0 is registered already. Drop files into ")
    contract(lakehouse, "deprecate", "orders", *BY)
    printed = add(lakehouse, tmp_path, contract_text(), "--by", "ada")
    assert "The dataset was deprecated by eve and takes no new files; to take it up" in printed
    contract(lakehouse, "deprecate", "orders", "1.0.0", *BY)
    printed = add(lakehouse, tmp_path, contract_text(), "--by", "ada")
    assert "registered already. It is deprecated, no file is read under it; to activate" in printed
    contract(lakehouse, "retire", "orders", "1.0.0", *BY)
    printed = add(lakehouse, tmp_path, contract_text(), "--by", "ada")
    assert "already. It was retired by eve; nothing brings it back, register a new" in printed
    assert "Drop files" not in printed


def test_what_activates_a_version_says_how_the_tables_follow(
    lakehouse: Command, tmp_path: Path
) -> None:
    contract(lakehouse, "approve", "orders", *BY)
    more = "      - {name: note, logicalType: string}\n"
    add(lakehouse, tmp_path, contract_text("1.1.0", columns=more), "--by", "ada")
    printed = contract(lakehouse, "approve", "orders", *BY)
    evolves = "evolves: column 'note'. Older batches hold null in it; no replay is needed.\n"
    assert printed.endswith(evolves)
    add(lakehouse, tmp_path, MAJOR.replace("2.0.0", "3.0.0"), "--by", "ada")
    contract(lakehouse, "approve", "orders", *BY)
    printed = contract(lakehouse, "activate", "orders", "3.0.0", "--breaking", *BY)
    assert "replay: column 'amount'. Older batches stay as they were judged" in printed
    assert printed.endswith("Replay with: lakehouse replay orders\n")


def test_many_broken_promises_are_one_sentence(lakehouse: Command, tmp_path: Path) -> None:
    contract(lakehouse, "approve", "orders", *BY)
    text = MAJOR.replace("maxQuarantinedPercent: 50", "maxQuarantinedPercent: 1")
    add(lakehouse, tmp_path, text.replace("technique: hash", "technique: drop"), "--by", "ada")
    contract(lakehouse, "approve", "orders", *BY)
    refused = lakehouse("contract", "activate", "orders", "2.0.0", *BY).err
    assert "; column 'amount': " in refused
    assert ".;" not in refused
