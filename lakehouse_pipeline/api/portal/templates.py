"""Pages out of templates: every value is escaped, and nothing may run that is not our own file."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from urllib.parse import quote, urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request

from lakehouse_pipeline.api.portal.language import LANGUAGES, asked_language, language_of
from lakehouse_pipeline.api.portal.static_files import address
from lakehouse_pipeline.api.portal.words import Speech

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "Vary": "Accept-Language",
}


def render(request: Request, template: str, status: int = 200, **facts: object) -> HTMLResponse:
    """Return a page in the language of the one who asks; `facts` are what it shows."""
    speech = Speech(language_of(request))
    asked = asked_language(request)

    def link(*parts: object, **query: object) -> str:
        """Return the address of another page of the portal; it stays in the language asked for."""
        path = "/".join(quote(str(part), safe="") for part in parts)
        return f"/{path}{_query(({'lang': asked} if asked else {}) | query)}"

    def here(language: str) -> str:
        """Return the address of this page in another language."""
        return quote(request.url.path) + _query(dict(request.query_params) | {"lang": language})

    content = (
        _environment()
        .get_template(f"{template}.html.jinja")
        .render(facts, say=speech, lang=speech.language, languages=LANGUAGES, link=link, here=here)
    )
    return HTMLResponse(content, status, HEADERS | {"Content-Language": speech.language})


def _query(parameters: Mapping[str, object]) -> str:
    return f"?{urlencode(parameters)}" if parameters else ""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lakehouse_pipeline.api.portal"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = address
    environment.filters["utc"] = _utc
    environment.filters["quoted"] = lambda part: quote(str(part), safe="")
    return environment


def _utc(seconds: float, pattern: str = "%Y-%m-%d %H:%M") -> str:
    """Return a moment, in seconds since 1970, as a person reads it or as `datetime=` wants it."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ" if pattern == "iso" else pattern)
