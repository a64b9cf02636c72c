"""Whole homes for the tests: a small contract, CSV files, and the ticks and runs of Dagster.

Everything is real: the instance, the files, the tables; only the daemon is played by `Home`.
"""

import atexit
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import dagster as dg
from dagster._core.definitions.sensor_definition import SensorExecutionData

from lakehouse_pipeline.contracts.life_cycle import State
from lakehouse_pipeline.lake.contract_steps import Steps
from lakehouse_pipeline.lake.contract_store import ContractStore
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.engine import engine, parquet_relation
from lakehouse_pipeline.lake.landing import batch_id
from lakehouse_pipeline.lake.tables import Tables
from lakehouse_pipeline.names import Layer
from lakehouse_pipeline.orchestration.batches import BatchState, batch_states
from lakehouse_pipeline.orchestration.definitions import lakehouse_definitions
from lakehouse_pipeline.orchestration.events import SENSOR_ACTOR
from lakehouse_pipeline.orchestration.instance import open_instance
from lakehouse_pipeline.orchestration.keys import (
    GATE_CHECK,
    PRIVACY_CHECK,
    RULES_CHECK,
    asset_key,
    check_key,
)
from lakehouse_pipeline.orchestration.verification import verify_home
from lakehouse_pipeline.pipeline.verify import Violation
from lakehouse_pipeline.settings import Settings

DATASET = "orders"
AUTHOR = "producer"
STEWARD = "steward"
HEADER = "order_id,email,phone,amount,country\n"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {dataset}
name: {dataset}
version: {version}
status: active
customProperties:
  - {{property: compliance, value: gdpr}}
  - {{property: publish, value: {{mode: append, maxQuarantinedPercent: {percent}}}}}
slaProperties:
  - {{property: retention, value: 365, unit: d}}
schema:
  - name: {dataset}
    properties:
      - {{name: order_id, logicalType: integer, required: true, unique: true}}
      - name: email
        logicalType: string
        required: true
        classification: personal
        logicalTypeOptions: {{pattern: '^[^@]+@[^@]+$'}}
        customProperties: [{{property: anonymize, value: {{technique: hash}}}}]
      - name: phone
        logicalType: string
        classification: personal
        customProperties: [{{property: anonymize, value: {{technique: drop}}}}]
      - {{name: amount, {amount}}}
      - {{name: country, logicalType: string, enum: [{{value: DE}}, {{value: FR}}]}}
{columns}"""

AMOUNT = 'logicalType: number, physicalType: "DECIMAL(10,2)", logicalTypeOptions: {minimum: 0}'


def contract_text(
    version: str = "1.0.0",
    *,
    dataset: str = DATASET,
    percent: float = 50,
    amount: str = AMOUNT,
    columns: str = "",
) -> str:
    """Return a contract with personal columns; `columns` are further list items."""
    return CONTRACT.format(
        version=version, dataset=dataset, percent=percent, amount=amount, columns=columns
    )


def rows(count: int, broken: int = 0, first: int = 1) -> str:
    """Return a CSV text of `count` records with numbers from `first`; the last `broken` are bad."""
    return HEADER + "".join(
        f"{n},p{n}@example.org,+49 {n:07},{'-1' if n >= first + count - broken else '9.50'},DE\n"
        for n in range(first, first + count)
    )


@dataclass(slots=True)
class Home:
    """One home with an open instance; `cursor` is what the last tick of the sensor left."""

    settings: Settings
    instance: dg.DagsterInstance
    cursor: str | None = None
    run_ids: list[str] = field(default_factory=list)

    def contract(self, text: str, dataset: str = DATASET, version: str = "1.0.0") -> Path:
        """Write a contract file as it is, sound or not."""
        path = self.settings.contracts / dataset / f"{version}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def drop(self, name: str, text: str, dataset: str = DATASET) -> str:
        """Put a file into the landing folder and return the id of the batch it is."""
        path = self.settings.landing / dataset / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return batch_id(name, sha256_of(path))

    def definitions(self) -> dg.Definitions:
        """Return the definitions, as the code server loads them."""
        return lakehouse_definitions(self.settings)

    def tick(self) -> SensorExecutionData:
        """Evaluate the sensor as the daemon does: from the cursor, partitions added."""
        definitions = self.definitions()
        context = dg.build_sensor_context(
            self.instance, self.cursor, repository_def=definitions.get_repository_def()
        )
        done = definitions.resolve_sensor_def(SENSOR_ACTOR).evaluate_tick(context)
        for request in done.dynamic_partitions_requests or ():
            keys = list(request.partition_keys)
            self.instance.add_dynamic_partitions(request.partitions_def_name or "", keys)
        self.cursor = done.cursor
        return done

    def start(
        self, requests: Sequence[dg.RunRequest], *, raise_on_error: bool = True
    ) -> list[dg.ExecuteInProcessResult]:
        """Execute what a tick asked for; a run key is executed once, as by the daemon."""
        return [
            self._execute(request, raise_on_error=raise_on_error)
            for request in requests
            if not self.instance.get_runs(
                dg.RunsFilter(tags={"dagster/run_key": request.run_key or ""})
            )
        ]

    def _execute(
        self, request: dg.RunRequest, *, raise_on_error: bool
    ) -> dg.ExecuteInProcessResult:
        job = self.definitions().resolve_job_def(request.job_name or "")
        tags = {
            **request.tags,
            "dagster/run_key": request.run_key or "",
            "dagster/sensor_name": SENSOR_ACTOR,
        }
        return job.execute_in_process(
            instance=self.instance,
            asset_selection=list(request.asset_selection or ()),
            tags=tags,
            run_config=QUIET,
            raise_on_error=raise_on_error,
        )

    def settle(self) -> list[dg.ExecuteInProcessResult]:
        """Tick once and execute what that asked for."""
        return self.start(self.tick().run_requests or ())

    def states(self, dataset: str = DATASET) -> dict[str, BatchState]:
        """Return the state of every batch."""
        return {state.batch: state for state in batch_states(self.instance, dataset)}

    def violations(self) -> list[Violation]:
        """Return what `lakehouse verify` finds."""
        return verify_home(self.instance, self.settings).violations

    def query(self, layer: Layer, sql: str, version: int | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of `sql` over `t`, the records of a layer."""
        files = Tables(self.settings.lake).files(DATASET, layer, None, version)
        if not files:
            return []
        with engine(self.settings.home / "tmp") as connection:
            connection.execute(f"CREATE VIEW t AS FROM {parquet_relation(files)}")
            return connection.execute(sql).fetchall()

    def content(self, version: int | None = None) -> dict[Layer, str]:
        """Return a hash of what each layer holds, whatever files and order it is stored in."""
        sql = "SELECT sha256(string_agg(t::VARCHAR, chr(10) ORDER BY _batch_id, _record)) FROM t"
        return {layer: str(self.query(layer, sql, version)) for layer in Layer}

    def materialized(self, layer: Layer, dataset: str = DATASET) -> list[dg.AssetMaterialization]:
        """Return every materialization of a layer, the oldest first."""
        found = self.instance.fetch_materializations(
            asset_key(dataset, layer), limit=1000, ascending=True
        )
        return [r.asset_materialization for r in found.records if r.asset_materialization]

    def checks(self, name: str, dataset: str = DATASET) -> list[dg.AssetCheckEvaluation]:
        """Return every evaluation of a check for a batch, the oldest first."""
        assert name in (GATE_CHECK, RULES_CHECK, PRIVACY_CHECK)
        page = self.instance.event_log_storage.get_asset_check_execution_history(
            check_key(dataset, name), limit=1000
        )
        done = [record.evaluation for record in reversed(page)]
        return [one for one in done if isinstance(one, dg.AssetCheckEvaluation) and one.partition]

    def events(self, layer: Layer = Layer.RAW, dataset: str = DATASET) -> list[dict[str, Any]]:
        """Return the metadata of every event of ours about a layer, the oldest first."""
        found = self.instance.fetch_observations(
            asset_key(dataset, layer), limit=1000, ascending=True
        )
        observed = [r.asset_observation for r in found.records]
        return [
            {key: value.value for key, value in one.metadata.items()} | {"batch": one.partition}
            for one in observed
            if one is not None
        ]

    def everything_recorded(self) -> bytes:
        """Return the bytes of every file below `dagster/`: runs, events, logs."""
        return b"".join(p.read_bytes() for p in self.settings.dagster.rglob("*") if p.is_file())


