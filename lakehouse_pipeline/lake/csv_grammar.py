"""What a record of one dialect looks like, as both parsers understand it.

- A field that starts with the quote ends at the quote before a delimiter or a line end; inside
  it the quote is written doubled, or behind the escape character when that is another one.
  The escape character before anything else is text.
- A quote inside a field that does not start with one is text, kept as it stood, and so is an
  escape character outside quotes.
- LF ends a line, and so does CRLF unless the line end is `cr`. A quoted field may hold line ends.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from lakehouse_pipeline.contracts.model import Csv


@dataclass(frozen=True)
class Grammar:
    """A dialect in bytes, for a dataset of `columns` columns.

    `quote` is empty without quoting. `long_field_lines` is how many lines of a quoted field are
    looked at before its opening quote is judged without its closing one (see `csv_scan`).
    """

    delimiter: bytes
    quote: bytes
    escape: bytes
    crlf: bool
    columns: int
    max_record_bytes: int
    long_field_lines: int = 1000

    @classmethod
    def of(cls, dialect: Csv, columns: int, max_record_bytes: int) -> "Grammar":
        """Return the grammar of a contract's dialect."""
        return cls(
            delimiter=dialect.delimiter.encode(),
            quote=dialect.quote.encode(),
            escape=(dialect.escape or dialect.quote).encode(),
            crlf=dialect.line_end == "lf",
            columns=columns,
            max_record_bytes=max_record_bytes,
        )

    @property
    def doubles_quotes(self) -> bool:
        """Whether a quote inside a quoted field is written twice."""
        return self.escape == self.quote

    def content_end(self, data: bytes, start: int, end: int) -> int:
        """Return where the line `data[start:end]` ends when its line end is left out."""
        if end > start and data[end - 1] == ord("\n"):
            end -= 1
            if self.crlf and end > start and data[end - 1] == ord("\r"):
                end -= 1
        return end

    def unescaped(self, inner: bytes) -> bytes:
        """Return what stands between a field's quotes, as the value it means."""
        if self.doubles_quotes:
            return inner.replace(self.quote * 2, self.quote)
        return self._escaped.sub(rb"\1", inner) if self.escape in inner else inner

    @cached_property
    def special(self) -> re.Pattern[bytes]:
        """Find the next quote or escape character."""
        return re.compile(b"[" + re.escape(self.quote) + re.escape(self.escape) + b"]")

    @cached_property
    def complete_line(self) -> re.Pattern[bytes]:
        """Match a line that is by itself a record of all columns, without a stray quote."""
        quote, escape = re.escape(self.quote), re.escape(self.escape)
        if self.doubles_quotes:
            inner = b"[^%b]*+(?:%b%b[^%b]*+)*+" % (quote, quote, quote, quote)
        else:
            inner = b"(?:[^%b%b]|%b(?s:.))*+" % (quote, escape, escape)
        plain = b"[^%b%b\n]*+" % (quote, re.escape(self.delimiter))
        field = b"(?:%b%b%b|%b)" % (quote, inner, quote, plain)
        more = b"(?:%b%b){%d}" % (re.escape(self.delimiter), field, self.columns - 1)
        return re.compile(field + more + rb"\r?\n?\Z")

    @cached_property
    def one_record_line(self) -> str:
        r"""RE2 for a line that is by itself one record, of any number of fields.

        It leaves out what the fast parser would read otherwise than this grammar: blank lines
        of a dataset of several columns, NUL, a CR that ends no line, an escape inside quotes.
        """
        quote, escape, delimiter = (
            rf"\x{{{char[0]:02x}}}" if char else ""
            for char in (self.quote, self.escape, self.delimiter)
        )
        never = r"\r\n\x{00}"
        plain = f"[^{quote}{delimiter}{never}][^{delimiter}{never}]*"
        inner = f"[^{quote}{escape}{never}]*"
        if self.doubles_quotes:
            inner += f"(?:{quote}{quote}{inner})*"
        field = f"(?:{plain}|{quote}{inner}{quote}|)" if self.quote else f"(?:{plain}|)"
        repeat = "+" if self.columns > 1 else "*"
        line_end = r"(?:\r?\n)?" if self.crlf else r"\n?"
        return rf"\A{field}(?:{delimiter}{field}){repeat}{line_end}\z"

    @cached_property
    def _escaped(self) -> re.Pattern[bytes]:
        either = b"[" + re.escape(self.quote) + re.escape(self.escape) + b"]"
        return re.compile(re.escape(self.escape) + b"(" + either + b")")
