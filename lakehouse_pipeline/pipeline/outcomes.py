"""What happened to a batch, as facts: what `pipeline.py` yields and Dagster records as events."""

from dataclasses import dataclass, field

from lakehouse_pipeline.lake.csv_file import FileFacts
from lakehouse_pipeline.layers.gate import Verdict, quarantined_percent
from lakehouse_pipeline.names import Layer


@dataclass(frozen=True, slots=True)
class LayerWritten:
    """A layer now holds `records` records of the batch, as of the Delta table's `version`.

    `seconds` is of the whole group of batches that was written together; `group` its size.
    `file` is set for raw, `key_id` for anonymized where a technique took the key.
    """

    batch: str
    layer: Layer
    records: int
    version: int
    seconds: float
    group: int = 1
    file: FileFacts | None = None
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class ReasonSample:
    """One reason of one quarantined record; holds no value of the record."""

    record: int
    rule: str
    column: str | None
    message: str


@dataclass(frozen=True, slots=True)
class BatchJudged:
    """The judgement of a batch: every count, and whether it passes the gate.

    `values` are the numbers of the contract's metrics and SQL rules, `warned` counts the records
    that break each rule of severity warning.
    """

    batch: str
    records: int
    quarantined: int
    rule_counts: dict[str, int]
    verdict: Verdict
    sample: tuple[ReasonSample, ...] = field(default=(), repr=False)
    values: dict[str, float | None] = field(default_factory=dict)
    warned: dict[str, int] = field(default_factory=dict)

    @property
    def validated(self) -> int:
        """How many records keep every rule."""
        return self.records - self.quarantined

    @property
    def quarantined_percent(self) -> float:
        """The share of quarantined records, in percent."""
        return quarantined_percent(self.records, self.quarantined)


@dataclass(frozen=True, slots=True)
class BatchRefused:
    """The batch stops before `layer`: its file cannot be read, or the gate refused it.

    `withdrawn` names the layers that held the batch before and no longer do.
    """

    batch: str
    layer: Layer
    reasons: tuple[str, ...]
    withdrawn: tuple[Layer, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchWarned:
    """The batch passes its gate, which found something to say of it all the same."""

    batch: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchProtected:
    """What the contract's `privacy` measured: over the batch, and over published with it.

    `withheld` counts the records of the batch that are not published for it, `broken` says what is
    broken all the same. `measures` are named `privacy/k`,
    `privacy/l/<column>`, `privacy/published/k`.
    """

    batch: str
    withheld: int
    measures: dict[str, float]
    broken: str = ""


@dataclass(frozen=True, slots=True)
class LayerKept:
    """A layer was asked for but stands as it was: the landing file is gone, raw still has it."""

    batch: str
    layer: Layer
    reason: str


@dataclass(frozen=True, slots=True)
class RecordsSuppressed:
    """Records of the batch's file did not enter raw: they are about a subject that was erased."""

    batch: str
    records: tuple[int, ...]


Outcome = (
    LayerWritten
    | RecordsSuppressed
    | BatchJudged
    | BatchRefused
    | BatchWarned
    | BatchProtected
    | LayerKept
)
