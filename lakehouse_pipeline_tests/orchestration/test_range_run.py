import hashlib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.keys import GATE_CHECK, RULES_CHECK, asset_key
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline.pipeline.lake import open_lake
from lakehouse_pipeline.pipeline.outcomes import LayerWritten
from lakehouse_pipeline.pipeline.process import process
from lakehouse_pipeline_tests.homes import (
    AMOUNT,
    DATASET,
    HEADER,
    QUIET,
    Home,
    add_contract,
    contract_text,
    open_home,
    rows,
)

SECRETS = ("ada.lovelace@private.example", "+44 20 7946 0958", "not-an-address-of-anyone")
"""Personal values: a good record's, and one that breaks a rule itself."""
GOOD = (
    f"{HEADER}1,{SECRETS[0]},{SECRETS[1]},9.50,DE\n2,{SECRETS[2]},{SECRETS[1]},-1,XX\n"
    + "".join(f"{n},p{n}@example.org,,1.00,FR\n" for n in range(3, 11))
)
BAD = f"{HEADER}1,{SECRETS[2]},{SECRETS[1]},x,DE\n2,b@example.org,,1.00,DE\n3,{SECRETS[2]},,,\n"
UNREADABLE = f"{HEADER.replace('phone,', '')}1,{SECRETS[0]},9.50,DE\n"
TEXT = "logicalType: string, logicalTypeOptions: {pattern: '^[0-9.]+$'}"
"""The amount in another type."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Yield a home after one run over a good, a refused and an unreadable batch."""
    with open_home(tmp_path_factory.mktemp("range") / "home") as home:
        for name, text in (("a", GOOD), ("b", BAD), ("c", UNREADABLE), ("d", rows(4))):
            home.drop(f"{name}.csv", text)
        home.settle()
        yield home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_home(tmp_path / "home") as opened:
        yield opened


def batches(home: Home) -> list[str]:
    return list(home.instance.get_dynamic_partitions(DATASET))


def replay(home: Home, *only: str, from_layer: Layer | None = None) -> None:
    contract = ContractStore(home.settings.contracts).active(DATASET)
    Runs(home.instance, home.settings, "ada").replay(contract, only, from_layer)


def test_each_batch_has_the_materializations_of_the_layers_it_reached(ran: Home) -> None:
    good, bad, _, other = batches(ran)
    reached = {layer: [m.partition for m in ran.materialized(layer)] for layer in Layer}
    assert reached == {
        Layer.RAW: [good, bad, other],
        Layer.QUARANTINED: [good, bad, other],
        Layer.VALIDATED: [good, bad, other],
        Layer.ANONYMIZED: [good, other],
        Layer.PUBLISHED: [good, other],
    }


def test_the_run_succeeds_although_batches_in_it_were_refused(ran: Home) -> None:
    (run,) = ran.instance.get_runs()
    assert run.status is dg.DagsterRunStatus.SUCCESS


def test_the_time_of_a_batch_is_that_of_its_newest_event(ran: Home) -> None:
    (run,) = ran.instance.get_runs()
    started = ran.instance.get_run_stats(run.run_id).start_time or 0
    assert all((state.time or 0) > started > 0 for state in ran.states().values())


def test_the_gate_fails_for_refused_batches_only_and_says_why(ran: Home) -> None:
    good, bad, unreadable, other = batches(ran)
    gates = {check.partition: check for check in ran.checks(GATE_CHECK)}
    assert {batch: gate.passed for batch, gate in gates.items()} == {
        good: True,
        bad: False,
        unreadable: False,
        other: True,
    }
    assert {gate.severity.value for gate in gates.values()} == {"ERROR"}
    assert gates[bad].description == (
        "maxQuarantinedPercent: 2 of 3 records (66.67 %) are quarantined, the contract allows 50 %"
    )
    assert "column 'phone' is missing" in (gates[unreadable].description or "")


