"""The folder of contracts: what is active, what is refused, and how a contract gets in."""

import threading
from pathlib import Path

import pytest

from lakehouse_pipeline.errors import (
    ContractError,
    ContractVersionExistsError,
    NoActiveVersionError,
    UnknownDatasetError,
    UnreadableContractError,
)
from lakehouse_pipeline.lake.contract_store import ContractStore


def contract(dataset: str = "orders", version: str = "1.0.0", status: str = "active") -> str:
    """Return the text of a sound contract with one column."""
    return f"""\
apiVersion: v3.1.0
kind: DataContract
id: {dataset}
name: {dataset}
version: {version}
status: {status}
schema:
  - name: {dataset}
    properties:
      - {{name: id, logicalType: integer}}
"""


def write(root: Path, name: str, text: str) -> Path:
    """Write a file under `root`, with the folders that lead to it."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refusals(root: Path) -> list[str]:
    """Return every problem of every refused file, with paths from `root`."""
    _, refused = ContractStore(root).survey()
    return [
        f"{file.dataset}: {problem}".replace(f"{root}/", "")
        for file in refused
        for problem in file.problems
    ]


def active_versions(root: Path) -> dict[str, str]:
    """Return the version of each active contract by its dataset."""
    contracts, _ = ContractStore(root).survey()
    return {found.dataset: found.version for found in contracts}


def test_a_folder_that_is_not_there_yet_has_no_contracts(tmp_path: Path) -> None:
    store = ContractStore(tmp_path / "contracts")
    assert store.datasets() == []
    assert store.survey() == ([], [])


def test_the_versions_are_sorted_by_their_numbers(tmp_path: Path) -> None:
    for version in ("1.10.0", "1.9.0", "2.0.0-rc.2", "2.0.0-rc.10", "2.0.0", "2.0.0-beta"):
        write(tmp_path, f"orders/{version}.yaml", contract(version=version))
    versions = [version for version, _ in ContractStore(tmp_path).versions("orders")]
    assert versions == ["1.9.0", "1.10.0", "2.0.0-beta", "2.0.0-rc.2", "2.0.0-rc.10", "2.0.0"]
    assert ContractStore(tmp_path).active("orders").version == "2.0.0"


@pytest.mark.parametrize("status", ["draft", "proposed", "approved", "deprecated", "retired"])
def test_only_an_active_version_is_processed(tmp_path: Path, status: str) -> None:
    write(tmp_path, "orders/1.0.0.yaml", contract())
    write(tmp_path, "orders/2.0.0.yaml", contract(version="2.0.0", status=status))
    assert ContractStore(tmp_path).active("orders").version == "1.0.0"
    assert refusals(tmp_path) == []


def test_a_dataset_without_an_active_version_says_so(tmp_path: Path) -> None:
    write(tmp_path, "orders/1.0.0.yaml", contract(status="draft"))
    way = "Activate one with: lakehouse contract activate orders 1.0.0 "
    with pytest.raises(NoActiveVersionError, match=f"no version of 'orders' is active. {way}"):
        ContractStore(tmp_path).active("orders")
    assert ContractStore(tmp_path).survey() == ([], [])


def test_an_unknown_dataset_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "orders/1.0.0.yaml", contract())
    with pytest.raises(UnknownDatasetError, match=r"Did you mean 'orders'\? Registered: orders\."):
        ContractStore(tmp_path).active("ordres")
    with pytest.raises(UnknownDatasetError, match=r"unknown dataset '\.\./orders'"):
        ContractStore(tmp_path / "orders").versions("../orders")


def test_a_broken_newest_version_is_refused_and_the_older_stays_active(tmp_path: Path) -> None:
    write(tmp_path, "orders/1.0.0.yaml", contract())
    write(tmp_path, "orders/2.0.0.yaml", contract(version="2.0.0").replace("integer", "intger"))
    assert ContractStore(tmp_path).active("orders").version == "1.0.0"
    assert refusals(tmp_path) == [
        (
            "orders: orders/2.0.0.yaml:10:33: unknown logicalType 'intger'. Did "
            "you mean 'integer'? "
            "Known: string, integer, number, boolean, date, timestamp, time"
        )
    ]


def test_a_broken_file_never_hides_another_dataset(tmp_path: Path) -> None:
    write(tmp_path, "orders/1.0.0.yaml", contract())
    write(tmp_path, "broken/1.0.0.yaml", "a: [\n")
    assert active_versions(tmp_path) == {"orders": "1.0.0"}
    assert ContractStore(tmp_path).datasets() == ["broken", "orders"]
    with pytest.raises(ContractError, match=r"broken/1\.0\.0\.yaml:2:1: not valid YAML"):
        ContractStore(tmp_path).active("broken")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "orders/1.0.1.yaml",
            contract(),
            (
                "orders: orders/1.0.1.yaml:1:1: the file holds version 1.0.0; expected the name "
                "1.0.0.yaml"
            ),
        ),
        (
            "orders/1.0.0.yml",
            contract(),
            (
                "orders: orders/1.0.0.yml:1:1: the file holds version 1.0.0; expected the name "
                "1.0.0.yaml"
            ),
        ),
        (
            "other/1.0.0.yaml",
            contract(),
            (
                "other: other/1.0.0.yaml:1:1: the contract of 'orders' stands in "
                "the folder 'other'; "
                "register it with: lakehouse contract add"
            ),
        ),
        (
            "orders.yaml",
            contract(),
            (
                "orders: orders.yaml:1:1: stands outside a dataset's folder; register it with: "
                "lakehouse contract add"
            ),
        ),
    ],
)
def test_a_file_in_the_wrong_place_is_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    write(tmp_path, name, text)
    assert refusals(tmp_path) == [message]
    assert active_versions(tmp_path) == {}


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "orders/1.0.0.yaml", contract())
    (tmp_path / "orders" / "2.0.0.yaml").mkdir()
    (tmp_path / "orders" / "3.0.0.yaml").symlink_to(tmp_path / "gone.yaml")
    (tmp_path / "orders" / "4.0.0.yaml").write_bytes(b"# \xff\n")
    assert refusals(tmp_path) == [
        "orders: orders/2.0.0.yaml:1:1: cannot be read: Is a directory",
        "orders: orders/3.0.0.yaml:1:1: cannot be read: No such file or directory",
        "orders: orders/4.0.0.yaml:1:3: not UTF-8; save the file in that encoding",
    ]
    assert active_versions(tmp_path) == {"orders": "1.0.0"}


def test_hidden_and_foreign_files_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, "orders/1.0.0.yaml", contract())
    write(tmp_path, "orders/.2.0.0.yaml", "a: [")
    write(tmp_path, "orders/README.md", "notes")
    write(tmp_path, ".git/1.0.0.yaml", "a: [")
    (tmp_path / "empty").mkdir()
    assert refusals(tmp_path) == []
    assert ContractStore(tmp_path).datasets() == ["orders"]


def test_a_contract_edited_after_it_was_read_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, "orders/1.0.0.yaml", contract())
    store = ContractStore(tmp_path)
    first = store.active("orders")
    assert store.active("orders") is first
    path.write_text(contract().replace("integer", "string"), encoding="utf-8")
    assert store.active("orders").column("id").type.logical == "string"


def test_an_added_contract_is_there_byte_for_byte(tmp_path: Path) -> None:
    text = contract().replace("\n", "\r\n")
    source = tmp_path / "my orders.yaml"
    source.write_bytes(text.encode())
    store = ContractStore(tmp_path / "contracts")
    added = store.add(source)
    target = tmp_path / "contracts" / "orders" / "1.0.0.yaml"
    assert target.read_bytes() == text.encode()
    assert added == store.active("orders")
    assert added.path == str(target)
    assert sorted(path.name for path in target.parent.iterdir()) == [
        "1.0.0.yaml",
        "life_cycle.jsonl",
    ]
    assert target.stat().st_mode & 0o777 == 0o644


def test_adding_the_same_content_again_changes_nothing(tmp_path: Path) -> None:
    store = ContractStore(tmp_path / "contracts")
    source = write(tmp_path, "orders.yaml", contract())
    store.add(source)
    target = tmp_path / "contracts" / "orders" / "1.0.0.yaml"
    before = target.stat()
    assert store.add(source).version == "1.0.0"
    assert target.stat() == before
    assert store.add(target).version == "1.0.0"


def test_a_registered_version_never_changes(tmp_path: Path) -> None:
    store = ContractStore(tmp_path / "contracts")
    source = write(tmp_path, "orders.yaml", contract())
    store.add(source)
    source.write_text(contract().replace("integer", "string"), encoding="utf-8")
    with pytest.raises(ContractVersionExistsError) as error:
        store.add(source)
    target = tmp_path / "contracts" / "orders" / "1.0.0.yaml"
    assert str(error.value) == (
        "version 1.0.0 of 'orders' is registered with another content "
        "(contracts/orders/1.0.0.yaml). A registered version never changes: raise 'version' in "
        "the file and add it again."
    )
    assert target.read_text(encoding="utf-8") == contract()


def test_a_broken_contract_is_not_added(tmp_path: Path) -> None:
    root = tmp_path / "contracts"
    with pytest.raises(ContractError, match=r"orders\.yaml:6:9: status 'live' is not known"):
        ContractStore(root).add(write(tmp_path, "orders.yaml", contract(status="live")))
    with pytest.raises(UnreadableContractError, match="No such file or directory"):
        ContractStore(root).add(tmp_path / "gone.yaml")
    assert not root.exists()


def test_a_dataset_that_differs_in_case_only_is_not_added(tmp_path: Path) -> None:
    store = ContractStore(tmp_path / "contracts")
    store.add(write(tmp_path, "a.yaml", contract("orders")))
    with pytest.raises(ContractError, match="'Orders' differs from the registered 'orders' only"):
        store.add(write(tmp_path, "b.yaml", contract("Orders")))


def test_of_two_contents_added_at_once_one_is_registered(tmp_path: Path) -> None:
    root = tmp_path / "contracts"
    texts = [contract().replace("id: orders", f"id: orders_{i}") for i in range(8)]
    sources = [write(tmp_path, f"{i}.yaml", text) for i, text in enumerate(texts)]
    outcomes: list[str] = []

    def add(source: Path) -> None:
        try:
            outcomes.append(ContractStore(root).add(source).sha256)
        except ContractVersionExistsError:
            outcomes.append("refused")

    threads = [threading.Thread(target=add, args=(source,)) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("refused") == 7
    assert ContractStore(root).active("orders").sha256 in outcomes
