"""The script, the style sheet and the icon of the pages; their addresses change with them."""

import hashlib
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Response

from lakehouse_pipeline.api.problems import UnknownObjectError

router = APIRouter(prefix="/portal/static", include_in_schema=False)
MEDIA_TYPES = {
    "portal.css": "text/css; charset=utf-8",
    "portal.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"


@router.get("/{name}")
def read(name: str) -> Response:
    """Give a file; it may be kept for ever, for a new one has a new address."""
    if name not in MEDIA_TYPES:
        raise UnknownObjectError("file")
    headers = {"Cache-Control": _FOR_EVER}
    return Response(_content(name), media_type=MEDIA_TYPES[name], headers=headers)


def address(name: str) -> str:
    """Return the address of a file, with a digest of what is in it."""
    return f"/portal/static/{name}?v={hashlib.sha256(_content(name)).hexdigest()[:12]}"


@cache
def _content(name: str) -> bytes:
    return (files("lakehouse_pipeline.api.portal") / "static" / name).read_bytes()
