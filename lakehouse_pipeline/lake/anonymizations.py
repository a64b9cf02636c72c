"""The dry runs of a home and what became of them: `<anonymizations>/<id>.json`.

Beside counts each has what its next step needs, written before that step begins: the files of
validated that were looked at, and the versions and files to go back to. None holds a value.
Who did what and why is in the event stream; the steps stand here to be carried out, and to be told
again should the process have died before its event.
"""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from filelock import FileLock

from lakehouse_pipeline.errors import LakehouseError, nearest
from lakehouse_pipeline.lake.erased_records import write_privately

Files = dict[str, tuple[str, ...]]
"""The names of data files, by batch."""


class Stage(StrEnum):
    """How far an anonymization has come."""

    DRY_RUN = "dry run"
    APPROVED = "approved"
    APPLYING = "applying"
    APPLIED = "applied"
    ROLLING_BACK = "rolling back"
    ROLLED_BACK = "rolled back"


class UnknownAnonymizationError(LakehouseError):
    """The dataset has no dry run of this id."""

    def __init__(self, dataset: str, anonymization: str, known: Sequence[str]) -> None:
        super().__init__(
            f"'{dataset}' has no dry run '{anonymization}'.{nearest(anonymization, known)} "
            f"List them with: lakehouse anonymize {dataset} --list"
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that somebody took: who, when (ISO 8601, UTC) and why; `told` once its event is."""

    stage: Stage
    by: str
    at: str
    why: str = ""
    told: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """What there was when applying began: to go back to.

    `anonymized` and `published` are versions of the tables, None where there was no table.
    `files` are those of the batches in anonymized, `erased` the records that had been erased from
    them. `materialized` has, for each batch that was published and each layer, the storage id of
    the event that said so. `at` is seconds since 1970 UTC.
    """

    at: float
    anonymized: int | None
    published: int | None
    files: Files
    erased: dict[str, tuple[int, ...]]
    materialized: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Anonymization:
    """A dry run with its counts, and the steps after it.

    `validated` is the version of validated's table that was looked at, `batches` the files that it
    had of each batch. `columns` are the effects as `pipeline/dry_run.py` counts them. `made` are
    the files of anonymized that applying made, `restored` those that going back makes.
    """

    id: str
    dataset: str
    version: str
    sha256: str
    records: int
    columns: tuple[dict[str, Any], ...]
    withheld: int
    refused: tuple[str, ...]
    seconds: float
    validated: int
    batches: Files
    steps: tuple[Taken, ...]
    before: Before | None = None
    made: Files = field(default_factory=dict)
    restored: Files = field(default_factory=dict)

    @property
    def stage(self) -> Stage:
        """How far it has come."""
        return self.steps[-1].stage

    def step(self, stage: Stage) -> Taken | None:
        """Return the step that led to a stage, None when it was not taken."""
        return next((step for step in self.steps if step.stage is stage), None)


def shown(one: Anonymization) -> dict[str, Any]:
    """Return what people are shown of an anonymization: no names of files."""
    versions = {}
    if one.before is not None:
        versions = {"anonymized": one.before.anonymized, "published": one.before.published}
    return {
        "id": one.id,
        "dataset": one.dataset,
        "version": one.version,
        "sha256": one.sha256,
        "stage": one.stage,
        "batches": list(one.batches),
        "records": one.records,
        "columns": list(one.columns),
        "withheld": one.withheld,
        "refused": list(one.refused),
        "seconds": one.seconds,
        "versions_before": versions,
        "steps": [
            {"stage": step.stage, "by": step.by, "at": step.at, "why": step.why}
            for step in one.steps
        ],
    }


def new_id(now: datetime) -> str:
    """Return a name for a dry run made now."""
    return f"{now:%Y%m%d}-{secrets.token_hex(4)}"


class Anonymizations:
    """The dry runs below `folder`, which need not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, dataset: str | None = None) -> list[Anonymization]:
        """Return those of a dataset (None: all), the oldest first."""
        found = [_read(path) for path in self._folder.glob("[0-9]*.json")]
        mine = [one for one in found if dataset in {None, one.dataset}]
        return sorted(mine, key=lambda one: (one.steps[0].at, one.id))

    def get(self, dataset: str, anonymization: str) -> Anonymization:
        """Return one. Raises: UnknownAnonymizationError: the dataset has none of this id."""
        known = {one.id: one for one in self.of(dataset)}
        if anonymization not in known:
            raise UnknownAnonymizationError(dataset, anonymization, list(known))
        return known[anonymization]

    def write(self, one: Anonymization) -> Anonymization:
        """Write it as it is now; durable when this returns. Returns: the same."""
        text = json.dumps(asdict(one), indent=1, ensure_ascii=False)
        write_privately(self._folder / f"{one.id}.json", f"{text}\n".encode())
        return one

    @contextmanager
    def held(self, dataset: str, anonymization: str) -> Iterator[Anonymization]:
        """Yield one as it is now; nobody else takes a step with it meanwhile."""
        self.get(dataset, anonymization)
        with FileLock(self._folder / f".{anonymization}.lock"):
            yield self.get(dataset, anonymization)

    def tell(
        self, one: Anonymization, say: Callable[[Anonymization, Taken], None]
    ) -> Anonymization:
        """Let `say` report each step that no event tells of yet, and write down that it did."""
        steps = []
        for step in one.steps:
            if not step.told:
                say(one, step)
            steps.append(replace(step, told=True))
        told = replace(one, steps=tuple(steps))
        return one if told == one else self.write(told)


def as_before(current: Mapping[str, Sequence[str]], rolled_back: Sequence[Anonymization]) -> Files:
    """Return the files of anonymized by their names from before anything was rolled back to them.

    What going back copied has new names and the same content. `rolled_back` are the oldest first.
    """
    found = {batch: tuple(sorted(names)) for batch, names in current.items()}
    for one in reversed(rolled_back):
        for batch, names in one.restored.items():
            if one.before is not None and found.get(batch) == names:
                found[batch] = one.before.files.get(batch, ())
    return found


def _read(path: Path) -> Anonymization:
    said = json.loads(path.read_bytes())
    for key in ("columns", "refused"):
        said[key] = tuple(said[key])
    for key in ("batches", "made", "restored"):
        said[key] = _files(said[key])
    said["steps"] = tuple(Taken(**{**s, "stage": Stage(s["stage"])}) for s in said["steps"])
    if before := said["before"]:
        said["before"] = Before(
            **{
                **before,
                "files": _files(before["files"]),
                "erased": {batch: tuple(numbers) for batch, numbers in before["erased"].items()},
            }
        )
    return Anonymization(**said)


def _files(said: Mapping[str, Sequence[str]]) -> Files:
    return {batch: tuple(names) for batch, names in said.items()}
