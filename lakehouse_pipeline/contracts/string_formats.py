"""What the named formats of a string column mean, in Python.

The second opinion to the patterns of `layers/rules.py`, for `record_schema.py`. The formats are
those of JSON Schema, as a person who fills in a table understands them.
"""

from collections.abc import Callable, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_BLANKS = frozenset("\t\n\f\r ")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = frozenset("0123456789")
_HEX = frozenset("0123456789abcdefABCDEF")
_UUID = (8, 4, 4, 4, 12)
_LABEL = 63


def is_format(name: str, text: str) -> bool:
    """Return whether `text` is written as the format `name` asks."""
    return _FORMATS[name](text)


def _email(text: str) -> bool:
    """One `@`, something before it, and behind it a name with a dot inside; no blanks."""
    local, at, domain = text.partition("@")
    if not local or not at or "@" in domain or _BLANKS & set(text):
        return False
    return "." in domain[1:-1]


def _uuid(text: str) -> bool:
    groups = text.split("-")
    return tuple(map(len, groups)) == _UUID and set("".join(groups)) <= _HEX


def _uri(text: str) -> bool:
    """A scheme, a colon and something behind it; no blanks."""
    scheme, colon, rest = text.partition(":")
    known = _LETTERS | _DIGITS | frozenset("+.-")
    if not colon or not rest or not scheme or _BLANKS & set(rest):
        return False
    return scheme[0] in _LETTERS and set(scheme) <= known


def _hostname(text: str) -> bool:
    """Labels of 1 to 63 letters, digits and inner hyphens, with dots between them."""
    return all(
        0 < len(label) <= _LABEL
        and set(label) <= _LETTERS | _DIGITS | {"-"}
        and not label.startswith("-")
        and not label.endswith("-")
        for label in text.split(".")
    )


def _ipv4(text: str) -> bool:
    """Four numbers from 0 to 255 without leading zeros, with dots between them."""
    return _is_address(IPv4Address, text)


def _ipv6(text: str) -> bool:
    """As RFC 4291 writes it: eight groups, `::` for zeros, the end as IPv4; no zone (`%eth0`)."""
    return "%" not in text and _is_address(IPv6Address, text)


def _is_address(kind: Callable[[str], object], text: str) -> bool:
    try:
        kind(text)
    except AddressValueError:
        return False
    return True


_FORMATS: Mapping[str, Callable[[str], bool]] = {
    "email": _email,
    "uuid": _uuid,
    "uri": _uri,
    "hostname": _hostname,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
}
