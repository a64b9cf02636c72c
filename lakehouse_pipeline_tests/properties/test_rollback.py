"""Anonymizations, erasures, replays and rollbacks in any order, against a model of a few lines.

Whatever was done, published is what the versions of its batches make of the records that are left;
a rollback gives that of before or changes nothing, and nobody who was erased comes back.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from lakehouse_pipeline.contracts.model import Anonymize, Contract
from lakehouse_pipeline.lake.anonymizations import Anonymization, Before, Files, Stage, Taken
from lakehouse_pipeline.lake.batch_files import names_by_batch
from lakehouse_pipeline.lake.byte_search import search
from lakehouse_pipeline.names import BATCH_ID, RECORD, Layer
from lakehouse_pipeline.pipeline.erase import Erasing
from lakehouse_pipeline.pipeline.lake import Lake, open_lake
from lakehouse_pipeline.pipeline.process import process
from lakehouse_pipeline.pipeline.rollback import Rollback, RollbackRefusedError
from lakehouse_pipeline.pipeline.subject_forms import forms_of
from lakehouse_pipeline.pipeline.verify import verify_dataset
from lakehouse_pipeline_tests.contracts.contract_text import contract_of
from lakehouse_pipeline_tests.pipelines import drop, records, take

PERSONAL = "classification: personal, customProperties: "
COLUMNS = (
    "      - {name: id, logicalType: integer, primaryKey: true}\n"
    f"      - {{name: email, logicalType: string, {PERSONAL}"
    "[{property: subject, value: true}, {property: anonymize, value: {technique: redact}}]}\n"
)
Mode = Literal["append", "upsert"]
FILES = {"a.csv": range(1, 5), "b.csv": range(3, 7), "c.csv": range(6, 8)}
CONSTANTS = ("first", "second", "third")
"""What each version of the contract publishes in place of an e-mail address."""


def version(number: int, mode: Mode) -> Contract:
    """Return a version of the contract; they differ in what they publish for a person."""
    found = contract_of(COLUMNS)
    safe = Anonymize("redact", {"value": CONSTANTS[number]})
    columns = tuple(replace(c, anonymize=safe) if c.personal else c for c in found.columns)
    publish = replace(found.publish, mode=mode)
    return replace(found, version=f"{number + 1}.0.0", columns=columns, publish=publish)


def email(file: str, number: int) -> str:
    return f"Canary{file[0]}{number}@example.org"


@dataclass
class World:
    """A home and the model of it: which version each batch is of, and which records are left."""

    home: Path
    mode: Mode
    batches: dict[str, str] = field(default_factory=dict)
    under: dict[str, int] = field(default_factory=dict)
    left: dict[str, set[int]] = field(default_factory=dict)
    applied: list[tuple[Anonymization, dict[str, int]]] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    quiet: bool = False
    """Nothing was done since the last application."""

    @contextmanager
    def lake(self) -> Iterator[Lake]:
        with open_lake(self.home, threads=1) as lake:
            yield lake

    @property
    def arrived(self) -> list[str]:
        return list(self.batches.values())

    def start(self) -> None:
        contract = version(0, self.mode)
        for file, numbers in FILES.items():
            text = "id,email\n" + "".join(f"{n},{email(file, n)}\n" for n in numbers)
            self.batches[file] = drop(self.home, contract, file, text)
            self.under[file], self.left[file] = 0, set(numbers)
        take(self.home, contract, self.arrived)

    def expected(self) -> set[tuple[str, int, str]]:
        rows = {
            (file, number): CONSTANTS[self.under[file]]
            for file, numbers in self.left.items()
            for number in numbers
        }
        if self.mode == "upsert":
            last = {number: file for file, number in rows}  # the files are in order
            rows = {(f, n): safe for (f, n), safe in rows.items() if last[n] == f}
        return {(self.batches[file], n, safe) for (file, n), safe in rows.items()}

    def published(self) -> set[tuple[Any, ...]]:
        rows = records(self.home, version(0, self.mode), Layer.PUBLISHED)
        assert len({(row[BATCH_ID], row[RECORD]) for row in rows}) == len(rows)
        return {(row[BATCH_ID], row["id"], row["email"]) for row in rows}

    def apply(self, number: int, files: set[str]) -> None:
        contract = version(number, self.mode)
        batches = [self.batches[file] for file in sorted(files)]
        with self.lake() as lake:
            before = self.before(lake, batches)
            list(
                process(lake, contract, batches, [Layer.ANONYMIZED, Layer.PUBLISHED], self.arrived)
            )
            made = names_by_batch(lake.tables.open(contract.dataset, Layer.ANONYMIZED), batches)
        one = Anonymization(
            str(len(self.applied)),
            contract.dataset,
            contract.version,
            "",
            0,
            (),
            0,
            (),
            0.0,
            0,
            dict.fromkeys(batches, ()),
            (Taken(Stage.APPLIED, "a", ""),),
            before,
            made,
        )
        self.applied.append((one, {file: self.under[file] for file in files}))
        self.under |= dict.fromkeys(files, number)
        self.quiet = True

    def before(self, lake: Lake, batches: list[str]) -> Before:
        dataset = version(0, self.mode).dataset
        tables = [lake.tables.open(dataset, x) for x in (Layer.ANONYMIZED, Layer.PUBLISHED)]
        versions = [None if table is None else table.version() for table in tables]
        gone = lake.erased.of(dataset)
        erased = {b: tuple(gone[b].records) for b in batches if b in gone}
        return Before(0.0, versions[0], versions[1], names_by_batch(tables[0], batches), erased, {})

    def erase(self, file: str, number: int) -> None:
        subject, name = email(file, number), str(len(self.erased))
        contract = version(self.under[file], self.mode)
        with self.lake() as lake:
            lake.subjects.add(contract.dataset, name, forms_of(lake, subject, []))
            exports = self.home / "exports"
            Erasing(lake, [contract], name, self.arrived, lambda _: None, exports).run()
        self.left[file].discard(number)
        self.erased.append(subject)
        self.quiet = False

    def replay(self, file: str) -> None:
        layers = [layer for layer in Layer if layer is not Layer.RAW]
        with self.lake() as lake:
            contract = version(self.under[file], self.mode)
            list(process(lake, contract, [self.batches[file]], layers, self.arrived))
        self.quiet = False

    def roll_back(self, place: int) -> None:
        if not self.applied:
            return
        place %= len(self.applied)
        one, before = self.applied[place]
        if one.stage is Stage.ROLLED_BACK:
            return
        must = self.quiet and place == len(self.applied) - 1
        noted: list[Files] = []
        former = {self.batches[file]: version(n, self.mode) for file, n in before.items()}
        others = [other for other, _ in self.applied if other.stage is Stage.ROLLED_BACK]
        active = version(max(self.under.values()), self.mode)
        assert one.before is not None
        try:
            with self.lake() as lake:
                Rollback(
                    lake, active, one, one.before, former, self.arrived, others, noted.append
                ).run()
        except RollbackRefusedError:
            assert not must
            return
        self.under |= before
        done = replace(one, restored=noted[0], steps=(Taken(Stage.ROLLED_BACK, "a", ""),))
        self.applied[place] = (done, before)
        self.quiet = False

    def check(self) -> None:
        """Ask everything that takes a while: for every erased value, and the invariants."""
        for subject in self.erased:
            assert [one.path for one in search([self.home], subject).found] == []
        with self.lake() as lake:
            found = verify_dataset(lake, version(max(self.under.values()), self.mode), {})
        assert [str(one) for one in found if one.invariant != 6] == []


FILE = st.sampled_from(sorted(FILES))
STEPS = st.one_of(
    st.tuples(st.just("apply"), st.integers(0, 2), st.sets(FILE, min_size=1)),
    st.tuples(st.just("roll_back"), st.sampled_from([-1, -1, 0, 1])),
    FILE.flatmap(
        lambda file: st.tuples(st.just("erase"), st.just(file), st.sampled_from([*FILES[file]]))
    ),
    st.tuples(st.just("replay"), FILE),
)


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, min_size=2, max_size=6), mode=st.sampled_from(["append", "upsert"]))
@example(
    steps=[("apply", 1, {"a.csv", "b.csv"}), ("erase", "a.csv", 2), ("roll_back", 0)],
    mode="append",
)
@example(
    steps=[
        ("erase", "b.csv", 3),
        ("apply", 1, {"a.csv", "b.csv"}),
        ("apply", 2, {"b.csv"}),
        ("roll_back", 1),
        ("roll_back", 0),
        ("erase", "a.csv", 1),
    ],
    mode="upsert",
)
def test_published_is_always_what_the_versions_make_of_the_records_that_are_left(
    steps: list[tuple[Any, ...]], mode: Mode
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), mode)
        world.start()
        for name, *facts in steps:
            getattr(world, name)(*facts)
            assert world.published() == world.expected()
        world.check()
