"""Where records start and end in a piece from the middle of a file.

A line end in the middle of a file may stand inside a quoted field, so a line start proves nothing.
A piece is used from a line on only when two things hold:

1. it and the lines after it are each a complete record by themselves, all columns there and no
   stray quote (`PROOF_LINES` of them, or `QUOTELESS_LINES` when 2. has no quote to go by); the
   same is asked of the last lines;
2. the place is not inside a quoted field. If it were, the first quote after it would close that
   field, and a delimiter or a line end would follow; where something else follows, the place is
   outside. A piece without any quote would have to lie in one field as a whole: with so many
   lines that each have the dataset's own number of fields, that is taken for records.

So only a field longer than the piece that holds a table of the dataset's own width can deceive
it, which `csv_scan` takes for records too. With one column every line is complete, which proves
nothing: such a file has no pieces from its middle unless it has no quoting, nor has one whose
quotes are escaped by another character than themselves.
"""

from lakehouse_pipeline.lake.csv_fast import line_starts
from lakehouse_pipeline.lake.csv_grammar import Grammar
from lakehouse_pipeline.lake.csv_scan import Scanner

PROOF_LINES = 5
QUOTELESS_LINES = 20
_LINE_ENDS = (b"\n", b"\r", b"")
_TAIL_LINES = 1000


def can_align(grammar: Grammar) -> bool:
    """Return whether records can be found in the middle of a file of this grammar."""
    if not grammar.quote:
        return True
    return grammar.columns > 1 and grammar.doubles_quotes


def whole_records(grammar: Grammar, piece: bytes) -> bytes:
    """Return the part of `piece` that is whole records; nothing when that cannot be proven.

    `piece` starts and ends anywhere.
    """
    starts = line_starts(piece).tolist()[1:-1]  # neither the first line nor the last is whole
    lines = len(starts) - 1
    needed = PROOF_LINES if grammar.quote and grammar.quote in piece else QUOTELESS_LINES
    first = _proven(grammar, piece, starts, range(lines), needed)
    last = _proven(grammar, piece, starts, range(lines - 1, -1, -1), needed)
    if first is None or last is None or not _is_outside(grammar, piece, starts[first]):
        return b""
    return piece[starts[first] : starts[last + 1]]


def up_to_a_record(grammar: Grammar, piece: bytes) -> bytes:
    """Return `piece`, which starts at a record, up to the end of its last whole one.

    Where the last lines do not show where that is, all of it is read record by record.
    """
    starts = line_starts(piece).tolist()
    if not piece.endswith(b"\n"):
        starts.pop()
    lines = len(starts) - 1
    if not grammar.quote:
        return piece[: starts[-1]]
    looked_at = range(lines - 1, max(-1, lines - 1 - _TAIL_LINES), -1)
    last = None
    if grammar.columns > 1:
        last = _proven(grammar, piece, starts, looked_at, QUOTELESS_LINES)
    if last is not None:
        return piece[: starts[last + 1]]
    scanner, line = Scanner(grammar, piece[: starts[-1]], starts, final=False), 0
    while line < lines and (record := scanner.record(line)) is not None:
        line = record.after
    return piece[: starts[line]]


def _proven(
    grammar: Grammar, piece: bytes, starts: list[int], lines: range, needed: int
) -> int | None:
    """Return the first of `lines` from which `needed` are complete; None if there is none."""
    begun, length = None, 0
    for line in lines:
        if grammar.complete_line.match(piece, starts[line], starts[line + 1]) is None:
            begun, length = None, 0
            continue
        begun = line if begun is None else begun
        length += 1
        if length == needed:
            return begun
    return None


def _is_outside(grammar: Grammar, piece: bytes, position: int) -> bool:
    """Return whether `position` cannot be inside a quoted field that closes within the piece."""
    quote = grammar.quote
    while quote and (found := piece.find(quote, position)) >= 0:
        after = piece[found + 1 : found + 2]
        if after != quote:
            return after not in (grammar.delimiter, *_LINE_ENDS)
        position = found + 2  # an escaped one, if this is inside
    return True
