"""The careful parser: one record at a time, over the physical lines of a window of the file.

`Scanner` finds where a record ends and what its fields are, exactly as `csv_grammar` says. It
does not judge the values; that is `csv_records`.

**A quote that is not closed** must not swallow the records behind it. The record is then broken
and ends with its first physical line; reading goes on at the very next line. This is so when

1. text follows the closing quote (`"a"b,c`): most often the quote that seems to close the field
   opens another one, some lines later;
2. the file ends inside the field;
3. a later quote closes the field by accident: at least half of the lines inside the field are
   complete records by themselves, all columns there and no stray quote, **and** the line with
   the closing quote has the right number of fields too when it is read by itself. A field of
   more than `long_field_lines` lines (1000) is judged by so many of its lines alone, so that a
   quote never holds back more of the file than that.

The third is for datasets of two or more columns; in one column every line is a record, which
proves nothing. Text over several lines, JSON or addresses in a quoted field are read as what they
are: their last line does not look like a record. A field that holds a table with the dataset's
own number of columns is the case that this rule gets wrong; it is then set aside, not lost.

**Cost.** A closing quote is looked for once per line. When a record turns out broken after it
reached into line k, so does every record that starts before line k and reaches into its next
line: it runs into the same quotes. So `_broken_to` remembers k, and no stretch is read twice.
(For the proof: a line that opens a field which it does not close cannot at the same time lie
wholly inside a quoted field, for its opening quote would close that field.)
"""

from bisect import bisect_right
from typing import NamedTuple

from lakehouse_pipeline.lake.csv_grammar import Grammar

NOT_CLOSED = "a quoted field is not closed before the end of the file"
SWALLOWS = "a quoted field is not closed: the lines after it are records by themselves"
TEXT_AFTER = "text stands between the closing quote of a field and the next delimiter"

_MORE_NEEDED = -1
_BROKEN = -2


class RecordLimitError(Exception):
    """A record is longer than the grammar's `max_record_bytes`."""


class Record(NamedTuple):
    """A record's extent and content: the lines up to `after`; no fields when quoting is broken."""

    after: int
    fields: list[bytes] | None
    problem: str = ""


