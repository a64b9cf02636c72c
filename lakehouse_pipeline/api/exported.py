"""An export as an answer: `Range`, `If-Range` and `If-None-Match` are understood."""

from collections.abc import Mapping
from pathlib import Path

from fastapi import Request, Response, status
from fastapi.responses import FileResponse

from lakehouse_pipeline.api.problems import UnknownObjectError

MEDIA_TYPES: Mapping[str, str] = {
    ".csv": "text/csv; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.file",
}


def exported(request: Request, file: Path, filename: str) -> Response:
    """Return the file, or 304 when the client has it. Raises: UnknownObjectError: it has gone."""
    if not file.is_file():
        raise UnknownObjectError("object; ask for a new download URL")
    answer = FileResponse(
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
