"""Going back to what was published before an anonymization, with real tables and events."""

from dataclasses import replace
from pathlib import Path

import pytest
from dagster import RunsFilter

from lakehouse_pipeline.errors import StepRefusedError
from lakehouse_pipeline.lake.contract_steps import Steps
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.keys import GATE_CHECK, PRIVACY_CHECK
from lakehouse_pipeline.orchestration.retention import apply_retention, arrivals
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline.pipeline.rollback import RollbackRefusedError
from lakehouse_pipeline_tests.anonymizations import (
    EMAIL,
    NEW,
    NOISE,
    OLD,
    SECOND,
    applied,
    contract,
    filled,
    lines,
    published,
    rehearsed,
    rolled_back,
    told,
)
from lakehouse_pipeline_tests.erasures import erase, found
from lakehouse_pipeline_tests.homes import DATASET, Home, add_contract

SUBJECT = EMAIL.format(3)


def promise(k: int, below: str) -> str:
    """Return what the contract promises of groups that share a phone number."""
    value = f"{{quasiIdentifiers: [phone], k: {k}, sensitive: [], below: {below}}}"
    return f"  - {{property: privacy, value: {value}}}\n"


def replay(home: Home, batch: str, layer: Layer = Layer.QUARANTINED) -> None:
    active = ContractStore(home.settings.contracts).active(DATASET)
    Runs(home.instance, home.settings, "cem").replay(active, [batch], layer)


def test_batches_go_back_and_everything_that_is_said_of_them_is_true(tmp_path: Path) -> None:
    with filled(tmp_path / "home") as home:
        before = home.content()
        one = applied(home)
        assert home.content() != before
        home.drop("later.csv", lines(4, 41))
        home.settle()
        *_, later = home.instance.get_dynamic_partitions(DATASET)
        columns = "SELECT _batch_id, _record, id, email, NULL, weight, note FROM t"
        of_later = f"{columns} WHERE _batch_id = '{later}' ORDER BY ALL"
        untouched = home.query(Layer.PUBLISHED, of_later)
        done = rolled_back(home, one.id)
        assert done.stage == "rolled back"
        assert one.before is not None
        columns = "SELECT _batch_id, _record, id, email, phone, weight, note FROM t"
        then = home.query(Layer.PUBLISHED, f"{columns} ORDER BY ALL", one.before.published)
        now = home.query(Layer.PUBLISHED, f"{columns} WHERE _batch_id <> '{later}' ORDER BY ALL")
        assert now == then
        assert home.query(Layer.PUBLISHED, of_later) == untouched
        states = home.states()
        assert {s.state for s in states.values()} == {"published"}
        assert [s.anonymized_under for s in states.values()] == [OLD, OLD, NEW]
        assert [s.rolled_back for s in states.values()] == [one.id, one.id, ""]
        assert home.violations() == []
        event = told(home)[-1]
        assert (event["lakehouse/event"], event["actor"], event["why"]) == (
            "AnonymizationRolledBack",
            SECOND,
            "a mistake",
        )
        newest = home.materialized(Layer.PUBLISHED)[-2:]
        assert {m.metadata["contract_version"].value for m in newest} == {OLD}
        assert {m.metadata["rolled_back"].value for m in newest} == {one.id}
        with pytest.raises(StepRefusedError, match="is rolled back already"):
            rolled_back(home, one.id)
        replay(home, later)
        assert home.violations() == []
        (run,) = home.instance.get_runs(RunsFilter(job_name=f"{DATASET}_rollback"))
        assert run.tags["lakehouse/dataset"] == DATASET


def test_what_was_not_applied_is_not_rolled_back(tmp_path: Path) -> None:
    with filled(tmp_path / "home") as home:
        name = rehearsed(home).id
        with pytest.raises(StepRefusedError, match="was not applied; it is in the stage 'dry run'"):
            rolled_back(home, name)


