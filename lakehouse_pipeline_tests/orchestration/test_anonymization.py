"""Dry run, approval and application of an anonymization, with real tables and events."""

import subprocess
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from lakehouse_pipeline.errors import (
    ExpiredBatchError,
    NamelessStepError,
    SchemaChangeError,
    StepRefusedError,
    UnregisteredVersionError,
)
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.anonymization_steps import (
    ChangedSinceError,
    NothingToAnonymizeError,
)
from lakehouse_pipeline.orchestration.retention import apply_retention, arrivals
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline_tests.anonymizations import (
    EMAIL,
    MAKER,
    NEW,
    NOISE,
    OLD,
    SECOND,
    activate,
    applied,
    contract,
    desk,
    filled,
    lines,
    published,
    rehearsed,
    told,
)
from lakehouse_pipeline_tests.erasures import erase, found
from lakehouse_pipeline_tests.homes import DATASET


def state_of(folder: Path) -> dict[str, bytes]:
    """Return every file of the lake, the vault and the keys."""
    return {
        str(path): path.read_bytes()
        for name in ("lake", "vault", "keys")
        for path in (folder / name).rglob("*")
        if path.is_file()
    }


def test_a_dry_run_counts_per_column_and_changes_nothing(tmp_path: Path) -> None:
    with filled(tmp_path / "home") as home:
        before, content = state_of(home.settings.home), home.content()
        done = rehearsed(home)
        assert state_of(home.settings.home) == before
        assert home.content() == content
        assert list((home.settings.home / "tmp").iterdir()) == []
        assert (done.records, len(done.batches), done.refused) == (20, 2, {})
        assert [tuple(column.values()) for column in done.columns] == [
            ("email", "tokenize", 20, 20),
            ("phone", "drop", 17, 17),
            ("weight", "noise", 20, done.columns[2]["changed"]),
        ]
        assert done.throw_away == ("email",)
        assert done.seconds > 0
        (event,) = told(home)
        assert event["lakehouse/event"] == "AnonymizationDryRunCompleted"
        assert (event["anonymization"], event["contract_version"]) == (done.id, NEW)
        assert (event["batches"], event["records"], event["affected/phone"]) == (2, 20, 17)
        assert len(event["contract_sha256"]) == 64


def test_what_a_dry_run_shows_is_what_applying_publishes(tmp_path: Path) -> None:
    keyed = contract(NEW, "technique: pseudonymize, kind: email", "technique: hash", NOISE)
    with filled(tmp_path / "home", new=keyed) as home:
        done = rehearsed(home)
        assert done.sample[0].before["email"]
        assert "Canary" not in repr(done.sample) + repr(done)
        assert done.throw_away == ()
        assert len(done.sample) == 5
        desk(home).approve(DATASET, done.id, SECOND, "fine")
        activate(home)
        _, states = desk(home).apply(DATASET, done.id, MAKER)
        assert {state.state for state in states} == {"published"}
        assert {state.anonymized_under for state in states} == {NEW}
        columns = "_batch_id, _record, email, phone, weight::VARCHAR"
        rows = {row[:2]: row[2:] for row in published(home, columns)}
        for one in done.sample:
            assert rows[one.batch, one.record] == tuple(one.after.values())
        assert home.violations() == []


def test_a_token_that_is_known_is_shown_and_a_new_one_is_not_kept(tmp_path: Path) -> None:
    old = contract(email="technique: tokenize")
    new = contract(NEW, "technique: tokenize", "technique: tokenize")
    with filled(tmp_path / "home", old=old, new=new) as home:
        known = dict(published(home, "(_batch_id, _record)::VARCHAR, email"))
        done = rehearsed(home)
        assert done.throw_away == ("phone",)
        for one in done.sample:
            assert one.after["email"] == known[f"({one.batch}, {one.record})"]
            assert str(one.after["phone"]).startswith("tok_")
        vault = (home.settings.home / "vault" / "tokens.sqlite").read_bytes()
        assert b"CanaryTel" not in vault


def test_a_dry_run_makes_no_key_where_there_is_none(tmp_path: Path) -> None:
    with filled(tmp_path / "home") as home:
        (home.settings.keys / "hash.key").unlink()
        done = rehearsed(home, OLD)
        assert not (home.settings.keys / "hash.key").exists()
        assert done.throw_away == ("email",)


