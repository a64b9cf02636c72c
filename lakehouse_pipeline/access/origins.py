"""Which requests a web page of elsewhere has made a browser send, and by which names we are called.

A page can send requests to 127.0.0.1 or into a company's network, but not with a `Host` of its
choice unless it is the name that it was read by (DNS rebinding), and not without its `Origin` where
something is changed. `api/guard.py` and `orchestration/webserver.py` refuse what is told here.
Header names are in lower case.
"""

import ipaddress
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""The names that no DNS server can point elsewhere."""


def host_refusal(
    headers: Mapping[str, str], names: Collection[str], *, is_far: bool = False
) -> str:
    """Return why the `Host` of a request is refused, empty when it is one of `names` or loopback.

    `is_far`: whoever is asked listens beyond loopback; then any address is taken, too.
    """
    name = _name(headers.get("host", ""))
    if name in LOOPBACK or name in names or (is_far and _is_address(name)):
        return ""
    return (
        "the Host is not this machine's loopback address, nor one of the names in "
        "LAKEHOUSE_API_NAMES."
    )


def page_refusal(headers: Mapping[str, str]) -> str:
    """Return why the request of a web page is refused, empty when it is from one of ours."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host", ""):
        return "the request comes from a web page of another origin."
    if headers.get("sec-fetch-site") == "cross-site":
        return "the request comes from a web page of another site."
    return ""


def is_visit(method: str, headers: Mapping[str, str]) -> bool:
    """Return whether a person follows a link; the browser keeps its strict cookies back then."""
    return (
        method == "GET"
        and headers.get("origin") is None
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_address(name: str | None) -> bool:
    try:
        ipaddress.ip_address(name or "")
    except ValueError:
        return False
    return True
