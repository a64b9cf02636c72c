"""A bounded sample of CSV files, as files that the lossless reader reads like the delivered ones.

A file that fits its share of the bound is sampled whole, by a link to it. Of a larger one pieces
are taken, the first records among them and the others spread evenly over the rest, cut to whole
records (`csv_align`); of a compressed file, of one written in UTF-16 or UTF-32 or with the line
end CR, and where records cannot be found in the middle, the beginning alone. Each piece is a file
with the header, which keeps what reading it takes in memory small. The same files give the same
sample. How a file is written is guessed in `csv_guess`.
"""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.errors import NoDraftError
from lakehouse_pipeline.lake.csv_align import can_align, up_to_a_record, whole_records
from lakehouse_pipeline.lake.csv_grammar import Grammar
from lakehouse_pipeline.lake.csv_guess import Guess, Head, guess, header_of, is_wide, read_head
from lakehouse_pipeline.lake.csv_lines import swap_line_ends
from lakehouse_pipeline.lake.landing import COMPRESSIONS, is_csv, readable, stem_of

WHOLE_BYTES = 48 << 20
"""Files that together are no larger are looked at whole unless the caller says otherwise."""

SAMPLE_BYTES = 24 << 20
"""How much of larger files is looked at."""

HEAD_BYTES = 256 << 10
_MOST_HEAD_BYTES = 64 << 20
_PIECES = 32
_PIECES_BY_COLUMNS = 1024  # a piece of a wide file takes more memory: it gets fewer of them
_LEAST_PIECE = 256 << 10  # a shorter piece proves less
_LEAST_BYTES = 16 << 10  # of a file, that its header is among them
_COMPRESSION_RATIO = 10
_MAX_RECORD_BYTES = 1 << 26


@dataclass(frozen=True, slots=True)
class Sampled:
    """What was taken of one file: `pieces` are the files to read, `size` its bytes on disk.

    `whole` when they are all of it, `spread` when they are from all over it.
    """

    source: Path
    pieces: tuple[Path, ...]
    size: int
    whole: bool = False
    spread: bool = False


def guess_all(files: Sequence[Path]) -> Guess:
    """Return how the files are written, guessed from the first and held against all others.

    Raises:
        UnreadableFileError: a file is missing, a folder, or may not be read.
        NoDraftError: a file is empty, no CSV, or has other columns than the first.
    """
    for file in files:
        readable(file)
        if not file.is_file():
            raise NoDraftError(file, "it is no file that can be read twice", "Save it as a file.")
    guessed = _guess(files[0])
    for file in files[1:]:
        _check_alike(file, files[0], guessed)
    return guessed


def _guess(file: Path) -> Guess:
    """Guess from more of the file where its beginning holds too few records to go by."""
    size = HEAD_BYTES
    while True:
        head = read_head(file, size)
        try:
            return guess(head)
        except NoDraftError:
            if head.complete or size >= _MOST_HEAD_BYTES:
                raise
        size *= 16


def _check_alike(file: Path, first: Path, guessed: Guess) -> None:
    head = read_head(file, HEAD_BYTES)
    if not head.data.strip(b"\r\n"):
        raise NoDraftError(file, "the file is empty", "Leave it out.")
    found, _ = header_of(head, guessed.dialect)
    alike = sorted(found) == sorted(guessed.names)
    if not guessed.dialect.header:
        alike = len(found) == len(guessed.names)
    if not alike:
        problem = f"its columns, or the way it is written, differ from those of {first.name}"
        raise NoDraftError(file, problem, "Draft a contract for each kind of file by itself.")


