"""What the tests of anonymizations share: two versions of a contract, and homes with batches."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lakehouse_pipeline.lake.anonymizations import Anonymization
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.anonymization import AnonymizationDesk, Rehearsal
from lakehouse_pipeline.orchestration.anonymization_rollback import RollbackDesk
from lakehouse_pipeline.orchestration.keys import contract_key
from lakehouse_pipeline.orchestration.runs import Runs
from lakehouse_pipeline_tests.homes import (
    DATASET,
    Home,
    add_contract,
    approve_contract,
    open_home,
)

OLD, NEW = "1.0.0", "2.0.0"
MAKER, SECOND = "ada", "ben"
EMAIL = "CanaryAnn{}@example.org"

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
name: orders
version: {version}
status: active
customProperties:
  - {{property: compliance, value: {compliance}}}
  - {{property: publish, value: {{mode: {mode}}}}}
{top}schema:
  - name: orders
    properties:
      - {{name: id, logicalType: integer, required: true, primaryKey: true, primaryKeyPosition: 1}}
      - name: email
        logicalType: string
        classification: personal
        customProperties:
          - {{property: subject, value: true}}
          - {{property: anonymize, value: {{{email}}}}}
      - name: phone
        logicalType: string
        classification: personal
        customProperties: [{{property: anonymize, value: {{{phone}}}}}]
      - name: weight
        logicalType: integer
        classification: personal
        customProperties: [{{property: anonymize, value: {{{weight}}}}}]
      - {{name: note, logicalType: string}}
"""
NOISE = "technique: noise, epsilon: 1, sensitivity: 5, minimum: 0, maximum: 500"


def contract(  # noqa: PLR0917 - one argument per line of the contract
    version: str = OLD,
    email: str = "technique: hash",
    phone: str = "technique: mask, keepLast: 2",
    weight: str = "technique: suppress",
    mode: str = "append",
    compliance: str = "gdpr",
    top: str = "",
) -> str:
    """Return a version of the contract with these techniques."""
    return CONTRACT.format(
        version=version,
        email=email,
        phone=phone,
        weight=weight,
        mode=mode,
        compliance=compliance,
        top=top,
    )


def other(version: str = NEW, mode: str = "append") -> str:
    """Return the version that replaces the first: keyed techniques, a token, a dropped column."""
    return contract(version, "technique: tokenize", "technique: drop", NOISE, mode)


def lines(count: int, first: int = 1, note: str = "") -> str:
    """Return a CSV text with numbers from `first`; every fifth telephone is missing."""
    return "id,email,phone,weight,note\n" + "".join(
        f"{n},{EMAIL.format(n)},{'' if n % 5 == 0 else f'CanaryTel{n:05}'},{60 + n},{note}\n"
        for n in range(first, first + count)
    )


@contextmanager
def filled(folder: Path, *texts: str, old: str = "", new: str = "") -> Iterator[Home]:
    """Yield a home with batches under the old version; the new one is registered, not active."""
    with open_home(folder, old or contract()) as home:
        for n, text in enumerate(texts or (lines(12), lines(8, 21))):
            file = folder.parent / f"{'abcdefgh'[n]}.csv"
            file.write_text(text, "utf-8")
            runs = Runs(home.instance, home.settings, "ada")
            active = ContractStore(home.settings.contracts).active(DATASET)
            runs.materialize(active, runs.take(DATASET, [file]).new, tuple(Layer))
        add_contract(home.settings, new or other(), approved=False)
        yield home


def activate(home: Home, version: str = NEW) -> None:
    """Approve and activate a version, as a steward does."""
    approve_contract(home.settings, DATASET, version)


def desk(home: Home) -> AnonymizationDesk:
    return AnonymizationDesk(home.instance, home.settings)


def rehearsed(home: Home, version: str | None = NEW, *batches: str) -> Rehearsal:
    """Make a dry run."""
    return desk(home).rehearse(DATASET, version, batches, MAKER)


def applied(home: Home, version: str = NEW, *batches: str) -> Anonymization:
    """Make a dry run, have it approved, activate its version and apply it."""
    name = rehearsed(home, version, *batches).id
    desk(home).approve(DATASET, name, SECOND, "looked at it")
    activate(home, version)
    return desk(home).apply(DATASET, name, MAKER)[0]


def rolled_back(home: Home, name: str) -> Anonymization:
    """Take an application back."""
    return RollbackDesk(desk(home)).roll_back(DATASET, name, SECOND, "a mistake")[0]


def told(home: Home) -> list[dict[str, Any]]:
    """Return the events about anonymizations, the oldest first, with their types."""
    found = home.instance.fetch_observations(contract_key(DATASET), limit=1000, ascending=True)
    said = [
        {key: value.value for key, value in r.asset_observation.metadata.items()}
        for r in found.records
        if r.asset_observation
    ]
    return [one for one in said if "anonymization" in one]


def published(home: Home, columns: str = "*") -> list[tuple[Any, ...]]:
    """Return what is published, in order."""
    return home.query(Layer.PUBLISHED, f"SELECT {columns} FROM t ORDER BY _batch_id, _record")