def test_an_erasure_since_makes_it_impossible_and_is_named(tmp_path: Path) -> None:
    with filled(tmp_path / "home") as home:
        one = applied(home)
        erasure = erase(home, SUBJECT)
        content = home.content()
        with pytest.raises(RollbackRefusedError, match=f"erasure {erasure.id} took records") as no:
            rolled_back(home, one.id)
        assert str(no.value).endswith("Nothing was changed.")
        assert home.content() == content
        assert found(home, SUBJECT) == []


def test_an_erasure_before_applying_is_no_hindrance_and_nothing_comes_back(tmp_path: Path) -> None:
    with filled(tmp_path / "home") as home:
        erase(home, SUBJECT)
        before = home.content()
        one = applied(home)
        rolled_back(home, one.id)
        after = home.content()
        assert after[Layer.PUBLISHED] != ""
        assert home.query(Layer.PUBLISHED, "SELECT count(*) FROM t") == [(19,)]
        assert before[Layer.VALIDATED] == after[Layer.VALIDATED]
        assert found(home, SUBJECT) == []
        assert home.violations() == []


def test_a_batch_that_was_written_since_is_not_lost(tmp_path: Path) -> None:
    with filled(tmp_path / "home") as home:
        one = applied(home)
        (batch, _) = one.batches
        replay(home, batch)
        content = home.content()
        with pytest.raises(RollbackRefusedError, match=f"{batch} changed since it was applied"):
            rolled_back(home, one.id)
        assert home.content() == content


def test_deleted_files_are_told_before_anything_is_changed(tmp_path: Path) -> None:
    with filled(tmp_path / "home") as home:
        one = applied(home)
        tables = Tables(home.settings.lake)
        table = tables.open(DATASET, Layer.PUBLISHED)
        assert table is not None
        assert table.vacuum(0, dry_run=False, enforce_retention_duration=False)
        content = home.content()
        with pytest.raises(RollbackRefusedError, match="of published can no longer be read"):
            rolled_back(home, one.id)
        assert home.content() == content
        assert home.violations() == []


def retained(home: Home, layer: Layer) -> None:
    """Let retention take every batch out of a layer."""
    active = replace(ContractStore(home.settings.contracts).active(DATASET), retention={layer: 1})
    now = max(arrivals(home.instance, DATASET).times.values()) + 2 * 86_400
    assert list(apply_retention(home.instance, home.settings, active, now, "ada"))


@pytest.mark.parametrize("layer", [Layer.ANONYMIZED, Layer.PUBLISHED])
def test_what_retention_took_out_does_not_come_back(tmp_path: Path, layer: Layer) -> None:
    with filled(tmp_path / "home") as home:
        one = applied(home)
        retained(home, layer)
        content = home.content()
        with pytest.raises(RollbackRefusedError, match="retention"):
            rolled_back(home, one.id)
        assert home.content() == content


def test_withheld_records_are_withheld_again(tmp_path: Path) -> None:
    old, new = (
        contract(
            version,
            phone=f"technique: generalize, prefix: {prefix}",
            compliance="strict",
            top=promise(2, "suppress"),
        )
        for version, prefix in ((OLD, 13), (NEW, 12))
    )
    with filled(tmp_path / "home", lines(11), old=old, new=new) as home:
        before = home.content()
        (then,) = home.states().values()
        assert (then.published, then.withheld) == (10, 1)
        one = applied(home)
        (now,) = home.states().values()
        assert (now.published, now.withheld) == (11, 0)
        rolled_back(home, one.id)
        (again,) = home.states().values()
        assert (again.published, again.withheld) == (10, 1)
        assert home.content() == before
        assert home.violations() == []


def private(version: str, phone: str, k: int) -> str:
    """Return a strict version that makes telephones safe in one way, in groups of k."""
    return contract(
        version,
        phone=phone,
        compliance="strict",
        top=promise(k, "suppress"),
    )


