from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.model import Contract, Deletes, Publish
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.amend import amend
from lakehouse_pipeline.pipeline.inputs import Decision, Inputs
from lakehouse_pipeline.pipeline.lake import open_lake
from lakehouse_pipeline.pipeline.outcomes import LayerWritten
from lakehouse_pipeline.pipeline.process import process
from lakehouse_pipeline_tests.contracts.contract_text import contract_of
from lakehouse_pipeline_tests.pipelines import drop, records, take

COLUMNS = """\
      - {name: id, logicalType: integer, primaryKey: true}
      - {name: op, logicalType: string}
      - {name: amount, logicalType: integer}
"""
FIRST = "id,op,amount\n1,I,10\n2,I,20\n3,I,30\n"
SECOND = "id,op,amount\n2,U,21\n4,I,40\n"
THIRD = "id,op,amount\n1,D,\n2,U,22\n"


@pytest.fixture
def contract() -> Contract:
    publish = Publish(mode="upsert", deletes=Deletes("op", ("D",)))
    return replace(contract_of(COLUMNS), publish=publish)


def published(home: Path, contract: Contract) -> dict[int, int]:
    found = records(home, contract, Layer.PUBLISHED)
    assert len({row["id"] for row in found}) == len(found)
    return {row["id"]: row["amount"] for row in found}


def put(home: Path, contract: Contract) -> list[str]:
    names = (("a.csv", FIRST), ("b.csv", SECOND), ("c.csv", THIRD))
    return [drop(home, contract, name, text) for name, text in names]


def test_the_batch_that_arrived_last_wins_a_key_and_may_delete_it(
    tmp_path: Path, contract: Contract
) -> None:
    batches = put(tmp_path, contract)
    for count in (1, 2, 3):
        with open_lake(tmp_path) as lake:
            new = batches[count - 1 : count]
            list(process(lake, contract, new, arrived=batches[:count]))
    assert published(tmp_path, contract) == {2: 22, 3: 30, 4: 40}


def test_all_batches_at_once_give_what_one_after_the_other_gives(
    tmp_path: Path, contract: Contract
) -> None:
    take(tmp_path, contract, put(tmp_path, contract))
    assert published(tmp_path, contract) == {2: 22, 3: 30, 4: 40}


def test_an_older_batch_that_is_replayed_does_not_win(tmp_path: Path, contract: Contract) -> None:
    batches = put(tmp_path, contract)
    take(tmp_path, contract, batches)
    with open_lake(tmp_path) as lake:
        list(process(lake, contract, batches[:1], arrived=batches))
    assert published(tmp_path, contract) == {2: 22, 3: 30, 4: 40}


def test_a_batch_that_is_held_gives_its_keys_back(tmp_path: Path, contract: Contract) -> None:
    batches = put(tmp_path, contract)
    take(tmp_path, contract, batches)
    with open_lake(tmp_path) as lake:
        decision = Decision(datetime(2026, 1, 1, tzinfo=UTC), "sam", "wrong month")
        Inputs(lake, contract.dataset, batches[2], decision).hold()
        outcomes = list(amend(lake, contract, batches[2], batches))
    rewritten = {
        o.batch for o in outcomes if isinstance(o, LayerWritten) and o.layer == "published"
    }
    assert rewritten == {batches[0], batches[1]}
    assert published(tmp_path, contract) == {1: 10, 2: 21, 3: 30, 4: 40}
