"""Erasure without Dagster: who counts as the subject, and what older layers and logs hold."""

import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from deltalake import DeltaTable

from lakehouse_pipeline.contracts.load import load_text
from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.lake.byte_search import search
from lakehouse_pipeline.lake.delta_log import forget_values
from lakehouse_pipeline.lake.unicode_forms import unicode_forms
from lakehouse_pipeline.lake.vault import Vault
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.pipeline.erase import Erasing, FileGone
from lakehouse_pipeline.pipeline.lake import open_lake
from lakehouse_pipeline.pipeline.subject_forms import forms_of
from lakehouse_pipeline_tests.contracts.contract_text import PATH, contract_of, contract_text
from lakehouse_pipeline_tests.pipelines import drop, records, take

SUBJECT = "ada@example.org"


def contract_with(column: str, top: str = "") -> Contract:
    mark = (
        "classification: personal, customProperties: [{property: subject, value: true}, "
        "{property: anonymize, value: {technique: hash}}]"
    )
    return contract_of(
        "      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, "
        "required: true, unique: true}\n"
        f"      - {{name: who, {column}, {mark}}}\n",
        top=top,
    )


TEXT = contract_with("logicalType: string")
UPSERT = contract_with(
    "logicalType: string",
    "customProperties: [{property: publish, value: {mode: upsert}}]\n",
)


def erase(
    home: Path,
    contract: Contract,
    subject: str = SUBJECT,
    arrived: tuple[str, ...] = (),
    told: list[FileGone] | None = None,
) -> dict[str, list[int]]:
    note = (told if told is not None else []).append
    with open_lake(home) as lake:
        kinds = [column.type for column in contract.columns if column.subject]
        lake.subjects.add(contract.dataset, "1", forms_of(lake, subject, kinds))
        return Erasing(lake, [contract], "1", arrived, note, home / "exports").run()


@pytest.mark.parametrize(
    ("column", "given", "written", "others"),
    [
        ("logicalType: string", "Ada", ["Ada"], ["ada", "Ada ", "Adam", ""]),
        ("logicalType: integer", "7", ["7", "07", "7.0"], ["70", "-7", "77", "x"]),
        ("logicalType: number", "7.50", ["7.5", "7.500", "7.50"], ["75", "7.51"]),
        ("logicalType: number", "0", ["-0.0", "0.0", "0"], ["-0.5", "10"]),
        ("logicalType: date", "2026-01-02", ["2026-01-02"], ["2026-02-01", "2026-01-03"]),
    ],
)
def test_the_subject_is_the_exact_text_or_the_same_value(
    tmp_path: Path, column: str, given: str, written: list[str], others: list[str]
) -> None:
    contract = contract_with(column)
    lines = [f"{n},{text}\n" for n, text in enumerate([*written, *others], 1)]
    batch = drop(tmp_path, contract, "a.csv", "id,who\n" + "".join(lines))
    take(tmp_path, contract, [batch])
    assert erase(tmp_path, contract, given) == {batch: list(range(1, len(written) + 1))}
    assert [r["who"] for r in records(tmp_path, contract, Layer.RAW)] == others


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_subject_is_found_however_unicode_writes_its_accents(
    tmp_path: Path, form: Literal["NFC", "NFD"]
) -> None:
    contract = tokenizing(tmp_path, "visits")
    forms = unicode_forms("Zoë Ångström")
    lines = f"id,who,phone\n1,{forms[0]},1\n2,{forms[1]},2\n3,Zoe Angstrom,3\n4,{forms[1]},,\n"
    batch = drop(tmp_path, contract, "a.csv", lines)
    take(tmp_path, contract, [batch])
    asked = unicodedata.normalize(form, forms[0])
    assert search([tmp_path], asked).found == search([tmp_path], forms[0]).found != ()
    assert erase(tmp_path, contract, asked) == {batch: [1, 2, 4]}
    assert [search([tmp_path], one).found for one in forms] == [(), ()]


