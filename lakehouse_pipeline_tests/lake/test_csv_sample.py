"""The bounded sample: which bytes of a file are looked at, and that they are whole records."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.lake.csv_align import whole_records
from lakehouse_pipeline.lake.csv_file import CsvFile
from lakehouse_pipeline.lake.csv_grammar import Grammar
from lakehouse_pipeline.lake.csv_guess import Guess
from lakehouse_pipeline.lake.csv_sample import (
    SAMPLE_BYTES,
    WHOLE_BYTES,
    Sampled,
    guess_all,
    take_sample,
)

HEADER = "id,text,amount\n"
RECORDS = 80_000
BOUND = 1 << 20


def record(number: int) -> str:
    """A record in ten has a line end in it, a delimiter and a quote."""
    text = f'"first line,\nsecond ""line"" of {number}"' if number % 10 == 0 else f"text {number}"
    return f"{number},{text},{number}.5\n"


def large(records: int = RECORDS) -> str:
    return HEADER + "".join(map(record, range(records)))


def sampled(
    folder: Path, *contents: str | bytes, bound: int = BOUND
) -> tuple[Guess, list[Sampled]]:
    files = []
    for number, content in enumerate(contents):
        file = folder / f"{number}.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        files.append(file)
    guessed = guess_all(files)
    return guessed, take_sample(files, guessed, folder / "sample", bound)


def rows(guessed: Guess, samples: Sequence[Sampled]) -> list[tuple[str, ...]]:
    """Return the sample's records as the lossless reader reads them; a broken one is all null."""
    found: list[tuple[str, ...]] = []
    for piece in (piece for one in samples for piece in one.pieces):
        for batch in CsvFile(piece, guessed.names, guessed.dialect).batches():
            columns = [batch.column(name).to_pylist() for name in guessed.names]
            found += zip(*columns, strict=True)
    return found


def test_a_small_file_is_looked_at_whole_without_a_copy(tmp_path: Path) -> None:
    guessed, (one,) = sampled(tmp_path, large(500))
    assert (one.whole, one.spread, len(one.pieces)) == (True, False, 1)
    assert one.pieces[0].is_symlink()
    assert len(rows(guessed, [one])) == 500


def test_a_large_file_is_looked_at_all_over_and_no_record_is_cut(tmp_path: Path) -> None:
    guessed, (one,) = sampled(tmp_path, large())
    assert (one.whole, one.spread) == (False, True)
    assert sum(piece.stat().st_size for piece in one.pieces) <= BOUND + len(one.pieces) * len(
        HEADER
    )
    found = rows(guessed, [one])
    numbers = [int(row[0]) for row in found]
    assert len(numbers) == len(set(numbers)) > 10_000
    assert numbers[0] == 0
    assert numbers[-1] > 0.9 * RECORDS
    for number, text, amount in found:
        lines = f'first line,\nsecond "line" of {number}'
        assert text == (lines if int(number) % 10 == 0 else f"text {number}")
        assert amount == f"{number}.5"


def test_without_a_number_a_part_of_large_files_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "0.csv"
    file.write_text(HEADER + record(1) * (1 + WHOLE_BYTES // len(record(1))))
    (one,) = take_sample([file], guess_all([file]), tmp_path / "sample")
    assert (one.whole, one.spread) == (False, True)
    assert sum(piece.stat().st_size for piece in one.pieces) <= 1.01 * SAMPLE_BYTES < WHOLE_BYTES


def test_the_same_file_gives_the_same_sample(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert rows(*sampled(tmp_path / "a", large())) == rows(*sampled(tmp_path / "b", large()))


def test_the_bound_holds_for_many_files_together(tmp_path: Path) -> None:
    guessed, samples = sampled(tmp_path, large(100), large(40_000), large(40_000))
    assert [one.whole for one in samples] == [True, False, False]
    assert sum(p.stat().st_size for one in samples for p in one.pieces) <= 1.1 * BOUND
    assert None not in {row[0] for row in rows(guessed, samples)}


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace('""', '\\"').encode(),
    ],
    ids=["utf-16", "cr", "escaped"],
)
def test_of_a_file_without_sure_places_the_beginning_is_looked_at(
    tmp_path: Path, encode: object
) -> None:
    assert callable(encode)
    guessed, (one,) = sampled(tmp_path, encode(large()))
    assert (one.whole, one.spread) == (False, False)
    numbers = [int(row[0]) for row in rows(guessed, [one])]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 5000


def test_of_a_compressed_file_the_beginning_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "a.csv.gz"
    file.write_bytes(gzip.compress(large().encode()))
    guessed = guess_all([file])
    (one,) = take_sample([file], guessed, tmp_path / "sample", BOUND)
    numbers = [int(row[0]) for row in rows(guessed, [one])]
    assert (one.whole, numbers) == (False, list(range(len(numbers))))
    (whole,) = take_sample([file], guessed, tmp_path / "all", 1 << 30)
    assert (whole.whole, len(rows(guessed, [whole]))) == (True, RECORDS)


def test_records_longer_than_a_piece_are_taken_whole(tmp_path: Path) -> None:
    text = "x, y\n" * 100_000
    content = HEADER + "".join(f'{n},"{text}",1\n' for n in range(8))
    guessed, (one,) = sampled(tmp_path, content)
    found = rows(guessed, [one])
    assert found
    assert {len(row[1]) for row in found} == {500_000}


def test_a_byte_order_mark_stays_with_the_header(tmp_path: Path) -> None:
    guessed, (one,) = sampled(tmp_path, b"\xef\xbb\xbf" + large().encode())
    assert one.spread
    assert None not in {row[0] for row in rows(guessed, [one])}


GRAMMAR = Grammar.of(Csv(), 2, 1 << 20)
TABLE = "a,b\n" * 100


def test_a_table_inside_a_quoted_field_is_not_taken_for_records() -> None:
    inside = f'zz\n{TABLE}end"\n' + 'x,"y"\n' * 5
    assert whole_records(GRAMMAR, inside.encode()) == b""


def test_records_before_a_quoted_field_are_proven_by_its_quote() -> None:
    outside = f'zz\n{TABLE}1,"quoted ""text"""\n{TABLE}cut'
    assert whole_records(GRAMMAR, outside.encode()).startswith(b"a,b\n")
    assert whole_records(GRAMMAR, outside.encode()).endswith(b"a,b\n")


def test_a_piece_of_few_lines_proves_nothing() -> None:
    assert whole_records(GRAMMAR, b"zz\n" + b"a,b\n" * 10 + b"cut") == b""