def test_what_breaks_the_privacy_that_is_promised_now_does_not_come_back(tmp_path: Path) -> None:
    with filled(tmp_path / "home", lines(11), new=private(NEW, "technique: redact", 2)) as home:
        before = home.content()
        one = applied(home)
        content = home.content()
        assert home.checks(PRIVACY_CHECK)[-1].passed
        with pytest.raises(RollbackRefusedError) as refused:
            rolled_back(home, one.id)
        for said in (
            "breaks what 2.0.0 promises",
            "privacy: published has k = 1, expected at least 2; privacy: a-",
            "activate that one first. Nothing was changed.",
        ):
            assert said in str(refused.value)
        assert home.content() == content
        Steps(ContractStore(home.settings.contracts), SECOND, "a mistake").activate(
            DATASET, OLD, breaking=True
        )
        rolled_back(home, one.id)
        assert home.content() == before
        newest = home.checks(PRIVACY_CHECK)[-1]
        assert not newest.passed
        assert newest.description == (
            f"anonymization {one.id} was rolled back; what is published is not measured"
        )
        assert [state.state for state in home.states().values()] == ["published"]
        assert home.violations() == []


def test_privacy_is_measured_again_with_what_came_since(tmp_path: Path) -> None:
    old, new = private(OLD, "technique: redact", 2), private(NEW, "technique: suppress", 2)
    with filled(tmp_path / "home", lines(11), old=old, new=new) as home:
        one = applied(home)
        home.drop("later.csv", lines(4, 41))
        home.settle()
        rolled_back(home, one.id)
        newest = home.checks(PRIVACY_CHECK)[-1]
        assert newest.passed
        measures = {name: value.value for name, value in newest.metadata.items()}
        assert measures["privacy/k"] == 2  # two have no telephone
        assert measures["privacy/published/k"] == 6
        assert home.violations() == []


def test_other_types_and_a_later_batch_are_refused(tmp_path: Path) -> None:
    retyped = contract(NEW, weight="technique: generalize, step: 10")
    with filled(tmp_path / "home", new=retyped) as home:
        one = applied(home)
        home.drop("later.csv", lines(4, 41))
        home.settle()
        content = home.content()
        with pytest.raises(RollbackRefusedError, match=r"column 'weight' of \w+ was .* then"):
            rolled_back(home, one.id)
        assert home.content() == content
        assert home.violations() == []


def test_other_types_go_back_where_every_batch_does(tmp_path: Path) -> None:
    retyped = contract(NEW, weight="technique: generalize, step: 10")
    with filled(tmp_path / "home", new=retyped) as home:
        before = home.content()
        rolled_back(home, applied(home).id)
        assert home.content() == before
        assert home.violations() == []


def test_the_last_one_is_rolled_back_first(tmp_path: Path) -> None:
    with filled(tmp_path / "home") as home:
        start = home.content()
        first = applied(home)
        middle = home.content()
        third = contract("3.0.0", "technique: hash", "technique: redact", NOISE)
        add_contract(home.settings, third, approved=False)
        second = applied(home, "3.0.0")
        with pytest.raises(RollbackRefusedError, match="roll that one back first"):
            rolled_back(home, first.id)
        rolled_back(home, second.id)
        assert home.content() == middle
        rolled_back(home, first.id)
        assert home.content() == start
        assert {s.anonymized_under for s in home.states().values()} == {OLD}
        assert home.violations() == []


def test_a_batch_that_was_refused_before_is_refused_again(tmp_path: Path) -> None:
    techniques = {"phone": "technique: redact, preserveNull: false", "compliance": "strict"}
    old = contract(OLD, top=promise(9, "refuse"), **techniques)
    new = contract(NEW, top=promise(2, "refuse"), **techniques)
    with filled(tmp_path / "home", lines(12), lines(8, 21), old=old, new=new) as home:
        assert [s.state for s in home.states().values()] == ["published", "refused"]
        why = [s.why for s in home.states().values()]
        before = home.content()
        one = applied(home)
        assert [s.state for s in home.states().values()] == ["published", "published"]
        rolled_back(home, one.id)
        assert home.content() == before
        assert [s.state for s in home.states().values()] == ["published", "refused"]
        assert [s.why for s in home.states().values()] == why
        assert home.violations() == []
        said = {check.partition: check.passed for check in home.checks(GATE_CHECK)}
        assert list(said.values()) == [True, False]


