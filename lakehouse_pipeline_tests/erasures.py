"""What the tests of erasure share: a contract that names a subject, and erasing as people do."""

from pathlib import Path

from lakehouse_pipeline.lake.byte_search import search
from lakehouse_pipeline.lake.erasure_requests import Erasure
from lakehouse_pipeline.orchestration.erasure import ErasureDesk
from lakehouse_pipeline_tests.homes import DATASET, Home, contract_text

SUBJECT = "p3@example.org"


def with_subject(text: str, column: str = "email") -> str:
    """Return a contract text in which a column that has `customProperties` names the subject."""
    head, name, tail = text.partition(f"name: {column}")
    mark = "customProperties: ["
    return head + name + tail.replace(mark, f"{mark}{{property: subject, value: true}}, ", 1)


def erasing_contract(version: str = "1.0.0", dataset: str = DATASET) -> str:
    """Return the contract of the tests, with `email` as the subject."""
    return with_subject(contract_text(version, dataset=dataset))


def erase(home: Home, subject: str = SUBJECT, dataset: str | None = DATASET) -> Erasure:
    """Erase a subject as `lakehouse erase` does."""
    desk = ErasureDesk(home.instance, home.settings)
    return desk.carry_out(desk.request(subject, dataset, "ada", "asked by letter"))


def found(home: Home, value: str = SUBJECT) -> list[str]:
    """Return the files of the home that hold a value, below the home."""
    searched = search([home.settings.home], value)
    assert searched.unreadable == ()
    return [str(Path(one.path).relative_to(home.settings.home)) for one in searched.found]
