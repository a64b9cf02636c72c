"""Which language a page is in: what the address asks for, else what the browser prefers."""

from collections.abc import Iterator
from typing import get_args

from starlette.requests import Request

from lakehouse_pipeline.layers.sentences import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)


def asked_language(request: Request) -> Language | None:
    """Return the language that `?lang=` names, None without one of ours."""
    asked = request.query_params.get("lang")
    return next((language for language in LANGUAGES if language == asked), None)


def language_of(request: Request) -> Language:
    """Return the language for the one who asks; English when nothing else fits."""
    if asked := asked_language(request):
        return asked
    for tag in _preferred(request.headers.get("accept-language", "")):
        for language in LANGUAGES:
            if tag.partition("-")[0] == language:
                return language
    return "en"


def _preferred(header: str) -> Iterator[str]:
    """Yield the tags of an `Accept-Language` header, the most wanted first (RFC 9110, 12.5.4)."""
    weighted = []
    for entry in header.lower().split(","):
        tag, _, weight = entry.partition(";")
        weighted.append((-_weight(weight), tag.strip()))
    return (tag for weight, tag in sorted(weighted, key=lambda found: found[0]) if weight < 0)


def _weight(parameter: str) -> float:
    if not parameter:
        return 1.0
    try:
        return float(parameter.strip().removeprefix("q="))
    except ValueError:
        return 0.0
