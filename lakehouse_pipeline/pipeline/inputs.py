"""What people add to a batch after it arrived: corrections, releases, and holding it back.

Each is appended to a Delta table beside the layers and never changed; judging reads what is in
force (`effective.py` for records, `decisions` here for whole batches).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from lakehouse_pipeline.lake.engine import parquet_relation
from lakehouse_pipeline.lake.tables import stage
from lakehouse_pipeline.layers.gate import HELD
from lakehouse_pipeline.names import BATCH_ID, RECORD, Input, literal
from lakehouse_pipeline.pipeline.effective import RULE, TURN
from lakehouse_pipeline.pipeline.lake import Lake

AT, BY, WHY, LIFTED = "_at", "_by", "_why", "_lifted"
"""Of both tables: when (UTC), who and why; of releases: whether a hold is lifted again."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides, when (UTC) and why: on every row that they add."""

    at: datetime
    by: str
    why: str

    def columns(self) -> str:
        """Return the select list of the three columns."""
        moment = f"TIMESTAMPTZ {literal(self.at.isoformat())}"
        return f"{moment} AS {AT}, {literal(self.by)} AS {BY}, {literal(self.why)} AS {WHY}"


@dataclass(frozen=True, slots=True)
class BatchDecisions:
    """What people decided over a whole batch: `held` says who holds it and why.

    `released` has, for each rule of the gate that is waived, who waived it and why.
    """

    held: str = ""
    released: Mapping[str, str] = field(default_factory=dict)


def decisions(lake: Lake, dataset: str, batches: Sequence[str]) -> dict[str, BatchDecisions]:
    """Return what is in force over each of `batches`; of a hold and its lifting the newer."""
    found = dict.fromkeys(batches, BatchDecisions())
    files = lake.tables.files(dataset, Input.RELEASES, batches)
    if not files:
        return found
    rows = lake.connection.execute(
        f"SELECT {BATCH_ID}, {RULE}, {BY}, {WHY}, {LIFTED} FROM {parquet_relation(files)} "
        f"WHERE {RECORD} IS NULL QUALIFY row_number() OVER "
        f"(PARTITION BY {BATCH_ID}, {RULE} ORDER BY {AT} DESC) = 1 ORDER BY {AT}"
    ).fetchall()
    for batch, rule, by, why, lifted in rows:
        said, before = f"by {by}: {why}", found[batch]
        if rule == HELD:
            found[batch] = BatchDecisions("" if lifted else said, before.released)
        else:
            found[batch] = BatchDecisions(before.held, {**before.released, rule: said})
    return found


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one person adds to one batch; each method is one commit. Hold the dataset's lock."""

    lake: Lake
    dataset: str
    batch: str
    decision: Decision

    def hold(self) -> None:
        """Hold the batch back: its gate refuses it until the hold is lifted."""
        self._decide([HELD], lifted=False)

    def lift(self) -> None:
        """Lift the hold."""
        self._decide([HELD], lifted=True)

    def waive(self, rules: Sequence[str]) -> None:
        """Waive these rules of the gate for the batch."""
        self._decide(rules, lifted=False)

    def release(self, pairs: str) -> int:
        """Let records break rules; `pairs` is SQL of `_record` and `_rule`. Return how many."""
        return self._append_release(pairs, lifted=False)

    def correct(self, corrected: pa.Table, file: str) -> int:
        """Add corrected texts, the contract's columns and `_record`; return how many records.

        Each is the record's next turn. `file` is the name of the file they came in.
        """
        before = self.lake.tables.files(self.dataset, Input.CORRECTIONS, [self.batch])
        turn = f"(SELECT max({TURN}) FROM {parquet_relation(before)})" if before else "0"
        self.lake.connection.register("corrected_records", corrected)
        try:
            return self._append(
                Input.CORRECTIONS,
                f"SELECT *, ({turn} + 1)::INTEGER AS {TURN}, {literal(file)} AS _file, "
                f"{self.decision.columns()}, {literal(self.batch)} AS {BATCH_ID} "
                "FROM corrected_records",
            )
        finally:
            self.lake.connection.unregister("corrected_records")

    def _decide(self, rules: Sequence[str], *, lifted: bool) -> None:
        listed = ", ".join(literal(rule) for rule in rules)
        source = f"SELECT NULL AS {RECORD}, unnest([{listed}]) AS {RULE}"
        self._append_release(source, lifted=lifted)

    def _append_release(self, source: str, *, lifted: bool) -> int:
        return self._append(
            Input.RELEASES,
            f"SELECT {RECORD}::BIGINT AS {RECORD}, {RULE}::VARCHAR AS {RULE}, "
            f"{lifted} AS {LIFTED}, {self.decision.columns()}, "
            f"{literal(self.batch)} AS {BATCH_ID} FROM ({source})",
        )

    def _append(self, table: Input, sql: str) -> int:
        with self.lake.tables.staging(self.dataset) as folder:
            staged = stage(self.lake.connection, sql, folder / table, [self.batch])
            self.lake.tables.append(self.dataset, table, staged)
        return staged.rows[self.batch]
