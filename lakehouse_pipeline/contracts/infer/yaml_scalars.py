"""Texts as YAML scalars and as comments, in flow or block style, read back as the same text."""

import re

import yaml

_PLAIN = re.compile(r"[^\W\d]\w*(?: \w+)*")
_WIDE = 1 << 30


def scalar(text: str) -> str:
    """Return a text as a scalar: plain where that is safe, else in quotes."""
    if _PLAIN.fullmatch(text) and text.isprintable():
        return _dumped(text, None)
    return _dumped(text, '"' if not text.strip() or not text.isprintable() else "'")


def comment(text: str) -> str:
    """Return a text as a comment can hold it: on one line, without control characters."""
    return "".join(c if c.isprintable() else " " for c in text)


def _dumped(text: str, style: str | None) -> str:
    dumped = yaml.safe_dump(text, default_style=style, width=_WIDE, allow_unicode=True)
    return str(dumped).removesuffix("\n").removesuffix("\n...")
