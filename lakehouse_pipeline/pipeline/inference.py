"""A draft of a contract from CSV files: a sample read, counted and judged in a lake of its own.

The lake is temporary. The sample lands in it as if it were the files; raw is read by the lossless
reader, the facts are counted from raw, and what the draft accepts is what the product accepts: its
validated layer. How the sample is taken is in `lake/csv_sample.py`, what the facts mean in
`contracts/infer`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from lakehouse_pipeline.contracts.infer.candidates import STRING
from lakehouse_pipeline.contracts.infer.column_types import Choice, choose_types
from lakehouse_pipeline.contracts.infer.draft import Draft, SampleFacts, make_draft
from lakehouse_pipeline.contracts.infer.facts import ColumnFacts, Extent
from lakehouse_pipeline.contracts.infer.keys import pairs
from lakehouse_pipeline.contracts.infer.loosen import judged, loosened
from lakehouse_pipeline.contracts.infer.null_texts import null_values
from lakehouse_pipeline.contracts.infer.yaml_text import VERSION, yaml_text
from lakehouse_pipeline.contracts.load import DATASET_NAME, load_text
from lakehouse_pipeline.contracts.model import Column, Contract, Csv
from lakehouse_pipeline.errors import DatasetNameError, NoDraftError
from lakehouse_pipeline.lake.csv_bytes import sha256_of
from lakehouse_pipeline.lake.csv_guess import Guess
from lakehouse_pipeline.lake.csv_guess_encoding import encoding_of
from lakehouse_pipeline.lake.csv_sample import Sampled, guess_all, take_sample
from lakehouse_pipeline.lake.landing import batch_id
from lakehouse_pipeline.names import DEFECT, Layer
from lakehouse_pipeline.pipeline.column_facts import ColumnReader
from lakehouse_pipeline.pipeline.lake import Lake, open_lake
from lakehouse_pipeline.pipeline.outcomes import BatchJudged, BatchRefused
from lakehouse_pipeline.pipeline.process import process
from lakehouse_pipeline.pipeline.relations import relation

MEGABYTES, MEGABYTES_PER_COLUMN, THREADS = 250, 1, 2
"""What DuckDB may take: a draft is made beside other work, and more is not much faster."""

_LINES = 1000  # of an unknown encoding that are looked at
_JUDGED = (Layer.QUARANTINED, Layer.VALIDATED)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Inference:
    """A draft and its text, a contract that lints clean; `contract` is what the text says."""

    draft: Draft
    text: str
    contract: Contract


def infer(
    files: Sequence[Path], dataset: str, sample_records: int | None, progress: Progress
) -> Inference:
    """Return a draft of a contract for `dataset` from CSV files of one kind.

    About `sample_records` records are looked at, without it as many as `csv_sample` takes.
    `progress` is told what is being done.

    Raises:
        DatasetNameError: no dataset can have this name.
        UnreadableFileError: a file is missing, a folder, or may not be read.
        NoDraftError: a file is empty, no CSV, or unlike the others.
        CompressionError: a file cannot be decompressed.
    """
    if not DATASET_NAME.fullmatch(dataset):
        raise DatasetNameError(dataset)
    progress("looking at how the files are written")
    guessed = guess_all(files)
    size = int(sample_records * guessed.record_bytes) if sample_records else None
    with TemporaryDirectory(prefix="lakehouse-infer-") as folder:
        home = Path(folder)
        memory = MEGABYTES + MEGABYTES_PER_COLUMN * len(guessed.names)
        with open_lake(home, f"{memory}MB", THREADS) as lake:
            sampled = take_sample(files, guessed, lake.landing.folder(dataset), size)
            return _Drafting(lake, dataset, guessed, sampled, progress).result()


class _Drafting:
    """The work on one sample, which has landed in `lake`."""

    def __init__(
        self,
        lake: Lake,
        dataset: str,
        guessed: Guess,
        sampled: Sequence[Sampled],
        progress: Progress,
    ) -> None:
        self._lake = lake
        self._copy = lake.landing.root / "sample.parquet"
        self._dataset = dataset
        self._names = guessed.names
        self._sampled = sampled
        self._progress = progress
        self._sources = {
            batch_id(piece.name, sha256_of(piece)): (one.source, piece)
            for one in sampled
            for piece in one.pieces
        }
        self._batches = list(self._sources)
        self._dialect = guessed.dialect

    def result(self) -> Inference:
        """Return the draft when the sample itself is accepted under it, as far as rules decide."""
        self._progress("reading the sample")
        self._read(self._dialect)
        encoding = self._encoding()
        if encoding != self._dialect.encoding:
            self._dialect = replace(self._dialect, encoding=encoding)
            self._read(self._dialect)
        draft = self._judged(self._draft())
        while (looser := loosened(draft)) is not None:
            draft = self._judged(looser)
        text = yaml_text(draft)
        return Inference(draft, text, load_text(text, self._dataset))

    def _texts(self, dialect: Csv) -> Contract:
        """Return a contract that promises nothing but the columns."""
        columns = tuple(Column(name, STRING) for name in self._names)
        return Contract(self._dataset, VERSION, "draft", columns, csv=dialect)

    def _read(self, dialect: Csv) -> None:
        outcomes = process(self._lake, self._texts(dialect), self._batches, (Layer.RAW,))
        for outcome in outcomes:
            if isinstance(outcome, BatchRefused):
                source, piece = self._sources[outcome.batch]
                problem = " ".join(outcome.reasons).removeprefix(f"{piece.name}: ")
                raise NoDraftError(source, problem.rstrip("."), "Correct the file.")

    def _raw(self) -> str:
        return relation(self._lake, self._texts(self._dialect), Layer.RAW, self._batches)

    def _encoding(self) -> str:
        """Return the encoding under which most records that are not ASCII can be read."""
        foreign = f"{DEFECT}.rule = 'record.encoding'"
        (count,) = self._rows(f"SELECT count(*) FROM {self._raw()} WHERE {foreign}")[0]
        if not count:
            return self._dialect.encoding
        lines = self._rows(
            f"SELECT {DEFECT}.bytes FROM {self._raw()} WHERE {foreign} LIMIT {_LINES}"
        )
        return encoding_of([line for (line,) in lines])

    def _rows(self, sql: str) -> list[tuple[bytes]]:
        return self._lake.connection.execute(sql).fetchall()

    def _draft(self) -> Draft:
        reader = ColumnReader(self._lake.connection, self._raw(), self._copy)
        self._progress("looking for what means null")
        nulls, notes = null_values(reader.null_texts(self._names))
        reader.with_nulls(nulls)
        self._dialect = replace(self._dialect, null_values=nulls)
        facts = []
        for name in self._names:
            self._progress(f"counting column {name}")
            facts.append(reader.facts(name))
        columns: list[tuple[ColumnFacts, Choice, Extent | None]] = []
        for fact, choice in zip(facts, choose_types(facts), strict=True):
            if choice.type == STRING:
                columns.append((replace(fact, masks=reader.masks(fact.name)), choice, None))
            else:
                columns.append((fact, choice, reader.extent(fact.name, choice.type)))
        draft = make_draft(self._dataset, self._dialect, self._facts(), columns, notes=notes)
        more = (*self._doubts(), *self._composite_keys(draft, reader))
        return replace(draft, notes=(*draft.notes, *more))

    def _doubts(self) -> tuple[str, ...]:
        encoding = self._dialect.encoding
        if encoding.startswith("utf"):
            return ()
        return (f"The encoding {encoding} is a guess: look whether letters with accents are right",)

    def _composite_keys(self, draft: Draft, reader: ColumnReader) -> tuple[str, ...]:
        if any(column.key for column in draft.columns):
            return ()
        self._progress("looking for a key of two columns")
        found = pairs([(column.facts, column.type) for column in draft.columns])
        return tuple(
            f"{one} and {other} together never repeat: a possible key"
            for one, other in found
            if reader.is_unique(one, other)
        )

    def _facts(self) -> SampleFacts:
        (records,) = self._rows(f"SELECT count(*) FROM {self._raw()}")[0]
        return SampleFacts(
            files=len(self._sampled),
            bytes=sum(s.size for s in self._sampled),
            sampled_bytes=sum(p.stat().st_size for s in self._sampled for p in s.pieces),
            records=int(records),
            whole=all(s.whole for s in self._sampled),
            spread=any(s.spread for s in self._sampled),
        )

    def _judged(self, draft: Draft) -> Draft:
        """Return the draft with what the product says of the sample under it."""
        self._progress("judging the sample under the draft")
        contract = load_text(yaml_text(draft), self._dataset)
        outcomes = process(self._lake, contract, self._batches, _JUDGED)
        batches = [outcome for outcome in outcomes if isinstance(outcome, BatchJudged)]
        rules: Counter[str] = Counter()
        for batch in batches:
            rules.update(batch.rule_counts)
        quarantined = sum(batch.quarantined for batch in batches)
        worst = max((batch.quarantined_percent for batch in batches), default=0.0)
        return judged(draft, rules, quarantined, worst)