@pytest.mark.parametrize(
    ("subject", "broken"),
    [
        ("Mary O'Hara", "3,Mary O'Hara,too many\n"),
        ('Ann "Nan" Lee', '3,"Ann ""Nan"" Lee",too many\n'),
        ("Lovelace, Ada", '3,"Lovelace, Ada",too many\n'),
        ("Jürgen Größe", "3, Jürgen Größe ,too many\n"),
        ("7", "3,007,too many\n"),
        ("O'Neil", "3,\"O'Neil\n"),
        ("O'Neil", "3;O'Neil;too many\n"),
        ("Ann\nLee", '3,"Ann\nLee",too many\n'),
        (" Ann Lee", "3, Ann Lee,too many\n"),
    ],
)
def test_a_subject_is_found_in_a_record_that_could_not_be_split(
    tmp_path: Path, subject: str, broken: str
) -> None:
    contract = contract_with("logicalType: string")
    batch = drop(tmp_path, contract, "a.csv", f"id,who\n1,bob\n2,ob,x\n{broken}")
    take(tmp_path, contract, [batch])
    assert erase(tmp_path, contract, subject) == {batch: [3]}
    file = tmp_path / "landing" / contract.dataset / "a.csv"
    assert file.read_text() == "id,who\n1,bob\n2,ob,x\n"


@pytest.mark.parametrize(
    ("subject", "encoding"),
    [
        ("Jürgen Größe", "latin-1"),
        ("Mary O\u2019Hara", "cp1252"),
        ("Łukasz Żak", "cp1250"),
        ("Иван", "cp1251"),
        ("山田太郎", "shift_jis"),
    ],
)
def test_a_subject_is_found_in_a_record_of_another_encoding_than_the_contracts(
    tmp_path: Path, subject: str, encoding: str
) -> None:
    contract = contract_with("logicalType: string")
    text = b"id,who\n1,bob\n" + f"2,{subject}\n".encode(encoding)
    batch = drop(tmp_path, contract, "a.csv", text)
    take(tmp_path, contract, [batch])
    assert erase(tmp_path, contract, subject) == {batch: [2]}
    file = tmp_path / "landing" / contract.dataset / "a.csv"
    assert file.read_text() == "id,who\n1,bob\n"


@pytest.mark.parametrize(
    ("column", "subject", "written", "other"),
    [
        ("logicalType: string", SUBJECT, SUBJECT, "bob"),
        ("logicalType: number", "-0", "-0.0", "0.5"),
    ],
)
def test_a_record_that_only_published_still_holds_is_found_by_its_pseudonym(
    tmp_path: Path, column: str, subject: str, written: str, other: str
) -> None:
    contract = contract_with(column)
    batch = drop(tmp_path, contract, "a.csv", f"id,who\n1,{written}\n2,{other}\n")
    take(tmp_path, contract, [batch])
    with open_lake(tmp_path) as lake:
        for layer in (Layer.RAW, Layer.QUARANTINED, Layer.VALIDATED):
            lake.tables.remove(contract.dataset, layer, [batch])
    (tmp_path / "landing" / contract.dataset / "a.csv").unlink()
    assert erase(tmp_path, contract, subject) == {batch: [1]}
    assert [r["id"] for r in records(tmp_path, contract, Layer.PUBLISHED)] == [2]


def test_an_older_record_of_the_key_is_published_again_when_the_newest_is_erased(
    tmp_path: Path,
) -> None:
    old = drop(tmp_path, UPSERT, "a.csv", "id,who\n1,bob\n2,eve\n")
    new = drop(tmp_path, UPSERT, "b.csv", f"id,who\n1,{SUBJECT}\n")
    take(tmp_path, UPSERT, [old, new])
    assert erase(tmp_path, UPSERT, arrived=(old, new)) == {new: [1]}
    published = records(tmp_path, UPSERT, Layer.PUBLISHED)
    assert [(r["_batch_id"], r["id"]) for r in published] == [(old, 1), (old, 2)]


def test_a_predicate_that_another_tool_left_in_a_log_goes_with_its_older_part(
    tmp_path: Path,
) -> None:
    batch = drop(tmp_path, TEXT, "a.csv", f"id,who\n1,{SUBJECT}\n2,bob\n")
    take(tmp_path, TEXT, [batch])
    with open_lake(tmp_path) as lake:
        raw = lake.tables.path(TEXT.dataset, Layer.RAW)
    assert not forget_values(raw)
    DeltaTable(raw).delete(f"who = '{SUBJECT}'")
    take(tmp_path, TEXT, [batch])
    assert "_delta_log" in {Path(p.path).parent.name for p in search([raw], SUBJECT).found}
    told: list[FileGone] = []
    erase(tmp_path, TEXT, told=told)
    assert search([tmp_path], SUBJECT).found == ()
    assert [r["who"] for r in records(tmp_path, TEXT, Layer.RAW)] == ["bob"]
    assert "_delta_log/00000000000000000001.json" in [file.name for file in told]