def take_sample(
    files: Sequence[Path], guessed: Guess, folder: Path, sample_bytes: int | None = None
) -> list[Sampled]:
    """Put a sample of each file into `folder`, `sample_bytes` together at most; order kept.

    Without a number `WHOLE_BYTES` and `SAMPLE_BYTES` decide.

    Raises:
        CompressionError: a file cannot be decompressed.
        OSError: the operating system cannot read a file or write the sample.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sizes = [file.stat().st_size for file in files]
    texts = [
        size * (_COMPRESSION_RATIO if _is_compressed(file) else 1)
        for file, size in zip(files, sizes, strict=True)
    ]
    if sample_bytes is None:
        sample_bytes = WHOLE_BYTES if sum(texts) <= WHOLE_BYTES else SAMPLE_BYTES
    shares = _shares(texts, sample_bytes)
    names = _names(files)
    return [
        _take(file, size, share, guessed, folder / name)
        for file, size, share, name in zip(files, sizes, shares, names, strict=True)
    ]


def _shares(sizes: Sequence[int], total: int) -> list[int]:
    """Return how much of each file is taken: what small ones leave of theirs goes to large ones."""
    shares = [0] * len(sizes)
    left = total
    order = sorted(range(len(sizes)), key=lambda index: sizes[index])
    for place, index in enumerate(order):
        shares[index] = min(sizes[index], left // (len(order) - place))
        left -= shares[index]
    return shares


def _names(files: Sequence[Path]) -> Iterator[str]:
    """Yield a name for each sample by which it can be landed, its stem that of no other."""
    taken: set[str] = set()
    for number, file in enumerate(files, 1):
        name = file.name if is_csv(file.name) else f"{file.name}.csv"
        if stem_of(name) in taken or not is_csv(name):
            name = f"{number}-{name}"
        taken.add(stem_of(name))
        yield name


def _is_compressed(file: Path) -> bool:
    return file.suffix.lower() in COMPRESSIONS


def _take(file: Path, size: int, share: int, guessed: Guess, target: Path) -> Sampled:
    if share >= size and not _is_compressed(file):
        return _linked(file, size, target)
    if not _is_compressed(file) and share >= 2 * _LEAST_PIECE and _has_pieces(guessed):
        count = min(_most_pieces(guessed), share // _LEAST_PIECE)
        spread = _written(_spread(file, size, share // count, count, guessed), target)
        if len(spread) > 1:
            return Sampled(file, spread, size, spread=True)
    head = read_head(file, max(_LEAST_BYTES, share))
    if head.complete:
        return _linked(file, size, target)
    return Sampled(file, _written(_beginning(head, guessed), target), size)


def _linked(file: Path, size: int, target: Path) -> Sampled:
    target.symlink_to(file.resolve())
    return Sampled(file, (target,), size, whole=True)


def _written(pieces: Iterable[bytes], target: Path) -> tuple[Path, ...]:
    """Return a file for each piece; the pieces hold their header."""
    paths = []
    for number, piece in enumerate(pieces, 1):
        path = target.with_name(f"{stem_of(target.name)}.piece-{number}.csv")
        path.write_bytes(piece)
        paths.append(path)
    return tuple(paths)


def _most_pieces(guessed: Guess) -> int:
    return max(2, min(_PIECES, _PIECES_BY_COLUMNS // len(guessed.names)))


def _grammar(guessed: Guess) -> Grammar:
    return Grammar.of(guessed.dialect, len(guessed.names), _MAX_RECORD_BYTES)


def _has_pieces(guessed: Guess) -> bool:
    dialect = guessed.dialect
    return dialect.line_end == "lf" and not is_wide(dialect) and can_align(_grammar(guessed))


def _spread(file: Path, size: int, length: int, count: int, guessed: Guess) -> Iterator[bytes]:
    """Yield `count` pieces of whole records, spread evenly; those that cannot be cut are left out.

    The first begins with the header, the others get a copy of it.
    """
    grammar = _grammar(guessed)
    head = read_head(file, length)
    header = _header(head, guessed)
    first = up_to_a_record(grammar, head.data)
    yield first
    step = (size - len(first)) // (count - 1)
    with file.open("rb") as stream:
        for number in range(1, count):
            stream.seek(len(first) + number * step - length)
            if piece := whole_records(grammar, stream.read(length)):
                yield header + piece


def _header(head: Head, guessed: Guess) -> bytes:
    """Return the lines of the header as they stand, with a byte order mark if there is one."""
    if not guessed.dialect.header:
        return b""
    _, lines = header_of(head, guessed.dialect)
    return _first_lines(head.data, lines)


def _first_lines(data: bytes, count: int) -> bytes:
    return b"".join(line + b"\n" for line in data.split(b"\n", count)[:count])


def _beginning(head: Head, guessed: Guess) -> Iterator[bytes]:
    """Yield the whole records of `head` in pieces, each with the header, in its own encoding."""
    dialect, grammar = guessed.dialect, _grammar(guessed)
    data = head.data
    if is_wide(dialect):
        decoder = codecs.getincrementaldecoder(dialect.encoding)("replace")
        data = decoder.decode(data).encode()
    if dialect.line_end == "cr":
        data = swap_line_ends(data)
    _, lines = header_of(head, dialect)
    header = _first_lines(data, lines) if dialect.header else b""
    length = max(_LEAST_PIECE, len(data) // _most_pieces(guessed))
    start = 0
    while start < len(data):
        piece = up_to_a_record(grammar, data[start : start + length])
        if piece:
            yield _as_delivered(header + piece if start else piece, dialect)
            start += len(piece)
        elif start + length < len(data):
            length *= 2  # one record is longer than that
        else:
            return


def _as_delivered(data: bytes, dialect: Csv) -> bytes:
    if dialect.line_end == "cr":
        data = swap_line_ends(data)
    return data.decode().encode(dialect.encoding) if is_wide(dialect) else data
