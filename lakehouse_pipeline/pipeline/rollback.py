"""Batches that go back to what anonymized and published held of them before they were applied to.

The files of then are copied by time travel. Everything is copied and judged before the first
commit: then anonymized is committed, published last. A process that dies in between leaves
published as it was, whole, and the next one finds by the names of the files how far it came.
What may have changed since is looked for under the lock that the commits are made under.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lakehouse_pipeline.contracts.model import Contract
from lakehouse_pipeline.errors import LakehouseError, SchemaChangeError
from lakehouse_pipeline.lake.anonymizations import Anonymization, Before, Files, as_before
from lakehouse_pipeline.lake.batch_files import names_by_batch, records_by_batch
from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.erased_records import NOTHING
from lakehouse_pipeline.lake.tables import Staged
from lakehouse_pipeline.names import BATCH_ID, RECORD, Layer, literal
from lakehouse_pipeline.pipeline.lake import Lake
from lakehouse_pipeline.pipeline.outcomes import LayerWritten
from lakehouse_pipeline.pipeline.process import comes_back
from lakehouse_pipeline.pipeline.protection import measure_restored
from lakehouse_pipeline.pipeline.upsert import upsert_published

Measures = dict[str, dict[str, float]]
"""By batch what `privacy` measured, by name."""

SHOWN = 5
"""How many batches a message names."""


class RollbackRefusedError(LakehouseError):
    """What there was before cannot be brought back, or must not be."""

    exit_code = 1

    def __init__(self, anonymization: str, problem: str, *, halfway: str = "") -> None:
        """Say why; `halfway` is the command that mends what a killed rollback left."""
        rest = "Nothing was changed."
        if halfway:
            rest = f"It had begun and was cut off. Make its batches anew instead: {halfway}"
        super().__init__(f"anonymization {anonymization} cannot be rolled back: {problem}. {rest}")


@dataclass(frozen=True, slots=True)
class Rollback:
    """One application to be taken back.

    `contract` is the active version, `former` the one that each batch was published under before,
    `arrived` all batches in the order they arrived, `rolled_back` the applications that were taken
    back before, the oldest first. `note` is told the names of the files that anonymized is about
    to get, and keeps them durably.
    """

    lake: Lake
    contract: Contract
    one: Anonymization
    before: Before
    former: Mapping[str, Contract]
    arrived: Sequence[str]
    rolled_back: Sequence[Anonymization]
    note: Callable[[Files], None]

    def run(self) -> tuple[list[LayerWritten], Measures]:
        """Go back; return what both layers now hold of each batch that was written.

        Beside it the measures of each batch for which the active version, or that of then,
        promises `privacy`. Holds the dataset's lock. Done twice, it gives the same.

        Raises: RollbackRefusedError: nothing was changed.
        """
        tables, dataset = self.lake.tables, self.one.dataset
        with tables.lock(dataset):
            self._refuse_erased()
            done = self._is_restored()
            if not done:
                self._refuse_changed()
            self._refuse_other_keys()
            self._refuse_taken_keys()
            with tables.staging(dataset) as folder:
                published = self._of_then(Layer.PUBLISHED, folder) if self._appends else None
                measures = self._measured(published) if published is not None else {}
                anonymized = None if done else self._of_then(Layer.ANONYMIZED, folder)
                if anonymized is not None:
                    self.note(_names(anonymized, self._batches))
                    self._commit(Layer.ANONYMIZED, anonymized)
                if published is not None:
                    self._commit(Layer.PUBLISHED, published)
            others: list[LayerWritten] = [] if self._appends else self._upserted()
        written = [
            *self._held(Layer.ANONYMIZED),
            *self._held(Layer.PUBLISHED),
            *(one for one in others if one.batch not in self.one.batches),
        ]
        return written, measures

    @property
    def _batches(self) -> list[str]:
        return list(self.one.batches)

    @property
    def _appends(self) -> bool:
        return self.contract.publish.mode == "append"

    def _refused(self, problem: str) -> RollbackRefusedError:
        halfway = ""
        if self.one.restored:
            few = self._batches if len(self._batches) <= SHOWN else []
            named = "".join(f" --batch {batch}" for batch in few)
            halfway = f"lakehouse replay {self.one.dataset} --from anonymized{named}"
        return RollbackRefusedError(self.one.id, problem, halfway=halfway)

    def _refuse_erased(self) -> None:
        """Raise: RollbackRefusedError: an erasure took records out of these batches since."""
        erased = self.lake.erased.of(self.one.dataset)
        since = {
            record.erasure
            for batch in self._batches
            for number, record in erased.get(batch, NOTHING).records.items()
            if number not in self.before.erased.get(batch, ())
        }
        if since:
            named = ", ".join(sorted(since))
            raise self._refused(
                f"erasure {named} took records out of these batches since, and with them the older "
                "versions; what was erased does not come back"
            )

    def _is_restored(self) -> bool:
        """Return whether anonymized holds what an earlier, killed call restored."""
        return bool(self.one.restored) and self._now() == self.one.restored

    def _now(self) -> Files:
        table = self.lake.tables.open(self.one.dataset, Layer.ANONYMIZED)
        return names_by_batch(table, self._batches)

    def _refuse_changed(self) -> None:
        """Raise: RollbackRefusedError: a batch is no longer what applying made of it."""
        now = as_before(self._now(), self.rolled_back)
        changed = [batch for batch, names in self.one.made.items() if now[batch] != names]
        if changed:
            more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
            raise self._refused(
                f"{', '.join(changed[:SHOWN])}{more} changed since it was applied (a replay, a "
                "correction, retention or another anonymization), and that would be lost. Where a "
                "later anonymization did it, roll that one back first"
            )

    def _refuse_other_keys(self) -> None:
        """Raise: RollbackRefusedError: keys of an upsert would not find those of other batches."""
        for former in self.former.values():
            if former.publish.mode != self.contract.publish.mode:
                raise self._refused(f"{former.version} publishes in mode {former.publish.mode}")
        held = self.lake.tables.batches(self.one.dataset, Layer.ANONYMIZED)
        if self._appends or not held - set(self._batches):
            return
        for former in self.former.values():
            if _keys(former) != _keys(self.contract):
                raise self._refused(
                    f"{former.version} makes the primary key safe in another way than "
                    f"{self.contract.version}, so its records would not find those that they "
                    "replace in the batches that came since"
                )

    def _refuse_taken_keys(self) -> None:
        """Raise: RollbackRefusedError: others may have published the keys of a batch since."""
        shown = [batch for batch in self._batches if batch in self.former]
        for batch in shown if self._appends else ():
            if comes_back(self.lake, self.contract, batch):
                raise self._refused(
                    f"{batch} is not published now, and others may have published keys since that "
                    f"it holds. Judge it again: lakehouse replay {self.one.dataset} --batch {batch}"
                )

    def _of_then(self, layer: Layer, folder: Path) -> Staged:
        """Stage copies, under new names, of the files that a layer had of the batches then.

        Raises: RollbackRefusedError: they are gone, hold an erased record, or do not fit.
        """
        tables, dataset = self.lake.tables, self.one.dataset
        then = getattr(self.before, layer.value)
        try:
            table = tables.open(dataset, layer, then) if then is not None else None
            staged = self._copied(table, layer, folder / layer)
            self._refuse_erased_in(staged)
        except (FileNotFoundError, DeltaError) as error:
            raise self._refused(
                f"version {then} of {layer} can no longer be read; retention or a vacuum deleted "
                "its files"
            ) from error
        try:
            tables.check(dataset, layer, self._batches, staged.schema)
        except SchemaChangeError as error:
            raise self._refused(
                f"column '{error.column}' of {layer} was {error.promised} then, and batches beside "
                f"these hold it as {error.stored}"
            ) from error
        return staged

    def _measured(self, published: Staged) -> Measures:
        """Return the measures of the batches, by what the active version promises or, else, theirs.

        Raises: RollbackRefusedError: published would break what either promises.
        """
        files = {batch: list[str]() for batch in self._batches}
        for path in published.files():
            files[Path(path).parent.name.removeprefix(f"{BATCH_ID}=")].append(path)
        found: Measures = {}
        former = {contract.version: contract for contract in self.former.values()}
        for contract in {**former, self.contract.version: self.contract}.values():
            mine = {
                batch: held
                for batch, held in files.items()
                if held and contract in (self.contract, self.former.get(batch))
            }
            measures, broken = measure_restored(self.lake, contract, mine)
            if broken:
                raise self._refused(
                    f"what was published then breaks what {contract.version} promises: "
                    f"{'; '.join(broken[:SHOWN])}. If another version is to count, "
                    "activate that one first"
                )
            found |= measures
        return found

    def _commit(self, layer: Layer, staged: Staged) -> None:
        """Make what was staged the content of the batches; a table that never was stays so."""
        tables, dataset = self.lake.tables, self.one.dataset
        if staged.counts or tables.open(dataset, layer) is not None:
            tables.replace(dataset, layer, self._batches, staged)

    def _copied(self, table: DeltaTable | None, layer: Layer, target: Path) -> Staged:
        tables, dataset = self.lake.tables, self.one.dataset
        rows: dict[str, int] = dict.fromkeys(self._batches, 0)
        counts: dict[str, int] = {}
        columns = ["path", "num_records"]
        added = pa.table(table.get_add_actions(flatten=True)).select(columns) if table else None
        for one in added.to_pylist() if added is not None else ():
            path = Path(one["path"])
            batch = path.parent.name.removeprefix(f"{BATCH_ID}=")
            if batch not in rows:
                continue
            name = f"{path.parent.name}/part-{os.urandom(8).hex()}.parquet"
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tables.fetched(dataset, layer, one["path"]), target / name)
            rows[batch] += one["num_records"]
            counts[name] = one["num_records"]
        return Staged(target, rows, self._schema(table, layer, target, counts), counts)

    def _schema(
        self, table: DeltaTable | None, layer: Layer, target: Path, counts: Mapping[str, int]
    ) -> pa.Schema:
        held = [pq.read_schema(target / name).remove_metadata() for name in counts]
        if held:
            return pa.unify_schemas(held).append(pa.field(BATCH_ID, pa.string()))
        known = self.lake.tables.open(self.one.dataset, layer) or table
        return pa.schema(known.schema().to_arrow()) if known else pa.schema([])

    def _refuse_erased_in(self, staged: Staged) -> None:
        """Raise: RollbackRefusedError: a copy holds an erased record, whenever it was erased."""
        erased = self.lake.erased.of(self.one.dataset)
        pairs = [
            f"({literal(batch)}, {number})"
            for batch in self._batches
            for number in erased.get(batch, NOTHING).records
        ]
        if pairs and staged.counts:
            where = f"({BATCH_ID}, {RECORD}) IN ({', '.join(pairs)})"
            sql = f"SELECT count(*) FROM {parquet_relation(staged.files())} WHERE {where}"
            if self.lake.connection.execute(sql).fetchall() != [(0,)]:
                ids = {
                    r.erasure
                    for b in self._batches
                    for r in erased.get(b, NOTHING).records.values()
                }
                raise self._refused(f"erasure {', '.join(sorted(ids))} took records of then out")

    def _upserted(self) -> list[LayerWritten]:
        """Find the winners anew, in one commit; those of these batches in the columns of then."""
        others = self.lake.tables.batches(self.one.dataset, Layer.ANONYMIZED) - set(self._batches)
        contract = self.contract
        if not others and self.former:
            contract = next(iter(self.former.values()))
        former = {**dict.fromkeys(self._batches, self.contract), **self.former}
        written = upsert_published(self.lake, contract, self._batches, self.arrived, former)
        return list(written)

    def _held(self, layer: Layer) -> list[LayerWritten]:
        table = self.lake.tables.open(self.one.dataset, layer)
        counts = records_by_batch(table)
        version = 0 if table is None else table.version()
        return [
            LayerWritten(batch, layer, counts.get(batch, 0), version, 0.0, len(self._batches))
            for batch in self._batches
        ]


def _names(staged: Staged, batches: Sequence[str]) -> Files:
    found: dict[str, list[str]] = {batch: [] for batch in batches}
    for name in staged.counts:
        found[Path(name).parent.name.removeprefix(f"{BATCH_ID}=")].append(Path(name).name)
    return {batch: tuple(sorted(names)) for batch, names in found.items()}


def _keys(contract: Contract) -> object:
    """Return what decides which record replaces which: the keys as they are published."""
    columns = [replace(contract.column(name), description="") for name in contract.primary_key]
    return [(c.name, c.type, c.anonymize) for c in columns], contract.publish.deletes
