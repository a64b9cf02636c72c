"""Keys of several columns and foreign keys between columns of different width."""

from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.load import load_text
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.lake import open_lake
from lakehouse_pipeline.pipeline.outcomes import BatchRefused
from lakehouse_pipeline.pipeline.verify import Recorded, verify_dataset
from lakehouse_pipeline_tests.contracts.contract_text import contract_of, contract_text
from lakehouse_pipeline_tests.pipelines import drop, records, take


def quarantined(home: Path, contract: Contract) -> list[tuple[int, list[str]]]:
    return [
        (row["_record"], [reason["rule"] for reason in row["_reasons"]])
        for row in records(home, contract, Layer.QUARANTINED)
    ]


def published(home: Path, columns: str, text: str) -> None:
    """Publish a dataset `places` with these columns and records."""
    path = home / "contracts" / "places" / "1.0.0.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(contract_text(columns).replace("orders", "places"), "utf-8")
    places = load_text(path.read_text(), str(path))
    take(home, places, [drop(home, places, "places.csv", text)])


def test_a_composite_key_of_the_dataset_holds_over_batches_and_not_for_nulls(
    tmp_path: Path,
) -> None:
    scope = "customProperties: [{property: uniqueScope, value: dataset}]"
    key = f"primaryKey: true, {scope}, primaryKeyPosition"
    contract = contract_of(
        f"      - {{name: a, logicalType: integer, {key}: 1}}\n"
        f"      - {{name: b, logicalType: string, {key}: 2}}\n"
    )
    first = drop(tmp_path, contract, "a.csv", "a,b\n1,x\n1,y\n")
    second = drop(tmp_path, contract, "b.csv", "a,b\n1,x\n1,z\n,x\n2,x\n2,x\n")
    take(tmp_path, contract, [first, second])
    assert quarantined(tmp_path, contract) == [
        (1, ["primaryKey"]),
        (3, ["a.required"]),
        (5, ["primaryKey"]),
    ]


def test_a_composite_foreign_key_points_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    columns = (
        "      - {name: country, logicalType: string}\n      - {name: zip, logicalType: string}\n"
    )
    published(tmp_path, columns, "country,zip\nDE,1\nFR,2\n")
    to = "relationships: [{from: [country, zip], to: [places.country, places.zip]}]"
    text = contract_text(columns).replace("    properties:", f"    {to}\n    properties:")
    contract = load_text(text, "orders.yaml")
    batch = drop(tmp_path, contract, "o.csv", "country,zip\nDE,1\nDE,2\n,2\nFR,\nFR,2\n")
    take(tmp_path, contract, [batch])
    assert quarantined(tmp_path, contract) == [(2, ["country_zip.foreignKey"])]


@pytest.mark.parametrize(
    ("wide", "narrow", "held", "asked"),
    [
        (
            "integer, physicalType: BIGINT",
            "integer, physicalType: INTEGER",
            [3000000000, 7],
            {7: True, 8: False},
        ),
        (
            'number, physicalType: "DECIMAL(10,2)"',
            'number, physicalType: "DECIMAL(10,1)"',
            [1.55, 2.5],
            {1.6: False, 1.5: False, 2.5: True},
        ),
    ],
)
def test_a_key_that_does_not_fit_the_pointing_column_is_pointed_to_by_nothing(
    tmp_path: Path,
    wide: str,
    narrow: str,
    held: list[float],
    asked: dict[float, bool],
) -> None:
    published(
        tmp_path,
        f"      - {{name: id, logicalType: {wide}}}\n      - {{name: b, logicalType: string}}\n",
        "id,b\n" + "".join(f"{value},x\n" for value in held),
    )
    contract = contract_of(
        f"      - {{name: place, logicalType: {narrow}, relationships: [{{to: places.id}}]}}\n"
        "      - {name: b, logicalType: string}\n"
    )
    text = "place,b\n" + "".join(f"{value},x\n" for value in asked)
    take(tmp_path, contract, [drop(tmp_path, contract, "o.csv", text)])
    dangling = [n for n, stands in enumerate(asked.values(), start=1) if not stands]
    assert quarantined(tmp_path, contract) == [(n, ["place.foreignKey"]) for n in dangling]