def winners(home: Home) -> list[tuple[object, ...]]:
    return home.query(Layer.PUBLISHED, "SELECT id, _batch_id FROM t ORDER BY id")


def test_in_mode_upsert_the_batch_that_arrived_last_still_wins(tmp_path: Path) -> None:
    old, new = contract(mode="upsert"), contract(NEW, phone="technique: redact", mode="upsert")
    with filled(tmp_path / "home", lines(6), lines(4, 4), old=old, new=new) as home:
        before = published(home)
        one = applied(home)
        home.drop("later.csv", lines(3, 6))
        home.settle()
        first, second, later = home.instance.get_dynamic_partitions(DATASET)
        expected = [
            (1, first),
            (2, first),
            (3, first),
            (4, second),
            (5, second),
            (6, later),
            (7, later),
            (8, later),
        ]
        assert winners(home) == expected
        rolled_back(home, one.id)
        assert winners(home) == expected
        held = {row[0]: row for row in before}
        assert [row for row in published(home) if row[0] < 6] == [held[n] for n in range(1, 6)]
        phones = home.query(Layer.PUBLISHED, "SELECT DISTINCT phone FROM t WHERE id > 5 AND id < 8")
        assert phones == [("[redacted]",)]
        assert home.violations() == []


def test_in_mode_upsert_keys_made_safe_otherwise_are_refused(tmp_path: Path) -> None:
    key = (
        "      - {name: id, logicalType: integer, required: true, primaryKey: true, "
        "primaryKeyPosition: 1}\n"
    )
    safe = (
        "      - name: id\n        logicalType: string\n        required: true\n"
        "        primaryKey: true\n        primaryKeyPosition: 1\n"
        "        classification: personal\n        customProperties: "
        "[{{property: anonymize, value: {{{technique}}}}}]\n"
    )
    old, new = (
        contract(version, mode="upsert").replace(key, safe.format(technique=technique))
        for version, technique in ((OLD, "technique: hash"), (NEW, "technique: tokenize"))
    )
    with filled(tmp_path / "home", lines(6), old=old, new=new) as home:
        one = applied(home)
        home.drop("later.csv", lines(3, 6))
        home.settle()
        content = home.content()
        with pytest.raises(RollbackRefusedError, match="makes the primary key safe in another way"):
            rolled_back(home, one.id)
        assert home.content() == content


def test_nothing_was_and_nothing_is_published(tmp_path: Path) -> None:
    top = promise(99, "refuse")
    techniques = {"phone": "technique: redact", "compliance": "strict", "top": top}
    old, new = contract(OLD, **techniques), contract(NEW, **techniques)
    with filled(tmp_path / "home", lines(6), old=old, new=new) as home:
        assert [state.state for state in home.states().values()] == ["refused"]
        before = home.content()
        rolled_back(home, applied(home).id)
        assert home.content() == before
        assert [state.state for state in home.states().values()] == ["refused"]
        assert home.violations() == []


def test_keys_of_the_dataset_that_others_may_have_published_since_do_not_come_back_twice(
    tmp_path: Path,
) -> None:
    key = "primaryKey: true, primaryKeyPosition: 1}"
    unique = "unique: true, customProperties: [{property: uniqueScope, value: dataset}]}"
    techniques = {"phone": "technique: redact, preserveNull: false", "compliance": "strict"}
    old = contract(OLD, top=promise(2, "refuse"), **techniques).replace(key, unique)
    new = contract(NEW, top=promise(5, "refuse"), **techniques).replace(key, unique)
    with filled(tmp_path / "home", lines(4), lines(6, 21), old=old, new=new) as home:
        done = rehearsed(home)
        first, second = done.batches
        assert set(done.refused) == {first}
        one = applied(home)
        assert [s.state for s in home.states().values()] == ["refused", "published"]
        home.drop("later.csv", lines(6, 1))
        home.settle()
        content = home.content()
        with pytest.raises(RollbackRefusedError, match=f"{first} is not published now"):
            rolled_back(home, one.id)
        assert home.content() == content
        assert home.violations() == []
        assert second in home.states()