def test_an_approval_is_another_persons_and_comes_before_applying(tmp_path: Path) -> None:
    with filled(tmp_path / "home") as home:
        name = rehearsed(home).id
        with pytest.raises(StepRefusedError, match="has to be approved first, by somebody other"):
            desk(home).apply(DATASET, name, SECOND)
        with pytest.raises(StepRefusedError, match="was made by ada; somebody else"):
            desk(home).approve(DATASET, name, " ADA ", "me")
        with pytest.raises(NamelessStepError, match="'why' is empty"):
            desk(home).approve(DATASET, name, SECOND, " ")
        desk(home).approve(DATASET, name, SECOND, "looked at it")
        with pytest.raises(StepRefusedError, match="is approved already"):
            desk(home).approve(DATASET, name, "cem", "again")
        with pytest.raises(ChangedSinceError, match=r"2\.0\.0, which is draft and not active"):
            desk(home).apply(DATASET, name, MAKER)
        activate(home)
        one, _ = desk(home).apply(DATASET, name, "cem")
        with pytest.raises(StepRefusedError, match="is applied already"):
            desk(home).apply(DATASET, name, MAKER)
        events = [(e["lakehouse/event"], e["actor"], e["why"]) for e in told(home)]
        assert events == [
            ("AnonymizationDryRunCompleted", MAKER, ""),
            ("AnonymizationApproved", SECOND, "looked at it"),
            ("DataAnonymized", "cem", ""),
        ]
        said = told(home)[-1]
        assert said["published_version_before"] < said["published_version"]
        tags = {"lakehouse/anonymization": one.id}
        assert len(home.instance.get_runs(dg.RunsFilter(tags=tags))) == 1


def test_records_that_changed_since_have_to_be_looked_at_again(tmp_path: Path) -> None:
    with filled(tmp_path / "home") as home:
        name = rehearsed(home).id
        desk(home).approve(DATASET, name, SECOND, "fine")
        activate(home)
        (batch, _) = home.instance.get_dynamic_partitions(DATASET)
        active = ContractStore(home.settings.contracts).active(DATASET)
        Runs(home.instance, home.settings, "cem").replay(active, [batch], Layer.QUARANTINED)
        desk(home).apply(DATASET, name, MAKER)  # written again, with the same records
        again = rehearsed(home).id
        desk(home).approve(DATASET, again, SECOND, "fine")
        erase(home, "CanaryAnn3@example.org")
        with pytest.raises(ChangedSinceError, match="have changed in validated since"):
            desk(home).apply(DATASET, again, MAKER)


@pytest.mark.parametrize("approved", [False, True], ids=["requested", "approved"])
def test_who_is_erased_between_dry_run_and_applying_does_not_come_out(
    tmp_path: Path, approved: bool
) -> None:
    subject = EMAIL.format(3)
    with filled(tmp_path / "home") as home:
        name = rehearsed(home).id
        if approved:
            desk(home).approve(DATASET, name, SECOND, "fine")
        erase(home, subject)
        content = home.content()
        assert (found(home, subject), home.violations()) == ([], [])
        if not approved:
            desk(home).approve(DATASET, name, SECOND, "fine")
        activate(home)
        with pytest.raises(ChangedSinceError, match="Nothing was changed"):
            desk(home).apply(DATASET, name, MAKER)
        assert home.content() == content
        assert rehearsed(home).records == 19
        applied(home)
        assert home.query(Layer.PUBLISHED, "SELECT count(*) FROM t WHERE id = 3") == [(0,)]
        assert home.query(Layer.PUBLISHED, "SELECT count(*) FROM t") == [(19,)]
        assert (found(home, subject), home.violations()) == ([], [])


def test_a_dry_run_over_named_batches_applies_to_these_alone(tmp_path: Path) -> None:
    with filled(tmp_path / "home", new=contract(NEW, phone="technique: redact")) as home:
        first, second = home.instance.get_dynamic_partitions(DATASET)
        before = published(home)
        applied(home, NEW, second)
        after = published(home)
        assert [r for r in after if first in r] == [r for r in before if first in r]
        sql = f"SELECT DISTINCT phone FROM t WHERE _batch_id = '{second}' ORDER BY 1"
        assert home.query(Layer.PUBLISHED, sql) == [("[redacted]",), (None,)]


def test_a_call_that_names_what_is_not_there_says_so(tmp_path: Path) -> None:
    with filled(tmp_path / "home") as home:
        with pytest.raises(UnregisteredVersionError, match=r"has no version '3\.0\.0'"):
            rehearsed(home, "3.0.0")
        home.drop("z.csv", "id\n1\n")
        home.settle()
        bad = home.instance.get_dynamic_partitions(DATASET)[-1]
        with pytest.raises(NothingToAnonymizeError, match=f"does not hold batch '{bad}'"):
            rehearsed(home, NEW, bad)


