"""The encoding of bytes that nobody has described: guessed, for drafts of contracts only.

A byte order mark decides, then valid UTF-8, then `charset_normalizer` among the encodings that
CSV files are really written in. Bytes that are no text at all are refused here.
"""

import codecs
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from charset_normalizer import from_bytes

from lakehouse_pipeline.errors import NoDraftError

ENCODINGS = (
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp850",
    "mac_roman",
    "shift_jis",
    "euc_jp",
    "gb18030",
    "big5",
    "euc_kr",
)
"""What is guessed when it is not Unicode; the first one whenever it is as likely as another."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "gzip without .gz at the end of its name"),
    (b"\x28\xb5\x2f\xfd", "zstd without .zst at the end of its name"),
    (b"SQLite format 3", "a SQLite database"),
)
_NO_TEXT = bytes(b for b in range(32) if b not in b"\t\n\r\f\x1b\x1c\x1d\x1e\x1f\x01")
_MOST_CONTROLS = 0.01  # of a text's bytes
_MOST_LINES = 2000  # not ASCII, that charset_normalizer is shown
_UNSURE = 0.1  # of a guess: how much it is like a language, from 0 to 1
_MOST_TOGETHER = 0.2
_ACCENT = re.compile("[À-ÖØ-öø-ÿŠšŽžŒœŸ]")
_ACCENTS = re.compile(f"{_ACCENT.pattern}{{2,}}")
_MOST_SIGNS = 0.1  # inside words, for each letter that is not ASCII
_BETWEEN_LETTERS = "\u2019\u2013\u2014\u2026\u00b7\u00ad"  # apostrophe, dashes, dots, soft hyphen
_MULTIBYTE = frozenset({"shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"})
_SAVE_AS_CSV = "Save it as CSV and try again."


def guess_encoding(path: Path, head: bytes) -> str:
    """Return the Python codec that reads `head`, the beginning of a file in whole lines.

    Raises: NoDraftError: it is no text.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    for magic, what in _MAGIC:
        if head.startswith(magic):
            raise NoDraftError(path, f"it is {what}", _SAVE_AS_CSV)
    if wide := _utf_16(head):
        return wide
    controls = len(head) - len(head.translate(None, _NO_TEXT))
    if controls > _MOST_CONTROLS * len(head):
        raise NoDraftError(path, "it is binary, not text", _SAVE_AS_CSV)
    lines = [line for line in head.splitlines() if not line.isascii()]
    return encoding_of(lines) if lines else "utf-8"


def encoding_of(lines: Sequence[bytes]) -> str:
    """Return the encoding of lines that are not ASCII: UTF-8 if most of them are, else a guess."""
    foreign = [line for line in lines if not _is_utf8(line)]
    if 2 * len(foreign) <= len(lines):
        return "utf-8"
    return _guessed(foreign[:_MOST_LINES])


def _utf_16(head: bytes) -> str:
    """Return UTF-16's name when the text is mostly ASCII written in two bytes, else nothing."""
    half = len(head) // 2
    for encoding, first in (("utf-16-le", 1), ("utf-16-be", 0)):
        if half and 2 * head[first::2].count(0) > half and not head[1 - first :: 2].count(0):
            return encoding
    return ""


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _guessed(lines: Iterable[bytes]) -> str:
    text = b"\n".join(lines)
    able = [encoding for encoding in ENCODINGS if _is_readable(text, encoding)]
    found = from_bytes(text, cp_isolation=able or list(ENCODINGS), preemptive_behaviour=False)
    best = found.best()
    usual = ENCODINGS[0]
    if best is None or (best.coherence <= _UNSURE and usual in able and _is_western(text)):
        return usual
    rank = (best.chaos, -best.coherence)
    alike = {
        encoding
        for match in found
        if (match.chaos, -match.coherence) <= rank
        for encoding in match.could_be_from_charset  # those that give the same text
    }
    return next((encoding for encoding in able if encoding in alike), best.encoding)


def _is_readable(text: bytes, encoding: str) -> bool:
    """Return whether the text can be read so, with signs inside words as a rare exception."""
    try:
        decoded = text.decode(encoding)
    except UnicodeDecodeError:
        return False
    if encoding in _MULTIBYTE:
        return True
    accents = sum(c.isalpha() and not c.isascii() for c in decoded)
    inside = zip(decoded, decoded[1:], decoded[2:], strict=False)
    signs = sum(a.isalpha() and _is_sign(b) and c.isalpha() for a, b, c in inside)
    return signs <= _MOST_SIGNS * accents


def _is_sign(character: str) -> bool:
    return not (character.isascii() or character.isalpha() or character in _BETWEEN_LETTERS)


def _is_western(text: bytes) -> bool:
    """Return whether letters with accents seldom stand side by side, as in western languages."""
    decoded = text.decode(ENCODINGS[0])
    accents = len(_ACCENT.findall(decoded))
    return sum(map(len, _ACCENTS.findall(decoded))) <= _MOST_TOGETHER * accents
