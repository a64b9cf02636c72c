"""Physical lines: counted as the bytes stream by, and cut into blocks of whole lines.

The count comes from here and from nowhere else, so that it can be held against what the parsers
(`csv_fast`, `csv_scan`) say they read.

With the line end `cr` a lone carriage return ends a line and a line feed is data. The two are
swapped on the way in (`swap_line_ends`), so that all other modules know one line end, and swapped
back in what comes out.
"""

from collections.abc import Iterator

import numpy as np

_SWAPPED = bytes.maketrans(b"\r\n", b"\n\r")
_SWAPPED_TEXT = str.maketrans("\r\n", "\n\r")


def swap_line_ends(data: bytes) -> bytes:
    """Return `data` with each CR as LF and each LF as CR; doing it twice gives `data`."""
    return data.translate(_SWAPPED)


def swap_line_ends_in_text(text: str) -> str:
    """Return `text` with each CR as LF and each LF as CR; doing it twice gives `text`."""
    return text.translate(_SWAPPED_TEXT)


class LineCounter:
    """Counts physical lines: line ends, and one more when the last line has none."""

    def __init__(self, line_end: bytes) -> None:
        self._end = line_end[0]
        self._ends = 0
        self._last = self._end

    def feed(self, chunk: bytes) -> None:
        """Count the line ends of the next non-empty chunk."""
        self._ends += int(np.count_nonzero(np.frombuffer(chunk, np.uint8) == self._end))
        self._last = chunk[-1]

    @property
    def lines(self) -> int:
        """The physical lines of all chunks so far."""
        return self._ends + (self._last != self._end)


def cut(chunks: Iterator[bytes], max_line_bytes: int) -> Iterator[bytes]:
    """Yield the same bytes in blocks that end at a line feed; only the last may end without.

    A line longer than `max_line_bytes` ends the iteration with the part of it that was read,
    which is longer too: whoever takes that line for a record finds it too long.
    """
    parts: list[bytes | memoryview] = []
    held = 0
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        if end:
            yield b"".join((*parts, memoryview(chunk)[:end]))
            parts, held = [], 0
        if end < len(chunk):
            parts.append(chunk[end:])
            held += len(chunk) - end
        if held > max_line_bytes:
            break
    if parts:
        yield b"".join(parts)