def test_what_a_killed_dry_run_left_goes_with_the_next_one(tmp_path: Path) -> None:
    with filled(tmp_path / "home") as home, subprocess.Popen(["true"]) as ended:
        ended.wait()
        left = home.settings.home / "tmp" / f"spill-{ended.pid}-x" / "orders"
        left.mkdir(parents=True)
        rehearsed(home)
        assert list((home.settings.home / "tmp").iterdir()) == []


def test_batches_that_retention_took_out_of_validated_are_left_out(tmp_path: Path) -> None:
    with filled(tmp_path / "home") as home:
        first, second = home.instance.get_dynamic_partitions(DATASET)
        one = rehearsed(home)
        desk(home).approve(DATASET, one.id, SECOND, "fine")
        activate(home)
        active = ContractStore(home.settings.contracts).active(DATASET)
        arrived = arrivals(home.instance, DATASET).times
        now = arrived[first] + 86_400 + (arrived[second] - arrived[first]) / 2
        brief = replace(active, retention={Layer.VALIDATED: 1})
        list(apply_retention(home.instance, home.settings, brief, now, "ada"))
        assert rehearsed(home).batches == (second,)
        with pytest.raises(NothingToAnonymizeError, match=first):
            rehearsed(home, NEW, first)
        with pytest.raises(ExpiredBatchError, match=first):
            desk(home).apply(DATASET, one.id, MAKER)
        assert desk(home).known.get(DATASET, one.id).stage == "approved"


def test_what_the_engine_says_of_a_value_is_not_passed_on(tmp_path: Path) -> None:
    big, note = "9" * 38, "{name: note, logicalType: string}"
    column = (
        'name: note, logicalType: number, physicalType: "DECIMAL(38,0)", classification: personal'
    )
    old, new = (
        contract(version).replace(
            note,
            f"{{{column}, customProperties: [{{property: anonymize, value: {{{technique}}}}}]}}",
        )
        for version, technique in (
            (OLD, "technique: suppress"),
            (NEW, "technique: aggregate, k: 2"),
        )
    )
    with filled(tmp_path / "home", lines(4, note=big), old=old, new=new) as home:
        (reasons,) = rehearsed(home).refused.values()
        assert "OutOfRangeException: its message is withheld" in reasons[0]
        assert big[:9] not in repr(reasons)


def test_a_type_that_only_one_run_could_change_is_told_beforehand(tmp_path: Path) -> None:
    retyped = contract(NEW, weight="technique: generalize, step: 10")
    with filled(tmp_path / "home", new=retyped) as home:
        first, _ = home.instance.get_dynamic_partitions(DATASET)
        with pytest.raises(SchemaChangeError, match="column 'weight' is stored as BIGINT"):
            rehearsed(home, NEW, first)
        assert rehearsed(home).refused == {}
        assert list((home.settings.home / "tmp").iterdir()) == []


def test_undeclared_data_and_weak_techniques_are_told(tmp_path: Path) -> None:
    new = contract(NEW, phone="technique: mask, keepLast: 6")
    text = lines(6, note="write to bob@example.org")
    old = contract(compliance="standard")
    with filled(tmp_path / "home", text, old=old, new=new) as home:
        done = rehearsed(home)
        (batch,) = done.batches
        assert set(done.refused) == set(done.taken_out) == {batch}
        assert done.undeclared[0].startswith(f"{batch}: undeclared personal data: column 'note'")
        assert "mask of 'phone': weak; 6 characters in a row stay" in done.warnings
        assert any(one.startswith("hash of 'email': pseudonymous") for one in done.warnings)
        assert "bob@" not in repr(done)
        assert "Canary" not in repr(done)


def test_records_that_would_be_withheld_are_counted(tmp_path: Path) -> None:
    value = "{quasiIdentifiers: [phone], sensitive: [], k: 3, below: suppress}"
    new = contract(
        NEW,
        phone="technique: generalize, prefix: 12",
        compliance="strict",
        top=f"  - {{property: privacy, value: {value}}}\n",
    )
    with filled(tmp_path / "home", lines(12), new=new) as home:
        done = rehearsed(home)
        assert sum(done.withheld.values()) == 2  # those without a telephone
        one = applied(home)
        assert one.withheld == sum(s.withheld for s in home.states().values())
        assert home.violations() == []
