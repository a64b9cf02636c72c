"""`/docs`: the reference with a form for every call, from files that are installed with the API.

The viewer is Swagger UI as `fastapi-offline` packs it; nothing is loaded from anywhere else, so the
page works without a network and its policy allows no other source.
"""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from fastapi.responses import FileResponse, HTMLResponse, Response

from lakehouse_pipeline.api.problems import UnknownObjectError

router = APIRouter(include_in_schema=False)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
_VIEWER = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>lakehouse_pipeline: the HTTP API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<main id="reference"></main>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
"""


@router.get("/docs")
def page() -> HTMLResponse:
    """Give the page."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": POLICY})


@router.get("/docs/start.js")
def start() -> Response:
    """Give the script that shows `/openapi.json`."""
    return Response(_START, media_type="text/javascript")


@router.get("/docs/{name}", response_model=None)
def viewer(name: Annotated[str, InPath(max_length=100)]) -> FileResponse:
    """Give a file of the viewer. Raises: UnknownObjectError: it has no such file."""
    if name not in _VIEWER:
        raise UnknownObjectError("page")
    path = Path(str(files("fastapi_offline") / "static" / name))
    headers = {"Cache-Control": "private, max-age=86400"}
    return FileResponse(path, media_type=_VIEWER[name], headers=headers)