class Scanner:
    """Reads records out of `data`, whose physical lines start at `starts` (its length last).

    `final` says that no more data follows.
    """

    def __init__(self, grammar: Grammar, data: bytes, starts: list[int], *, final: bool) -> None:
        self._grammar = grammar
        self._quote = grammar.quote
        self._doubles = grammar.doubles_quotes
        self._delimiter = grammar.delimiter
        self._data = data
        self._starts = starts
        self._final = final
        self._broken_to = 0
        self._problem = ""

    def record(self, line: int) -> Record | None:
        """Return the record that starts with physical line `line`; None when it needs more data.

        Raises:
            RecordLimitError: it is longer than the limit.
        """
        start, end = self._starts[line], self._starts[line + 1]
        if end - start > self._grammar.max_record_bytes:
            raise RecordLimitError
        line_stop = self._grammar.content_end(self._data, start, end)
        text = self._data[start:line_stop]
        if not self._quote or self._quote not in text:
            return Record(line + 1, text.split(self._delimiter))
        return self._quoted(line, start, line_stop)

    def _quoted(self, line: int, start: int, line_stop: int) -> Record | None:
        data, quote, delimiter = self._data, self._quote, self._delimiter
        at, position = line, start
        fields: list[bytes] = []
        while True:
            if data.startswith(quote, position):
                close = data.find(quote, position + 1, line_stop) if self._doubles else -1
                if close >= 0 and not data.startswith(quote, close + 1):
                    fields.append(data[position + 1 : close])
                else:
                    close = self._close(start, at, position)
                    if close < 0:
                        return self._without_close(line, close)
                    fields.append(self._grammar.unescaped(data[position + 1 : close]))
                position = close + 1
                if close >= line_stop:
                    at = self._line_of(close)
                    line_stop = self._content_end(at)
            else:
                stop = data.find(delimiter, position, line_stop)
                stop = line_stop if stop < 0 else stop
                fields.append(data[position:stop])
                position = stop
            if position == line_stop:
                self._limit(start, self._starts[at + 1])
                return Record(at + 1, fields)
            if not data.startswith(delimiter, position):
                return self._text_after(line, at)
            position += 1

    def _close(self, start: int, at: int, opening: int) -> int:
        """Return where the field that opens in line `at` closes, or why that is not known."""
        close = self._next_close(opening + 1, self._starts[at + 1])
        if close >= 0:
            return close
        return _BROKEN if at < self._broken_to else self._close_beyond(start, at)

    def _close_beyond(self, start: int, at: int) -> int:
        inside, lines = at + 1, len(self._starts) - 1
        judged = inside + self._grammar.long_field_lines
        near = self._starts[min(judged, lines)]
        close = self._next_close(self._starts[inside], near)
        if close >= 0:
            self._limit(start, close)
            return self._judged(at, close)
        if judged <= lines:
            self._limit(start, near)
            if self._are_records(inside, judged):
                return self._fail(judged, SWALLOWS)
            close = self._next_close(near, len(self._data))
        self._limit(start, close if close >= 0 else len(self._data))
        if close >= 0:
            return close
        return self._fail(lines, NOT_CLOSED) if self._final else _MORE_NEEDED

    def _judged(self, at: int, close: int) -> int:
        """Return `close` unless it closes the field by accident."""
        last = self._line_of(close)
        accident = self._are_records(at + 1, last) and self._resembles_a_record(last)
        return self._fail(last, SWALLOWS) if accident else close

    def _are_records(self, first: int, after: int) -> bool:
        """Whether at least half of the lines are complete records by themselves."""
        if self._grammar.columns == 1 or first >= after:
            return False
        return 2 * sum(map(self._is_complete, range(first, after))) >= after - first

    def _is_complete(self, line: int) -> bool:
        start, end = self._starts[line], self._starts[line + 1]
        return self._grammar.complete_line.match(self._data, start, end) is not None

    def _resembles_a_record(self, line: int) -> bool:
        start, end = self._starts[line], self._starts[line + 1]
        delimiters = self._data.count(self._delimiter, start, end)
        return delimiters == self._grammar.columns - 1 or self._is_complete(line)

    def _next_close(self, position: int, limit: int) -> int:
        """Return the first quote in `[position, limit)` that is not an escaped one, or -1."""
        data, quote = self._data, self._quote
        if not self._doubles:
            return self._next_unescaped(position, limit)
        while (found := data.find(quote, position, limit)) >= 0:
            if not data.startswith(quote, found + 1):
                break
            position = found + 2
        return found

    def _next_unescaped(self, position: int, limit: int) -> int:
        special = self._grammar.special
        while found := special.search(self._data, position, limit):
            if found.group() == self._quote:
                return found.start()
            position = found.end() + (special.match(self._data, found.end(), limit) is not None)
        return -1

    def _without_close(self, line: int, why: int) -> Record | None:
        return None if why == _MORE_NEEDED else Record(line + 1, None, self._problem)

    def _text_after(self, line: int, at: int) -> Record:
        if at > line:
            self._fail(at, TEXT_AFTER)
        return Record(line + 1, None, TEXT_AFTER)

    def _fail(self, reached: int, problem: str) -> int:
        """Remember how far a broken record reached; see the module's docstring."""
        self._broken_to, self._problem = reached, problem
        return _BROKEN

    def _limit(self, start: int, end: int) -> None:
        if end - start > self._grammar.max_record_bytes:
            raise RecordLimitError

    def _line_of(self, position: int) -> int:
        return bisect_right(self._starts, position) - 1

    def _content_end(self, line: int) -> int:
        return self._grammar.content_end(self._data, self._starts[line], self._starts[line + 1])
