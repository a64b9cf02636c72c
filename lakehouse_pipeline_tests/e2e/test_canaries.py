"""Invariant 5 by canaries: personal values are looked for in all that the product leaves behind."""

import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lakehouse_pipeline.lake.byte_search import search
from lakehouse_pipeline.orchestration.processes import running
from lakehouse_pipeline.settings import Settings
from lakehouse_pipeline_tests.api.client import Api, until
from lakehouse_pipeline_tests.e2e import canaries

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

RULES = {
    "people": "",
    "telling": canaries.TELLING,
    "raising": canaries.RAISING,
}
"""The datasets, with the rules that might tell a value."""

MAY_HOLD = re.compile(
    r"landing/|lake/\w+/(raw|quarantined|validated|corrections)/(?!_delta_log/)|vault/tokens.sqlite"
)
COMMAND = [sys.executable, "-c", "from lakehouse_pipeline.cli.main import main; main()"]
ASKED = (
    "/datasets",
    "/datasets/people",
    "/datasets/raising/contracts",
    "/events?limit=1000",
    "/metrics",
    *(f"/datasets/{dataset}/batches" for dataset in RULES),
)


@dataclass(slots=True)
class Used:
    """A home after everything was done in it, and all that was said meanwhile, by who said it."""

    home: Path
    files: dict[str, bytes]
    said: dict[str, str] = field(default_factory=dict)

    def command(self, *words: str, code: int = 0) -> str:
        done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)
        assert done.returncode == code, (words, done)
        self.said[" ".join(words)] = done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Used]:
    """Yield the home of three datasets that were used in every way, with all processes ended."""
    root = tmp_path_factory.mktemp("canaries")
    (root / "telling_checks.py").write_text(canaries.CHECKS)
    settings = {
        "LAKEHOUSE_HOME": str(root / "home"),
        "LAKEHOUSE_CHECK_MODULES": "telling_checks",
        "LAKEHOUSE_SETTLE_SECONDS": "0",
        "LAKEHOUSE_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        found = Used(root / "home", canaries.files())
        _register(found, root)
        with running(Settings()) as stack:
            _deliver(found, Api(stack.api_url, found.home, root / "api.log", 0))
        _work(found, root)
        yield found


def _register(used: Used, folder: Path) -> None:
    for dataset, rules in RULES.items():
        file = folder / f"{dataset}.yaml"
        file.write_text(canaries.contract(dataset, rules))
        used.command("contract", "add", str(file), "--by", "ada", "--why", "new")
        used.command("contract", "approve", dataset, "--by", "bob", "--why", "sound")


def _deliver(used: Used, api: Api) -> None:
    """Drop every file for each dataset, wait for the sensor, and ask the API for what it tells."""
    for dataset in RULES:
        folder = used.home / "landing" / dataset
        folder.mkdir(parents=True, exist_ok=True)
        for name in _files_of(used, dataset):
            (folder / name).write_bytes(used.files[name])

    def settled() -> bool:
        answers = [api.get(f"/datasets/{dataset}/batches") for dataset in RULES]
        states = [batch["state"] for answer in answers for batch in answer.json["items"]]
        done = [state for state in states if state in ("published", "refused")]
        return len(done) == sum(len(_files_of(used, dataset)) for dataset in RULES)

    until(settled, 200)
    for url in ASKED:
        answer = api.get(url)
        assert answer.status == 200, answer
        used.said[url] = answer.body.decode()
    batch = f"/datasets/people/batches/{_batch(used, 'broken')}"
    corrections = f"{batch}/corrections?by=eve&why=try"
    answer = api.call("POST", corrections, used.files["broken.csv"], {"Content-Type": "text/csv"})
    used.said[corrections] = answer.problem(422)
    used.said["query"] = api.post(
        "/query", {"sql": "SELECT CAST(street AS INTEGER) FROM people"}
    ).problem(422)


def _files_of(used: Used, dataset: str) -> list[str]:
    """Return every file for the first dataset, and those with records for the others."""
    return list(used.files) if dataset == "people" else ["good.csv", "broken.csv"]


def _batch(used: Used, stem: str) -> str:
    (path,) = (used.home / "lake" / "people" / "raw").glob(f"_batch_id={stem}-*")
    return path.name.partition("=")[2]


def _work(used: Used, folder: Path) -> None:
    """Do with the batches what stewards and consumers do."""
    signed, broken = ("--by", "ada", "--why", "tried"), _batch(used, "broken")
    report, of_it = folder / "report.csv", ("people", broken)
    used.command("quarantine", "export", "people", "--batch", broken, "-o", str(report))
    with report.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with report.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row | {"nick": "bo", "salary": "twelve"} for row in rows[::2])
        writer.writerows(row | {"nick": "bo"} for row in rows[1::2])
    used.command("quarantine", "correct", *of_it, str(report), *signed)
    used.command("quarantine", "release", *of_it, "--record", "5", *signed, code=1)
    used.command("quarantine", "hold", *of_it, *signed)
    used.command("quarantine", "release", *of_it, *signed)
    for dataset in RULES:
        used.command("replay", dataset, "--from", "raw", code=1)
        used.command("batches", dataset, "--json")
    for command in ("status", "verify"):
        used.command(command, "--json")
    used.command("retain", "--dry-run", "--json")
    used.command("query", "SELECT * FROM people")
    for kind in ("csv", "parquet", "arrow"):
        target = used.home / "taken" / f"people.{kind}"
        target.parent.mkdir(exist_ok=True)
        used.command("export", "people", "-o", str(target))


def test_no_personal_value_is_said_to_anybody(used: Used) -> None:
    told = {
        (who, where)
        for who, text in used.said.items()
        for value, where in canaries.PLANTED.items()
        if value in text
    }
    assert told == set()


def test_no_personal_value_lies_where_it_may_not(used: Used) -> None:
    marked = dict.fromkeys(canaries.MARKS, "a text or a number")
    days = {value: where for value, where in canaries.PLANTED.items() if value[4] == "-"}
    held: set[str] = set()
    leaked = set()
    for value, where in (marked | days).items():
        for file in search([used.home], value).found:
            path = str(Path(file.path).relative_to(used.home))
            allowed = MAY_HOLD.match(path)
            if allowed:
                held.add(allowed[0])
            else:
                leaked.add((path, where))
    assert leaked == set()
    layers = ("raw", "quarantined", "validated")
    assert held >= {"landing/", "vault/tokens.sqlite", *(f"lake/people/{one}/" for one in layers)}
    names = " ".join(str(path) for path in used.home.rglob("*"))
    assert not [mark for mark in canaries.MARKS if mark in names]


def test_an_erased_person_is_nowhere_any_more(used: Used, tmp_path: Path) -> None:
    person = next(v for v, where in canaries.PLANTED.items() if where == "name, a good record")
    file = tmp_path / "person"
    file.write_text(person)
    for cut in (used.home / "landing").glob("*/cut.csv.gz"):
        cut.unlink()  # nobody can say what is in it, and --verify says so
    named = ("--subject-file", str(file))
    used.command("erase", "--verify", *named, code=1)
    used.command("erase", *named, "--all", "--by", "ada", "--why", "asked")
    used.command("erase", "--verify", *named)
    assert search([used.home], person).found == ()
    columns = ("mail", "salary", "bonus", "rate", "born", "street", "card", "note")
    first_of = {where: value for value, where in reversed(canaries.PLANTED.items())}
    others = {column: first_of[f"{column}, a good record"] for column in columns}
    left = {column: search([used.home], value).found for column, value in others.items()}
    assert left == dict.fromkeys(others, ())  # a telephone is somebody else's, too