@pytest.mark.parametrize(
    ("key", "pointing", "held", "asked"),
    [
        (
            'number, physicalType: "DECIMAL(10,2)"',
            "integer, physicalType: INTEGER",
            ["7.00", "8.5", "3000000000"],
            {"7": True, "8": False, "9": False, "": True},
        ),
        (
            "integer",
            'number, physicalType: "DECIMAL(4,2)"',
            ["7", "1234"],
            {"7.00": True, "7": True, "7.01": False, "12.34": False},
        ),
        ("number", "integer", ["7", "8.5"], {"7": True, "8": False, "9": False}),
        (
            "integer",
            "number",
            ["7", "9007199254740993"],
            {"7.0": True, "7.5": False, "9007199254740992": False, "9007199254740993": False},
        ),
    ],
)
def test_an_integer_and_a_number_are_compared_as_numbers(
    tmp_path: Path, key: str, pointing: str, held: list[str], asked: dict[str, bool]
) -> None:
    named = "      - {{name: {}, logicalType: {}{}}}\n      - {{name: b, logicalType: string}}\n"
    published(tmp_path, named.format("id", key, ""), "id,b\n" + ",x\n".join([*held, ""]))
    to = ", relationships: [{to: places.id}]"
    contract = contract_of(named.format("place", pointing, to))
    batch = drop(tmp_path, contract, "o.csv", "place,b\n" + ",x\n".join([*asked, ""]))
    take(tmp_path, contract, [batch])
    dangling = [n for n, stands in enumerate(asked.values(), start=1) if not stands]
    assert quarantined(tmp_path, contract) == [(n, ["place.foreignKey"]) for n in dangling]


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        ("name: id, logicalType: string", "'place' is integer, places.id is string"),
        ("name: nr, logicalType: integer", "'places' has no column 'id'"),
    ],
)
def test_a_foreign_key_that_can_point_nowhere_says_to_change_the_contract(
    tmp_path: Path, column: str, problem: str
) -> None:
    published(tmp_path, f"      - {{{column}}}\n", "id\n7\n".replace("id", column[6:8]))
    contract = contract_of(
        "      - {name: place, logicalType: integer, relationships: [{to: places.id}]}\n"
    )
    batch = drop(tmp_path, contract, "o.csv", "place\n7\n")
    (refused,) = [o for o in take(tmp_path, contract, [batch]) if isinstance(o, BatchRefused)]
    (said,) = refused.reasons
    assert said == (
        f"place.foreignKey: {problem}. Nothing of the batch was judged. "
        "Change the relationship in the contract; then replay the batch."
    )


IN_DATASET = "unique: true, customProperties: [{property: uniqueScope, value: dataset}]"


def test_a_batch_that_was_judged_before_another_published_its_key_is_judged_again(
    tmp_path: Path,
) -> None:
    contract = contract_of(f"      - {{name: a, logicalType: integer, {IN_DATASET}}}\n")
    first = drop(tmp_path, contract, "a.csv", "a\n1\n2\n")
    second = drop(tmp_path, contract, "b.csv", "a\n2\n3\n")
    take(tmp_path, contract, [first], [Layer.RAW, Layer.QUARANTINED, Layer.VALIDATED])
    take(tmp_path, contract, [second])
    (refused,) = take(tmp_path, contract, [first], [Layer.ANONYMIZED, Layer.PUBLISHED])
    assert isinstance(refused, BatchRefused)
    since = "since it was judged, others may have published keys that it holds. Judge it again"
    assert refused.reasons == (f"{since}: lakehouse replay orders --batch {first}",)
    take(tmp_path, contract, [first])
    assert sorted(row["a"] for row in records(tmp_path, contract, Layer.PUBLISHED)) == [1, 2, 3]
    take(tmp_path, contract, [first], [Layer.ANONYMIZED, Layer.PUBLISHED])
    assert len(records(tmp_path, contract, Layer.PUBLISHED)) == 3


def test_verify_finds_a_key_of_the_dataset_that_is_published_twice(tmp_path: Path) -> None:
    column = "      - {{name: a, logicalType: integer, {0}}}\n"
    loose, strict = (contract_of(column.format(key)) for key in ("required: false", IN_DATASET))
    batches = [
        drop(tmp_path, loose, f"{name}.csv", text)
        for name, text in (("a", "a\n1\n2\n"), ("b", "a\n2\n\n3\n"), ("c", "a\n4\n"))
    ]
    take(tmp_path, loose, batches)

    def violations(version: str) -> list[tuple[str, str]]:
        said = {
            batch: Recorded("published", None, None, None, contract_version=version)
            for batch in batches
        }
        with open_lake(tmp_path) as lake:
            found = verify_dataset(lake, strict, said)
        return [(one.batch, one.message) for one in found if "whose key" in one.message]

    assert violations("0.9.0") == []
    message = "published holds 1 records whose key (a.unique) another one has"
    assert violations(strict.version) == [(batches[0], message), (batches[1], message)]
