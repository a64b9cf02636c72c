"""Encodings: the file's bytes as UTF-8 for the parsers, and back for what is set aside.

Three ways, by the encoding of the contract:

- UTF-8 goes through as it is; bytes that are not UTF-8 are found by the parsers, per record.
- An encoding in which a line feed is the byte 0A and nothing else (latin-1, cp1252, shift_jis,
  gb18030 ...) is decoded block by block. A line that does not decode is kept in the stream with
  a byte that UTF-8 never holds, so that its record, and no other, is broken.
- The others (UTF-16, UTF-32, EBCDIC, the escape-sequence encodings) are decoded as one stream.
  There a bad byte leaves no line to hold on to, so the file is refused.
"""

import codecs
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from lakehouse_pipeline.contracts.model import Csv
from lakehouse_pipeline.errors import EncodingError
from lakehouse_pipeline.lake.csv_lines import swap_line_ends

_BOM = "\ufeff"
_BOM_BYTES = 4  # of the longest one
_NOT_FOR_FILES = {"unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"}
_STATEFUL = ("utf-16", "utf-32", "utf-7", "hz", "iso2022")


@dataclass(frozen=True, slots=True)
class Block:
    """Whole physical lines: `data` as UTF-8, `source` as delivered, line by line the same.

    Both are the same object when the file is UTF-8 already, or was decoded as a stream.
    """

    data: bytes
    source: bytes


class Charset:
    """The encoding and line end of one file.

    Raises:
        EncodingError: Python knows no encoding of that name for files.
    """

    def __init__(self, file: str, dialect: Csv) -> None:
        self._file = file
        self.encoding = dialect.encoding
        self._codec = _codec_name(file, dialect.encoding)
        self._swapped = dialect.line_end == "cr"
        self._utf8 = self._codec in ("utf-8", "utf-8-sig")
        self._streamed = self._codec.startswith(_STATEFUL) or not _keeps_line_ends(self._codec)
        self._ascii = not self._streamed and _is_ascii_superset(self._codec)
        self._encode_as = self._codec
        self._marked = False

    def stream(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the chunks in an encoding that can be cut into lines: UTF-8, or unchanged.

        Raises:
            EncodingError: a stream encoding meets bytes it cannot decode.
        """
        return self._decoded(chunks) if self._streamed else chunks

    def block(self, source: bytes) -> Block:
        """Return a block of whole lines (as `cut` gives them) with its UTF-8 text beside it."""
        if self._utf8 or self._streamed or (self._ascii and source.isascii()):
            return Block(source, source)
        try:
            return Block(source.decode(self._codec).encode(), source)
        except UnicodeDecodeError:
            lines = source.split(b"\n")
            return Block(b"\n".join(map(self._line, lines)), source)

    def first_block(self, source: bytes) -> Block:
        """Return the file's first block, without a byte order mark."""
        block = self.block(source)
        if not block.data.startswith(codecs.BOM_UTF8):
            return block
        data = block.data.removeprefix(codecs.BOM_UTF8)
        if block.source is block.data:
            return Block(data, data)
        return Block(data, source.removeprefix(_BOM.encode(self._codec)))

    def original(self, source: bytes) -> bytes:
        """Return the bytes as they were delivered, from a piece of a block's `source`."""
        if self._swapped:
            source = swap_line_ends(source)
        return source.decode().encode(self._encode_as) if self._streamed else source

    def delivered(self, text: bytes, *, first: bool) -> bytes:
        """Return a piece of what `stream` yields as it is delivered; the `first` with its mark."""
        if not self._streamed:
            return text
        mark = _BOM.encode(self._encode_as) if first and self._marked else b""
        return mark + text.decode().encode(self._encode_as)

    def _decoded(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(self._codec)()
        line_end, line, head = "\r" if self._swapped else "\n", 1, b""
        try:
            for chunk in chunks:
                head = head if len(head) >= _BOM_BYTES else (head + chunk)[:_BOM_BYTES]
                self._encode_as = _with_byte_order(self._codec, head)
                self._marked = _is_marked(self._codec, head)
                if text := decoder.decode(chunk):
                    line += text.count(line_end)
                    yield text.encode()
            decoder.decode(b"", final=True)
        except UnicodeError as error:
            reason = getattr(error, "reason", "bad bytes")
            raise EncodingError(
                self._file, self.encoding, f"{reason} (at line {line} or soon after)"
            ) from error

    def _line(self, line: bytes) -> bytes:
        try:
            return line.decode(self._codec).encode()
        except UnicodeDecodeError:
            text = line.decode(self._codec, "replace").encode()
            return text.replace("\ufffd".encode(), b"\xff")


def _codec_name(file: str, encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        _keeps_line_ends(name)
    except LookupError as error:
        raise EncodingError(file, encoding, "no encoding of that name is known") from error
    if name in _NOT_FOR_FILES:
        raise EncodingError(file, encoding, "this is no encoding for files")
    return name


def _keeps_line_ends(codec: str) -> bool:
    try:
        return b"\r\n".decode(codec) == "\r\n"
    except UnicodeError:
        return False


def _is_ascii_superset(codec: str) -> bool:
    ascii_bytes = bytes(range(128))
    return ascii_bytes.decode(codec, "replace").encode() == ascii_bytes


def _is_marked(codec: str, head: bytes) -> bool:
    """Return whether the decoder took a byte order mark from the start of the file."""
    marks = {
        "utf-16": (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE),
        "utf-32": (codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE),
    }
    return head.startswith(marks.get(codec, ())) if codec in marks else False


def _with_byte_order(codec: str, head: bytes) -> str:
    if codec not in ("utf-16", "utf-32"):
        return codec
    big = codecs.BOM_UTF16_BE if codec == "utf-16" else codecs.BOM_UTF32_BE
    little = codecs.BOM_UTF16_LE if codec == "utf-16" else codecs.BOM_UTF32_LE
    if head.startswith((big, little)):
        return codec + ("-be" if head.startswith(big) else "-le")
    return codec + ("-le" if sys.byteorder == "little" else "-be")
