"""The headers that make browsers careful with every answer, also with that of a bug."""

from starlette.datastructures import MutableHeaders

from lakehouse_pipeline.orchestration.home_lock import PREFIX

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_DATA_OF_UI = tuple(f"{PREFIX}/{part}" for part in ("graphql", "logs/", "download_debug/"))
"""What of the UI is data, and is kept by no cache."""


def secure(headers: MutableHeaders, path: str) -> None:
    """Add the headers that make browsers careful; the Dagster UI has a policy of its own."""
    if path == PREFIX or path.startswith(f"{PREFIX}/"):
        policy = headers.get("content-security-policy")
        ancestors = "frame-ancestors 'self'"
        headers["Content-Security-Policy"] = (
            f"{policy.rstrip('; ')}; {ancestors}" if policy else ancestors
        )
        headers["X-Frame-Options"] = "SAMEORIGIN"
        if not path.startswith(_DATA_OF_UI):
            headers.setdefault("Cache-Control", "private, no-cache")
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
