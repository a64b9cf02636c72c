"""The formats of a string column as regular expressions (RE2), and their names in words.

What they mean without a regular expression is in `string_formats.py`.
"""

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"({_OCTET}\.){{3}}{_OCTET}"
_GROUP = "[0-9a-fA-F]{1,4}"
_LAST_TWO = f"({_GROUP}:{_GROUP}|{_IPV4})"
_IPV6 = "|".join(  # as the grammar of RFC 3986 has it: `::` stands for the groups that are missing
    [f"({_GROUP}:){{6}}{_LAST_TWO}"]
    + [f"(({_GROUP}:){{0,{4 - n}}}{_GROUP})?::({_GROUP}:){{{n}}}{_LAST_TWO}" for n in range(5)]
    + [f"::({_GROUP}:){{5}}{_LAST_TWO}"]
    + [f"(({_GROUP}:){{0,5}}{_GROUP})?::{_GROUP}", f"(({_GROUP}:){{0,6}}{_GROUP})?::"]
)

FORMATS = {
    "email": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "uuid": r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
    "uri": r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s]+$",
    "hostname": r"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*"
    r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
    "ipv4": f"^{_IPV4}$",
    "ipv6": f"^({_IPV6})$",
}
"""Formats of a string column (JSON Schema's names) as patterns."""

FORMAT_NAMES = {
    "email": "an e-mail address",
    "uuid": "a UUID",
    "uri": "a URI",
    "hostname": "a host name",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
}
