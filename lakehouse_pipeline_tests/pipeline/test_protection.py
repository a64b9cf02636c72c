"""k, l and t of published data: as an independent library measures them, and what they do."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycanon import anonymity

from lakehouse_pipeline.contracts.model import Column, Contract, Privacy
from lakehouse_pipeline.contracts.types import ColumnType
from lakehouse_pipeline.layers.protection import class_measures, classified, summary
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.outcomes import BatchProtected, BatchRefused
from lakehouse_pipeline.pipeline.protection import ROUNDS
from lakehouse_pipeline_tests.contracts.contract_text import contract_of
from lakehouse_pipeline_tests.pipelines import drop, records, take

MEASURED = Privacy(("a", "b"), 2, 2, 0.5, ("n", "s"))
KINDS = {"a": "string", "b": "string", "n": "integer", "s": "string"}
SQL = {"string": "VARCHAR", "integer": "BIGINT"}
TABLE = Contract(
    "orders",
    "1.0.0",
    "active",
    tuple(Column(name, ColumnType(kind, SQL[kind])) for name, kind in KINDS.items()),
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from("xy"),
        st.sampled_from("pq"),
        st.integers(-3, 12),
        st.sampled_from(["flu", "cold", "gout", "none"]),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_the_measures_are_those_of_pycanon(rows: list[tuple[Any, ...]]) -> None:
    frame = pd.DataFrame(rows, columns=list(KINDS))
    frame["_batch_id"], frame["_record"] = "x", range(len(frame))
    names = list(MEASURED.quasi_identifiers)
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        connection.execute(f"CREATE TABLE c AS {classified(MEASURED, 'frame')}")
        connection.execute(f"CREATE TABLE m AS {class_measures(TABLE, MEASURED, 'c')}")
        measures, sql = summary(MEASURED, "m")
        (row,) = connection.execute(sql).fetchall()
    found = dict(zip(measures, row, strict=True))
    assert found["k"] == anonymity.k_anonymity(frame, names)
    for name in MEASURED.sensitive:
        assert found[f"l/{name}"] == anonymity.l_diversity(frame, names, [name])
        if len(set(frame[name])) > 1:  # it divides by zero there
            expected = anonymity.t_closeness(frame, names, [name])
            assert found[f"t/{name}"] == pytest.approx(expected, abs=1e-9)


COLUMNS = """\
      - {name: id, logicalType: integer, required: true, unique: true}
      - name: zip
        logicalType: string
        classification: personal
        customProperties: [{property: anonymize, value: {technique: generalize, prefix: 2}}]
      - name: born
        logicalType: date
        classification: personal
        customProperties: [{property: anonymize, value: {technique: generalize, to: decade}}]
      - {name: illness, logicalType: string}
