"""An export as an answer: `Range`, `If-Range` and `If-None-Match` are understood."""

from collections.abc import Mapping
from pathlib import Path

from fastapi import Request, Response, status
from fastapi.responses import FileResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from lakehouse_pipeline.api.problems import UnknownObjectError

MEDIA_TYPES: Mapping[str, str] = {
    ".csv": "text/csv; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.file",
}

_NO_PART = (status.HTTP_400_BAD_REQUEST, status.HTTP_416_RANGE_NOT_SATISFIABLE)
"""What `FileResponse` says, in plain text, of a `Range` that is none."""


def exported(request: Request, file: Path, filename: str) -> Response:
    """Return the file, or 304 when the client has it. Raises: UnknownObjectError: it has gone."""
    if not file.is_file():
        raise UnknownObjectError("object; ask for a new download URL")
    answer = _Export(
        file,
        media_type=MEDIA_TYPES.get(file.suffix),
        filename=filename or file.name,
        stat_result=file.stat(),
    )
    answer.headers["cache-control"] = "private, no-cache"
    if not _is_known(request, answer.headers["etag"]):
        return answer
    kept = {name: answer.headers[name] for name in ("etag", "last-modified", "cache-control")}
    return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=kept)


def _is_known(request: Request, etag: str) -> bool:
    known = request.headers.get("if-none-match", "")
    return etag in [tag.strip().removeprefix("W/") for tag in known.split(",")] or known == "*"


class _Export(FileResponse):
    """A file, whole or a part of it; a part that it does not have is a problem (RFC 9110, 14.2)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file; a `Range` in other units than bytes is left out of account."""
        units = Headers(scope=scope).get("range", "").partition("=")[0].strip().lower()
        if units != "bytes":
            others = [header for header in scope["headers"] if header[0] != b"range"]
            scope = {**scope, "headers": others}
        size = self.headers["content-length"]

        async def told(message: Message) -> None:
            if message.get("status") in _NO_PART:
                said = f"Range: expected a part of it, as bytes=0-99; the object has {size} bytes."
                length = {"Content-Range": f"bytes */{size}"}
                raise HTTPException(status.HTTP_416_RANGE_NOT_SATISFIABLE, said, length)
            await send(message)

        await super().__call__(scope, receive, told)
