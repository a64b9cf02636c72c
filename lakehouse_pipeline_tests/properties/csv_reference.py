"""The rules for reading CSV once more, written as plainly as can be: what the reader must equal.

Byte by byte, no blocks, no memory of what was seen before, quadratic. Shares no code with the
reader.
"""

from dataclasses import dataclass

from lakehouse_pipeline.contracts.model import Csv

LINES_JUDGED = 1000


@dataclass(frozen=True)
class Read:
    """A record with its values, or with the rule it breaks, and the bytes it stood in."""

    values: tuple[str, ...] | None
    rule: str
    text: bytes


class Reference:
    """Reads UTF-8 whose lines end in LF or CRLF."""

    def __init__(self, content: bytes, columns: int, dialect: Csv) -> None:
        self.lines = _lines(content)
        self.columns = columns
        self.delimiter = dialect.delimiter.encode()
        self.quote = dialect.quote.encode()
        self.escape = dialect.escape.encode()
        self.blank_lines = 0

    def read(self) -> list[Read]:
        """Return all records in order."""
        records, line = [], 0
        while line < len(self.lines):
            record, line = self._record(line)
            if record is not None:
                records.append(record)
        return records

    def _record(self, line: int) -> tuple[Read | None, int]:
        if self.columns > 1 and not _content(self.lines[line]):
            self.blank_lines += 1
            return None, line + 1
        found = self._fields(line, len(self.lines))
        if found is None:
            return Read(None, "record.quote", _content(self.lines[line])), line + 1
        fields, after = found
        text = _content(b"".join(self.lines[line:after]))
        if b"\0" in text:
            return Read(None, "record.nul", text), after
        try:
            values = tuple(field.decode() for field in fields)
        except UnicodeDecodeError:
            return Read(None, "record.encoding", text), after
        if len(values) != self.columns:
            return Read(None, "record.fields", text), after
        return Read(values, "", text), after

    def _fields(self, line: int, last: int) -> tuple[list[bytes], int] | None:
        """Return the fields of the record at `line` and the line after it, None if malformed."""
        fields = []
        position = 0
        while True:
            text = _content(self.lines[line])
            if self.quote and text.startswith(self.quote, position):
                closed = self._quoted(line, position + 1, last)
                if closed is None:
                    return None
                value, line, position = closed
                text = _content(self.lines[line])
            else:
                end = text.find(self.delimiter, position)
                end = len(text) if end < 0 else end
                value, position = text[position:end], end
            fields.append(value)
            if position == len(text):
                return fields, line + 1
            if not text.startswith(self.delimiter, position):
                return None
            position += 1

    def _quoted(self, first: int, position: int, last: int) -> tuple[bytes, int, int] | None:
        """Return a quoted field's value and where it ends, None if its quote is not closed."""
        value, line = b"", first
        while line < last:
            text = self.lines[line]
            while position < len(text):
                one, two = text[position : position + 1], text[position : position + 2]
                if two in (self.escape + self.quote, self.escape + self.escape):
                    value += two[1:]
                    position += 2
                elif one == self.quote:
                    return None if self._swallows(first, line) else (value, line, position + 1)
                else:
                    value += one
                    position += 1
            line, position = line + 1, 0
        return None

    def _swallows(self, first: int, last: int) -> bool:
        inside = range(first + 1, last)
        judged = inside[:LINES_JUDGED]
        if self.columns == 1 or not inside:
            return False
        if 2 * sum(self._is_complete(line) for line in judged) < len(judged):
            return False
        if len(inside) >= LINES_JUDGED:
            return True
        delimiters = self.lines[last].count(self.delimiter)
        return delimiters == self.columns - 1 or self._is_complete(last)

    def _is_complete(self, line: int) -> bool:
        """Whether a line is a record of all columns by itself, with no stray quote."""
        found = self._fields(line, line + 1)
        if found is None or len(found[0]) != self.columns:
            return False
        return self._quotes_are_all_used(_content(self.lines[line]))

    def _quotes_are_all_used(self, text: bytes) -> bool:
        """Whether no unquoted field of a well-formed line holds a quote."""
        position = 0
        while position <= len(text):
            if self.quote and text.startswith(self.quote, position):
                position += 1
                while text[position : position + 1] != self.quote or (
                    self.escape == self.quote and text[position : position + 2] == self.quote * 2
                ):
                    pair = text[position : position + 1] == self.escape
                    position += 2 if pair else 1
                position += 2
            else:
                end = text.find(self.delimiter, position)
                end = len(text) if end < 0 else end
                if self.quote and self.quote in text[position:end]:
                    return False
                position = end + 1
        return True


def _lines(content: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in content.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _content(line: bytes) -> bytes:
    if line.endswith(b"\r\n"):
        return line[:-2]
    return line.removesuffix(b"\n")
