"""Versions of a contract: `1.2.3` or `1.2.3-rc.1`, compared as Semantic Versioning 2.0.0 says.

Build metadata (`+...`) is not taken: two versions that compare equal would share one file name.
"""

import re

_NUMBER = r"(?:0|[1-9][0-9]{0,8})"
_VERSION = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
MAX_LENGTH = 60

VersionKey = tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]


def version_key(version: str) -> VersionKey | None:
    """Return what `version` sorts by, or None if it is not a semantic version."""
    match = _VERSION.fullmatch(version) if len(version) <= MAX_LENGTH else None
    if match is None:
        return None
    parts = match[4].split(".") if match[4] else []
    released = match[4] is None
    return (int(match[1]), int(match[2]), int(match[3]), released, tuple(map(_part, parts)))


def _part(part: str) -> tuple[bool, int, str]:
    """Numbers sort before words, and by their value (section 11 of the standard)."""
    return (False, int(part), "") if part.isdigit() else (True, 0, part)
