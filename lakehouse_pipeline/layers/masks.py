"""The mask that keeps a text's format: a function over Arrow, which the SQL of `mask` calls.

DuckDB has no cheap way to replace each sign of a text (see
docs/decisions/0014-anonymization-techniques.md). Here the characters of all texts of a chunk stand
in one array; `starts` has where in it each text begins, and where the last ends.
"""

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

SIGN_KINDS = ("L", "M", "N", "So", "Sk", "Co", "Cn")
"""What is masked, by how its Unicode category begins: a letter, a mark upon one (an accent, a vowel
of Devanagari) or a digit of any script; an emoji and what gives it a colour; a character that is of
private use or newer than the Unicode of this Python. All else is a separator."""

_ASCII, _ALL = 0x80, 0x110000
_HIGHEST, _GOES_ON = 0xC0, 0x80
"""In UTF-8 the two highest bits of a byte are 10 where a character goes on."""

_LONGER_FROM = (0x80, 0x800, 0x10000)
"""From each of these characters on, UTF-8 takes a byte more."""

Numbers = npt.NDArray[np.integer]


def masked_signs(
    texts: pa.ChunkedArray, first: pa.ChunkedArray, last: pa.ChunkedArray, mark: pa.ChunkedArray
) -> pa.Array | pa.ChunkedArray:
    """Return the texts with all but separators masked, these in their place; null for null.

    The first and last so many of them stay, where one between them is masked. `first`, `last` and
    `mark`, a character, are the same for all texts, of which there may be none.
    """
    if not len(texts):
        return texts
    kept_first, kept_last, sign = first[0].as_py(), last[0].as_py(), ord(mark[0].as_py())
    characters, starts = _characters(texts, sign)
    is_sign = _signs(_ASCII if characters.itemsize == 1 else _ALL).take(characters)
    signs = np.flatnonzero(is_sign)
    bounds = np.searchsorted(signs, starts)
    keeps = np.diff(bounds) > kept_first + kept_last
    begin, end = bounds[:-1][keeps], bounds[1:][keeps]
    masked = characters.copy()
    np.putmask(masked, is_sign, sign)
    for place in [begin + n for n in range(kept_first)] + [end - n - 1 for n in range(kept_last)]:
        masked[signs[place]] = characters[signs[place]]
    return _texts(masked, starts, texts)


def _characters(texts: pa.ChunkedArray, sign: int) -> tuple[Numbers, Numbers]:
    """Return the characters of all texts, in a type that has room for `sign`, and their starts."""
    held = (texts.chunk(0) if texts.num_chunks == 1 else texts.combine_chunks()).cast(pa.string())
    _, offsets, data = held.buffers()
    starts = np.frombuffer(offsets, np.int32, len(held) + 1, held.offset * 4)
    octets = np.frombuffer(data or b"", np.uint8)[starts[0] : starts[-1]]
    starts = starts - starts[0]
    if sign < _ASCII and not (octets >= _ASCII).any():
        return octets, starts
    characters = np.frombuffer(octets.tobytes().decode().encode("utf-32-le"), "<u4")
    begins = np.append(0, np.cumsum((octets & _HIGHEST) != _GOES_ON))
    return characters, begins[starts]


def _texts(characters: Numbers, starts: Numbers, like: pa.ChunkedArray) -> pa.Array:
    """Return the texts of these characters, null where those of `like` are."""
    octets: bytes | Numbers = characters
    if characters.itemsize > 1:
        octets = characters.tobytes().decode("utf-32-le").encode()
        widths = 1 + sum((characters >= sign).astype(np.int64) for sign in _LONGER_FROM)
        starts = np.append(0, np.cumsum(widths))[starts]
    offsets = pa.py_buffer(starts.astype(np.int32))
    texts = pa.StringArray.from_buffers(len(like), offsets, pa.py_buffer(octets))
    return pc.if_else(like.is_valid(), texts, None) if like.null_count else texts


@cache
def _signs(count: int) -> npt.NDArray[np.bool_]:
    """Return of each of the first characters whether it is masked."""
    kinds = (unicodedata.category(chr(sign)).startswith(SIGN_KINDS) for sign in range(count))
    return np.fromiter(kinds, np.bool_, count)