"""
HEADER = "id,zip,born,illness\n"
GROUP = "10115,1980-01-01,flu", "10999,1985-05-05,cold", "10200,1989-12-31,flu"
ALONE = "80331,1999-01-01,gout"


def promising(below: str = "suppress", more: str = "") -> Contract:
    value = f"{{quasiIdentifiers: [zip, born], k: 3, below: {below}{more}}}"
    top = (
        "customProperties:\n  - {property: compliance, value: gdpr}\n"
        f"  - {{property: privacy, value: {value}}}\n"
    )
    return contract_of(COLUMNS, top=top)


def csv(*lines: str, first: int = 1) -> str:
    return HEADER + "".join(f"{n},{line}\n" for n, line in enumerate(lines, start=first))


def test_records_of_small_groups_are_withheld_and_counted(tmp_path: Path) -> None:
    contract = promising()
    outcomes = take(tmp_path, contract, [drop(tmp_path, contract, "a.csv", csv(*GROUP, ALONE))])
    (protected,) = [o for o in outcomes if isinstance(o, BatchProtected)]
    assert (protected.withheld, protected.broken) == (1, "")
    assert protected.measures == {"privacy/k": 3.0, "privacy/published/k": 3.0}
    published = records(tmp_path, contract, Layer.PUBLISHED)
    assert [row["_record"] for row in published] == [1, 2, 3]
    assert {(row["zip"], row["born"]) for row in published} == {("10", "1980s")}
    assert len(records(tmp_path, contract, Layer.ANONYMIZED)) == 4


def test_a_batch_with_a_small_group_is_refused_where_the_contract_says_so(tmp_path: Path) -> None:
    contract = promising("refuse")
    outcomes = take(tmp_path, contract, [drop(tmp_path, contract, "a.csv", csv(*GROUP, ALONE))])
    (refused,) = [o for o in outcomes if isinstance(o, BatchRefused)]
    assert refused.reasons == (
        "privacy: the batch has k = 1, expected at least 3",
        "1 group of records breaks it.",
    )
    assert records(tmp_path, contract, Layer.PUBLISHED) == []
    assert not any("80331" in reason for reason in refused.reasons)


def test_groups_without_enough_sensitive_values_are_withheld(tmp_path: Path) -> None:
    contract = promising(more=", l: 2, sensitive: [illness]")
    alike = ["80331,1999-01-01,gout"] * 4
    outcomes = take(tmp_path, contract, [drop(tmp_path, contract, "a.csv", csv(*GROUP, *alike))])
    (protected,) = [o for o in outcomes if isinstance(o, BatchProtected)]
    assert protected.withheld == 4
    assert protected.measures["privacy/l/illness"] == 2.0


def test_a_group_that_holds_every_record_has_a_t_of_exactly_zero(tmp_path: Path) -> None:
    contract = promising(more=", t: 0.2, sensitive: [illness]")
    text = csv(*(f"10115,1980-01-01,illness {n % 28}" for n in range(40)))
    outcomes = take(tmp_path, contract, [drop(tmp_path, contract, "a.csv", text)])
    (protected,) = [o for o in outcomes if isinstance(o, BatchProtected)]
    assert protected.measures["privacy/t/illness"] == 0
    assert protected.measures["privacy/published/t/illness"] == 0


def test_withholding_for_t_goes_on_until_every_group_is_close(tmp_path: Path) -> None:
    contract = promising(more=", t: 0.2, sensitive: [illness]")
    close = ["20095,1970-01-01,flu", "20095,1971-01-01,cold", "20095,1972-01-01,flu"]
    far = ["80331,1999-01-01,gout"] * 3
    text = csv(*GROUP, *close, *far)
    outcomes = take(tmp_path, contract, [drop(tmp_path, contract, "a.csv", text)])
    (protected,) = [o for o in outcomes if isinstance(o, BatchProtected)]
    assert protected.measures["privacy/t/illness"] <= 0.2
    assert {row["zip"] for row in records(tmp_path, contract, Layer.PUBLISHED)} <= {"10", "20"}
    assert protected.withheld == 9 - len(records(tmp_path, contract, Layer.PUBLISHED))


def test_a_group_that_is_far_only_because_of_small_ones_is_not_withheld(tmp_path: Path) -> None:
    contract = promising(more=", t: 0.3, sensitive: [illness]")
    ill = ("flu", "flu", "cold")
    alike = [f"{area}115,1980-01-01,{illness}" for area in (10, 20) for illness in ill]
    small = [f"{area}115,1980-01-01,gout" for area in range(30, 36) for _ in range(2)]
    take(tmp_path, contract, [drop(tmp_path, contract, "a.csv", csv(*alike, *small))])
    assert len(records(tmp_path, contract, Layer.PUBLISHED)) == len(alike)


def apart(groups: int) -> str:
    """Return records of so many groups, each with an illness of its own, each one record larger.

    The smallest is the farthest from all, and no two are close: one group is withheld after the
    other, until the largest is alone.
    """
    lines = [f"{10 + n}115,1980-01-01,i{n}" for n in range(groups) for _ in range(3 + n)]
    return csv(*lines)


def test_withholding_for_t_goes_on_as_often_as_the_docs_say(tmp_path: Path) -> None:
    contract = promising(more=", t: 0.3, sensitive: [illness]")
    outcomes = take(tmp_path, contract, [drop(tmp_path, contract, "a.csv", apart(51))])
    (protected,) = [o for o in outcomes if isinstance(o, BatchProtected)]
    assert (protected.broken, protected.withheld) == ("", sum(range(3, 53)))
    assert {row["zip"] for row in records(tmp_path, contract, Layer.PUBLISHED)} == {"60"}
    page = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text("utf-8")
    assert f"{ROUNDS} times at most" in page


def test_a_batch_whose_groups_stay_far_apart_is_refused_in_the_end(tmp_path: Path) -> None:
    contract = promising(more=", t: 0.3, sensitive: [illness]")
    batch = drop(tmp_path, contract, "a.csv", apart(52))
    outcomes = take(tmp_path, contract, [batch])
    (refused,) = [o for o in outcomes if isinstance(o, BatchRefused)]
    assert (refused.batch, refused.reasons) == (
        batch,
        (
            "privacy: the batch has t = 0.5047 of illness, expected at most 0.3",
            "2 groups of records break it.",
            "Groups of records were withheld 50 times before, the farthest first.",
        ),
    )
    assert records(tmp_path, contract, Layer.PUBLISHED) == []


def test_of_a_batch_in_which_everybody_stands_alone_nothing_is_published(tmp_path: Path) -> None:
    contract = promising(more=", l: 2, t: 0.3, sensitive: [illness]")
    batch = drop(tmp_path, contract, "a.csv", csv(GROUP[0], ALONE))
    outcomes = take(tmp_path, contract, [batch])
    (protected,) = [o for o in outcomes if isinstance(o, BatchProtected)]
    assert (protected.withheld, protected.broken, protected.measures) == (2, "", {})
    assert [o for o in outcomes if isinstance(o, BatchRefused)] == []
    assert records(tmp_path, contract, Layer.PUBLISHED) == []


PEOPLE = st.lists(
    st.tuples(
        st.sampled_from(["10115", "10999", "80331"]),
        st.sampled_from(["1980-01-01", "1989-05-05", "1999-01-01"]),
        st.sampled_from(["flu", "cold", "gout"]),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=12, deadline=None)
@given(people=PEOPLE)
@pytest.mark.parametrize("t", [None, 0.25])
def test_what_is_published_of_drawn_people_keeps_every_promise(
    people: list[tuple[str, str, str]], t: float | None
) -> None:
    asked = f", l: 2, sensitive: [illness]{f', t: {t}' if t else ''}"
    contract = promising(more=asked)
    with TemporaryDirectory() as folder:
        home = Path(folder)
        batch = drop(home, contract, "a.csv", csv(*(",".join(one) for one in people)))
        take(home, contract, [batch])
        shown = pd.DataFrame(records(home, contract, Layer.PUBLISHED))
    groups = [(n, person[2], (person[0][:2], person[1][:3])) for n, person in enumerate(people, 1)]
    kept = set()
    for n, _, group in groups:
        illnesses = [illness for _, illness, other in groups if other == group]
        if len(illnesses) >= 3 and len(set(illnesses)) >= 2:
            kept.add(n)
    published = set(shown["id"]) if len(shown) else set()
    assert published == kept if t is None else published <= kept
    if published:
        names = ["zip", "born"]
        assert anonymity.k_anonymity(shown, names) >= 3
        assert anonymity.l_diversity(shown, names, ["illness"]) >= 2
        assert t is None or anonymity.t_closeness(shown, names, ["illness"]) <= t + 1e-9


def test_a_batch_that_moves_the_distribution_of_published_too_far_is_refused(
    tmp_path: Path,
) -> None:
    contract = promising(more=", t: 0.3, sensitive: [illness]")
    first = drop(tmp_path, contract, "a.csv", csv(*GROUP))
    take(tmp_path, contract, [first])
    other = csv(*["80331,1999-01-01,gout"] * 3, first=10)
    second = drop(tmp_path, contract, "b.csv", other)
    outcomes = take(tmp_path, contract, [second])
    (refused,) = [o for o in outcomes if isinstance(o, BatchRefused)]
    assert refused.reasons[0].startswith("privacy: published has t = 0.5 of illness")
    assert {row["_batch_id"] for row in records(tmp_path, contract, Layer.PUBLISHED)} == {first}


def test_two_batches_of_one_run_are_measured_together(tmp_path: Path) -> None:
    contract = promising(more=", t: 0.3, sensitive: [illness]")
    first = drop(tmp_path, contract, "a.csv", csv(*GROUP))
    second = drop(tmp_path, contract, "b.csv", csv(*["80331,1999-01-01,gout"] * 3, first=10))
    outcomes = take(tmp_path, contract, [first, second])
    assert [o.batch for o in outcomes if isinstance(o, BatchRefused)] == [second]
    again = take(tmp_path, contract, [first])
    assert [o.withheld for o in again if isinstance(o, BatchProtected)] == [0]
