"""`/login` and `/logout`: a token is shown once, and a cookie stands for it for some hours.

The cookie is readable by no script, sent by the browser to this address only and never from another
site's pages, and over TLS only where it was set over TLS. What it says is in `lake/sessions.py`.
"""

import base64
import hashlib
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment

from lakehouse_pipeline.access.tokens import Token
from lakehouse_pipeline.api.entry import COOKIE, Entry, named, require_same_origin, require_valid
from lakehouse_pipeline.api.refusals import REASON, NotLoggedInError
from lakehouse_pipeline.lake.uploads import TooLargeError

router = APIRouter(include_in_schema=False)
HOME = "/dagster"
MAX_FORM = 4096
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:4rem auto;max-width:30rem;padding:0 1rem}"
    "input{font:inherit;padding:.4rem;width:100%;box-sizing:border-box}"
    "button{font:inherit;padding:.4rem 1rem}[role=alert]{color:#a00}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    # With `no-referrer` a browser would say `Origin: null` when the form is sent.
    "Referrer-Policy": "same-origin",
}
_PAGE = Environment(autoescape=True).from_string(
    files(__package__).joinpath("login.html").read_text("utf-8")
)


def _entry(request: Request) -> Entry:
    entry: Entry = request.app.state.entry
    return entry


@router.get("/login")
def page(request: Request) -> Response:
    """Show the form, or who is logged in."""
    return _shown(request, _inside(request.query_params.get("next", "")))


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Take a token and go on to the page that was asked for; 401 and the form again without."""
    form = parse_qs((await _body(request)).decode("ascii", "replace"))
    onward = _inside(form.get("next", [""])[0])
    entry = _entry(request)
    try:
        token = named(entry.file.tokens(), form.get("token", [""])[0].strip())
    except NotLoggedInError as error:
        request.scope[REASON] = error.reason
        return _shown(request, onward, f"You are not logged in: {error.reason}.", error)
    answer = RedirectResponse(onward, HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        entry.sessions.start(token),
        max_age=entry.sessions.seconds,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/logout")
async def log_out(request: Request) -> Response:
    """End the login. Raises: CrossSiteError: another site's page asks for it."""
    require_same_origin(request)
    _entry(request).sessions.end(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _shown(
    request: Request, onward: str, said: str = "", error: NotLoggedInError | None = None
) -> HTMLResponse:
    entry = _entry(request)
    text = _PAGE.render(
        style=STYLE,
        said=said,
        next=onward,
        holder=_holder(entry, request),
        open=not entry.in_force(),
    )
    headers = {**HEADERS, **(error.headers if error else {})}
    status = HTTPStatus.UNAUTHORIZED if error else HTTPStatus.OK
    return HTMLResponse(text, status, headers)


def _holder(entry: Entry, request: Request) -> Token | None:
    try:
        return require_valid(entry.shown(request))
    except NotLoggedInError:
        return None


def _inside(path: str) -> str:
    """Return a path of this address; anything else becomes the UI's."""
    is_path = path.startswith("/") and path.isprintable() and "\\" not in path
    return path if is_path and not path.startswith("//") else HOME


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise TooLargeError(MAX_FORM)
    return bytes(body)
