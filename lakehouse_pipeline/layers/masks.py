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

_LONG = 2**31 - 1
"""No text of a chunk has more bytes."""

Numbers = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]


def masked_signs(
    texts: pa.ChunkedArray, first: pa.ChunkedArray, last: pa.ChunkedArray, mark: pa.ChunkedArray
) -> pa.Array | pa.ChunkedArray:
    """Return the texts with all but separators masked, these in their place; null for null.

    The first and last so many of them stay, where one between them is masked. `first`, `last` and
    `mark`, the number of a character, are the same for all texts, of which there may be none.
    """
    if not len(texts):
        return texts
    octets, starts = _octets(texts)
    sign = mark[0].as_py()
    if octets.isascii() and sign < _ASCII:
        signs, characters = _signs(_ASCII), np.frombuffer(octets, np.uint8)
        masked = np.frombuffer(bytearray(octets.translate(_table(sign))), np.uint8)
    else:
        signs = _signs(_ALL)
        characters = np.frombuffer(octets.decode().encode("utf-32-le"), "<u4")
        starts = np.append(0, np.cumsum(_begins(octets)))[starts]
        masked = np.where(signs.take(characters), np.uint32(sign), characters)
    ends = first[0].as_py(), last[0].as_py()
    if not _kept_at_the_ends(masked, characters, signs, starts, ends):
        _kept_anywhere(masked, characters, signs, starts, ends)
    return _texts(masked, starts, texts)


def _octets(texts: pa.ChunkedArray) -> tuple[bytes, Numbers]:
    """Return the bytes of all texts, and where in them each begins and the last ends."""
    held = texts.chunk(0) if texts.num_chunks == 1 else texts.combine_chunks()
    if held.type != pa.string():
        held = held.cast(pa.string())
    _, offsets, data = held.buffers()
    starts = np.frombuffer(offsets, np.int32, len(held) + 1, held.offset * 4)
    octets = memoryview(data or b"")[starts[0] : starts[-1]].tobytes()
    return octets, starts - starts[0]


def _kept_at_the_ends(
    masked: Numbers, characters: Numbers, signs: Flags, starts: Numbers, kept: tuple[int, int]
) -> bool:
    """Put back what stays, where every text begins and ends with it; return whether that is so.

    So most columns are: few steps over few characters, where `_kept_anywhere` takes many over all.
    Empty texts, as nulls are, have no part in it.
    """
    first, last = kept
    lengths = np.diff(starts)
    begin, end = starts[:-1], starts[1:]
    if not lengths.all():
        filled = lengths > 0
        lengths, begin, end = lengths[filled], begin[filled], end[filled]
    if lengths.min(initial=_LONG) < first + last + 2:
        return False
    tails = np.add.outer(np.arange(-last - 2, 0), end)
    places = np.concatenate([tails, np.add.outer(np.arange(first), begin)]) if first else tails
    there = characters[places]
    are_signs = signs.take(there)
    if not (are_signs[2:].all() and (are_signs[0] | are_signs[1]).all()):
        return False
    masked[places[2:]] = there[2:]
    return True


def _kept_anywhere(
    masked: Numbers, characters: Numbers, signs: Flags, starts: Numbers, kept: tuple[int, int]
) -> None:
    """Put back the first and last signs of each text that has one between them."""
    first, last = kept
    places = np.flatnonzero(signs.take(characters))
    bounds = np.searchsorted(places, starts)
    keeps = np.diff(bounds) > first + last
    heads = np.add.outer(np.arange(first), bounds[:-1][keeps])
    tails = np.add.outer(np.arange(-last, 0), bounds[1:][keeps])
    stays = places[np.concatenate([heads, tails])]
    masked[stays] = characters[stays]


def _begins(octets: bytes) -> Flags:
    """Return of each byte of UTF-8 whether a character begins with it."""
    begins: Flags = (np.frombuffer(octets, np.uint8) & _HIGHEST) != _GOES_ON
    return begins


def _texts(characters: Numbers, starts: Numbers, like: pa.ChunkedArray) -> pa.Array:
    """Return the texts of these characters, null where those of `like` are."""
    octets: bytes | Numbers = characters
    if characters.itemsize > 1:
        octets = characters.tobytes().decode("utf-32-le").encode()
        starts = np.append(np.flatnonzero(_begins(octets)), len(octets))[starts]
    offsets = pa.py_buffer(starts.astype(np.int32, copy=False))
    texts = pa.StringArray.from_buffers(len(like), offsets, pa.py_buffer(octets))
    return pc.if_else(like.is_valid(), texts, None) if like.null_count else texts


@cache
def _table(sign: int) -> bytes:
    """Return a table of `bytes.translate` that masks what is ASCII.

    That holds Python's lock, which NumPy lets go at each step: to get it back, while the other
    threads of DuckDB want it too, takes longer than the step.
    """
    masked = np.where(_signs(_ASCII), sign, np.arange(_ASCII))
    return bytes([*masked.tolist(), *range(_ASCII, 256)])


@cache
def _signs(count: int) -> Flags:
    """Return of each of the first characters whether it is masked."""
    kinds = (unicodedata.category(chr(sign)).startswith(SIGN_KINDS) for sign in range(count))
    return np.fromiter(kinds, np.bool_, count)