@contextmanager
def open_home(
    folder: Path, *contracts: str, settle_seconds: float = 0, approved: bool = True
) -> Iterator[Home]:
    """Yield a home with these contracts, approved by a steward, ready for files.

    A home that is there already is opened as it is; a new one without any gets `contract_text()`.
    """
    settings = Settings(
        home=folder, poll_seconds=0, settle_seconds=settle_seconds, memory_limit="500MB", threads=1
    )
    if not settings.dagster.exists():
        shutil.copytree(_fresh_records(), settings.dagster)
        contracts = contracts or (contract_text(),)
    for text in contracts:
        add_contract(settings, text, approved=approved)
    with open_instance(settings) as instance:
        yield Home(settings, instance)


def add_contract(settings: Settings, text: str, *, approved: bool = True) -> None:
    """Register a contract, as `lakehouse contract add` does, and let a steward approve it."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "contract.yaml"
        file.write_text(text, "utf-8")
        added = ContractStore(settings.contracts).add(file, AUTHOR, "a test")
        if approved:
            approve_contract(settings, added.dataset, added.version)


def approve_contract(settings: Settings, dataset: str = DATASET, version: str = "1.0.0") -> None:
    """Approve and activate what waits for it, also what breaks a promise, as a steward does."""
    store = ContractStore(settings.contracts)
    steps, life = Steps(store, STEWARD, "a test"), store.life_cycle(dataset)
    if life.needs_approval(life.versions[version]):
        steps.approve(dataset, version)
    found = store.life_cycle(dataset).versions[version]
    if found.contract.status == "active" and found.state in (State.DRAFT, State.APPROVED):
        steps.activate(dataset, version, breaking=True)


@cache
def _fresh_records() -> str:
    """Return a folder with a `dagster/` that nothing was recorded in; it takes a second to make."""
    home = Path(mkdtemp(prefix="lakehouse-tests-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    settings = Settings(home=home)
    with open_instance(settings) as instance:
        instance.add_dynamic_partitions("any", ["any"])
        instance.delete_dynamic_partition("any", "any")
    return str(settings.dagster)


def cursor_of(home: Home, dataset: str = DATASET) -> list[str]:
    """Return the names of the files the sensor has dealt with."""
    return sorted(json.loads(home.cursor or "{}").get(dataset, {}))
