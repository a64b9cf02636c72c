"""k, l and t of published data: as an independent library measures them, and what they do."""

from pathlib import Path
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
    contract = strict(more=", t: 0.2, sensitive: [illness]")
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