def test_the_rules_check_warns_for_each_batch_that_was_judged(ran: Home) -> None:
    good, bad, _, other = batches(ran)
    checks = {check.partition: check for check in ran.checks(RULES_CHECK)}
    assert {batch: check.passed for batch, check in checks.items()} == {
        good: False,
        bad: False,
        other: True,
    }
    assert {check.severity.value for check in checks.values()} == {"WARN"}
    assert checks[good].description == "1 of 10 records quarantined."
    table = checks[bad].metadata["rules"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [record.data for record in table.records] == [
        {"rule": "email.pattern", "records": 2},
        {"rule": "amount.type", "records": 1},
    ]


def test_rows_are_counted_per_layer_and_batch(ran: Home) -> None:
    good, bad, _, other = batches(ran)
    counts = {
        layer: {m.partition: m.metadata["dagster/row_count"].value for m in ran.materialized(layer)}
        for layer in Layer
    }
    assert counts[Layer.RAW] == {good: 10, bad: 3, other: 4}
    assert counts[Layer.QUARANTINED] == {good: 1, bad: 2, other: 0}
    assert counts[Layer.VALIDATED] == {good: 9, bad: 1, other: 4}
    assert counts[Layer.ANONYMIZED] == counts[Layer.PUBLISHED] == {good: 9, other: 4}


def test_raw_says_which_file_it_is_and_how_its_lines_add_up(ran: Home) -> None:
    said = {key: value.value for key, value in ran.materialized(Layer.RAW)[0].metadata.items()}
    expected = {
        "file": "a.csv",
        "sha256": hashlib.sha256(GOOD.encode()).hexdigest(),
        "bytes": len(GOOD),
        "physical_lines": 11,
        "header_lines": 1,
        "contract_version": "1.0.0",
        "batches_in_commit": 3,
        "delta_version": 1,
    }
    assert said.items() >= expected.items()


def test_quarantined_counts_every_rule_and_shows_reasons_without_values(ran: Home) -> None:
    said = {
        key: value.value for key, value in ran.materialized(Layer.QUARANTINED)[0].metadata.items()
    }
    assert {key: n for key, n in said.items() if key.startswith("rule/")} == {
        "rule/order_id.required": 0,
        "rule/order_id.type": 0,
        "rule/order_id.unique": 0,
        "rule/email.required": 0,
        "rule/email.pattern": 1,
        "rule/amount.type": 0,
        "rule/amount.minimum": 1,
        "rule/country.enum": 1,
    }
    assert said["quarantined_percent"] == 10
    assert "| 2 | email.pattern | email | must match" in str(said["reasons"])


def test_no_personal_value_is_in_any_event_or_file_of_the_instance(ran: Home) -> None:
    recorded = ran.everything_recorded()
    for secret in SECRETS:
        assert secret.encode() not in recorded
    logs = "".join(
        f"{entry.user_message}{entry.dagster_event}"
        for run in ran.instance.get_runs()
        for entry in ran.instance.all_logs(run.run_id)
    )
    assert "email.pattern" in logs
    assert not [secret for secret in SECRETS if secret in logs]


def test_no_personal_value_is_past_validated_or_in_a_name_or_delta_log(ran: Home) -> None:
    lake = ran.settings.lake / DATASET
    logs = "".join(path.read_text() for path in lake.glob("*/_delta_log/*.json"))
    text = logs + " ".join(str(path) for path in lake.rglob("*"))
    for layer in (Layer.ANONYMIZED, Layer.PUBLISHED):
        text += str(ran.query(layer, "SELECT t::VARCHAR FROM t"))
    assert "_batch_id" in text
    assert not [secret for secret in (*SECRETS, "p3@example.org") if secret in text]


def test_nothing_was_unpublished_and_verify_is_clean(ran: Home) -> None:
    assert [ran.events(layer) for layer in Layer] == [[]] * 5
    assert ran.violations() == []


def test_only_the_layers_asked_for_are_materialized(home: Home) -> None:
    batch = home.drop("a.csv", GOOD)
    job = home.definitions().resolve_job_def("orders_batches")
    home.instance.add_dynamic_partitions(DATASET, [batch])

    def materialize(*layers: Layer) -> set[str]:
        result = job.execute_in_process(
            instance=home.instance,
            asset_selection=[asset_key(DATASET, layer) for layer in layers],
            partition_key=batch,
            run_config=QUIET,
        )
        found = result.get_asset_materialization_events()
        return {
            event.step_materialization_data.materialization.asset_key.path[1] for event in found
        }

    assert materialize(Layer.RAW) == {"raw"}
    assert home.query(Layer.RAW, "SELECT count(*) FROM t") == [(10,)]
    assert home.query(Layer.VALIDATED, "SELECT count(*) FROM t") == []
    assert materialize(Layer.QUARANTINED, Layer.VALIDATED) == {"quarantined", "validated"}
    assert materialize(Layer.ANONYMIZED) == {"anonymized"}
    assert materialize(Layer.PUBLISHED) == {"published"}
    assert home.states()[batch].state == "published"
    assert home.violations() == []


def test_a_replay_gives_the_same_content_and_the_same_data_versions(home: Home) -> None:
    for name, text in (("a", GOOD), ("b", BAD), ("c", rows(4))):
        home.drop(f"{name}.csv", text)
    home.settle()
    before = home.content()
    tables = Tables(home.settings.lake)
    first = {layer: len(tables.files(DATASET, layer)) for layer in Layer}
    replay(home)
    replay(home, from_layer=Layer.RAW)
    assert home.content() == before
    assert {layer: len(tables.files(DATASET, layer)) for layer in Layer} == first
    for layer in Layer:
        versions: dict[str | None, set[str]] = {}
        for done in home.materialized(layer):
            versions.setdefault(done.partition, set()).add(str((done.tags or {})[DATA_VERSION_TAG]))
        assert [len(given) for given in versions.values()] == [1] * len(versions)
    assert {e["lakehouse/event"] for e in home.events()} == {"ReplayRequested"}
    assert {e["actor"] for e in home.events()} == {"ada"}
    assert home.violations() == []


def test_a_changed_contract_splits_anew_and_the_old_split_stays_readable(home: Home) -> None:
    batch = home.drop("a.csv", rows(10, broken=2))
    home.settle()
    tables = Tables(home.settings.lake)
    then = {layer: _version(tables, layer) for layer in Layer}
    before = home.content()
    count = "SELECT count(*) FROM t"
    assert home.query(Layer.QUARANTINED, count) == [(2,)]
    add_contract(
        home.settings, contract_text("1.1.0", amount=AMOUNT.replace("minimum: 0", "minimum: -5"))
    )
    replay(home)
    assert home.query(Layer.QUARANTINED, count) == []
    assert home.query(Layer.PUBLISHED, count) == [(10,)]
    state = home.states()[batch]
    assert (state.quarantined, state.published, state.contract_version) == (0, 10, "1.1.0")
    old = {layer: home.content(then[layer])[layer] for layer in Layer}
    assert old == before
    versions = [(m.tags or {})[DATA_VERSION_TAG] for m in home.materialized(Layer.PUBLISHED)]
    assert len(set(versions)) == 2
    assert home.violations() == []


def _version(tables: Tables, layer: Layer) -> int:
    table = tables.open(DATASET, layer)
    assert table is not None
    return table.version()


def test_a_run_that_is_asked_for_raw_alone_says_that_the_file_was_refused(home: Home) -> None:
    batch = home.drop("a.csv", UNREADABLE)
    home.instance.add_dynamic_partitions(DATASET, [batch])
    home.definitions().resolve_job_def("orders_batches").execute_in_process(
        instance=home.instance,
        asset_selection=[asset_key(DATASET, Layer.RAW)],
        partition_key=batch,
        run_config=QUIET,
    )
    assert home.states()[batch].state == "refused"


def test_a_more_lenient_gate_publishes_what_was_refused(home: Home) -> None:
    batch = home.drop("a.csv", rows(10, broken=6))
    home.settle()
    assert home.states()[batch].state == "refused"
    add_contract(home.settings, contract_text("1.1.0", percent=60))
    replay(home, from_layer=Layer.ANONYMIZED)
    state = home.states()[batch]
    assert (state.state, state.published, state.why) == ("published", 4, "")
    assert home.violations() == []


@pytest.mark.parametrize("layer", [None, Layer.ANONYMIZED])
def test_a_stricter_gate_withdraws_what_was_published(home: Home, layer: Layer | None) -> None:
    good, bad = home.drop("a.csv", rows(10)), home.drop("b.csv", rows(10, broken=4))
    home.settle()
    add_contract(home.settings, contract_text("1.1.0", percent=10))
    replay(home, from_layer=layer)
    states = {batch: (s.state, s.published) for batch, s in home.states().items()}
    assert states == {good: ("published", 10), bad: ("refused", None)}
    assert home.query(Layer.PUBLISHED, "SELECT DISTINCT _batch_id FROM t") == [(good,)]
    (event,) = home.events(Layer.PUBLISHED)
    assert (event["lakehouse/event"], event["batch"], event["actor"]) == (
        "DataUnpublished",
        bad,
        "ada",
    )
    assert "40.00 %" in event["why"]
    assert home.violations() == []


def test_a_contract_edited_while_a_run_is_on_does_not_change_that_run(home: Home) -> None:
    batch = home.drop("a.csv", rows(10, broken=2))
    contract = ContractStore(home.settings.contracts).active(DATASET)
    with open_lake(home.settings.home, threads=1) as lake:
        outcomes = process(lake, contract, [batch])
        first = next(outcomes)
        assert isinstance(first, LayerWritten)
        assert first.layer is Layer.RAW
        home.contract("edited: while a run is on\n")
        done = [one for one in outcomes if isinstance(one, LayerWritten)]
    assert [(one.layer.value, one.records) for one in done] == [
        ("quarantined", 2),
        ("validated", 8),
        ("anonymized", 8),
        ("published", 8),
    ]


def test_a_type_changed_in_the_contract_refuses_new_batches_and_changes_nothing(home: Home) -> None:
    home.drop("a.csv", rows(3))
    home.settle()
    before = home.content()
    add_contract(home.settings, contract_text("2.0.0", amount=TEXT))
    batch = home.drop("b.csv", rows(4, broken=1))
    (result,) = home.start(home.tick().run_requests or (), raise_on_error=False)
    assert not result.success
    assert [state.state for state in home.states().values()] == ["published", "failed"]
    assert "its run ended with an error" in home.states()[batch].why
    halves = (Layer.QUARANTINED, Layer.VALIDATED, Layer.ANONYMIZED, Layer.PUBLISHED)
    assert {layer: home.content()[layer] for layer in halves} == {
        layer: before[layer] for layer in halves
    }
    assert home.violations() == []
    replay(home)
    assert [state.published for state in home.states().values()] == [3, 3]
    assert home.violations() == []


def test_a_changed_type_refuses_the_replay_of_one_batch_and_changes_nothing(home: Home) -> None:
    batch = home.drop("a.csv", rows(3, broken=1))
    home.drop("b.csv", rows(4))
    home.settle()
    before = home.content()
    add_contract(home.settings, contract_text("2.0.0", amount=TEXT))
    with pytest.raises(Exception, match="lakehouse replay orders"):
        replay(home, batch)
    assert home.content() == before
    assert home.violations() == []


def test_a_changed_type_is_rebuilt_also_when_the_batches_take_several_runs(home: Home) -> None:
    home.drop("a.csv", rows(3))
    home.drop("b.csv", UNREADABLE)
    home.drop("c.csv", rows(4))
    home.settle()
    add_contract(home.settings, contract_text("2.0.0", amount=TEXT))
    replay(home)
    assert [state.published for state in home.states().values()] == [3, None, 4]
    assert home.violations() == []