def test_a_file_that_cannot_be_read_any_more_is_deleted_and_raw_stays(tmp_path: Path) -> None:
    batch = drop(tmp_path, TEXT, "a.csv", f"id,who\n1,{SUBJECT}\n2,bob\n")
    take(tmp_path, TEXT, [batch])
    renamed = contract_of(
        "      - {name: nr, logicalType: integer}\n"
        "      - {name: who, logicalType: string, classification: personal, customProperties: "
        "[{property: subject, value: true}, {property: anonymize, value: {technique: drop}}]}\n"
    )
    assert erase(tmp_path, renamed) == {batch: [1]}
    assert not (tmp_path / "landing" / TEXT.dataset / "a.csv").exists()
    assert [r["who"] for r in records(tmp_path, TEXT, Layer.RAW)] == ["bob"]


def tokenizing(home: Path, dataset: str) -> Contract:
    """Register a contract whose subjects have their tokens in a vault with those of others."""
    text = contract_text(
        "      - {name: id, logicalType: integer}\n"
        "      - {name: who, logicalType: string, classification: personal, customProperties: "
        "[{property: subject, value: true}, "
        "{property: anonymize, value: {technique: tokenize, vault: persons}}]}\n"
        "      - {name: phone, logicalType: string, classification: personal, customProperties: "
        "[{property: anonymize, value: {technique: tokenize}}]}\n"
    )
    file = home / "contracts" / dataset / "1.0.0.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(text.replace(": orders", f": {dataset}"))
    return load_text(file.read_text(), PATH)


def test_values_that_only_erased_records_had_leave_the_vault_and_all_others_stay(
    tmp_path: Path,
) -> None:
    contract = tokenizing(tmp_path, "visits")
    lines = f"id,who,phone\n1,{SUBJECT},4401\n2,bob,4402\n3,{SUBJECT},4402\n"
    batch = drop(tmp_path, contract, "a.csv", lines)
    take(tmp_path, contract, [batch])
    kept = records(tmp_path, contract, Layer.ANONYMIZED)[1]
    told: list[FileGone] = []
    assert erase(tmp_path, contract, told=told) == {batch: [1, 3]}
    assert [file.name for file in told if file.place == "vault"] == ["tokens.sqlite"]
    assert search([tmp_path], SUBJECT).found == ()
    assert search([tmp_path], "4401").found == ()
    vault = Vault(tmp_path / "vault")
    values = [vault.value(kept[name]) for name in ("who", "phone")]
    assert values == [("persons", "bob"), ("visits.phone", "4402")]


def test_a_token_that_another_dataset_needs_stays_until_it_is_erased_there(tmp_path: Path) -> None:
    one, other = (tokenizing(tmp_path, name) for name in ("visits", "letters"))
    for contract in (one, other):
        take(
            tmp_path,
            contract,
            [drop(tmp_path, contract, "a.csv", f"id,who,phone\n1,{SUBJECT},1\n")],
        )
    (published,) = records(tmp_path, other, Layer.PUBLISHED)
    erase(tmp_path, one)
    assert Vault(tmp_path / "vault").value(published["who"]) == ("persons", SUBJECT)
    erase(tmp_path, other)
    assert search([tmp_path], SUBJECT).found == ()


def test_a_record_that_only_published_still_holds_is_found_by_its_token(tmp_path: Path) -> None:
    contract = tokenizing(tmp_path, "visits")
    batch = drop(tmp_path, contract, "a.csv", f"id,who,phone\n1,{SUBJECT},4401\n2,bob,4402\n")
    take(tmp_path, contract, [batch])
    with open_lake(tmp_path) as lake:
        for layer in (Layer.RAW, Layer.QUARANTINED, Layer.VALIDATED, Layer.ANONYMIZED):
            lake.tables.remove(contract.dataset, layer, [batch])
    assert erase(tmp_path, contract) == {batch: [1]}
    assert [r["id"] for r in records(tmp_path, contract, Layer.PUBLISHED)] == [2]
    assert search([tmp_path / "vault"], "4401").found == ()


def test_a_value_of_the_vault_goes_when_nothing_else_is_left_of_the_subject(tmp_path: Path) -> None:
    contract = tokenizing(tmp_path, "visits")
    batch = drop(tmp_path, contract, "a.csv", f"id,who,phone\n1,{SUBJECT},4401\n2,bob,4402\n")
    take(tmp_path, contract, [batch])
    with open_lake(tmp_path) as lake:
        for layer in Layer:
            lake.tables.remove(contract.dataset, layer, [batch])
    (tmp_path / "landing" / contract.dataset / "a.csv").unlink()
    assert erase(tmp_path, contract) == {}
    assert search([tmp_path / "vault"], SUBJECT).found == ()
    assert search([tmp_path / "vault"], "bob").found != ()
