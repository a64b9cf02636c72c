"""The API as a process: `python -m lakehouse_pipeline.api.server PORT [HOST]`.

`lakehouse up` starts it beside the UI. It listens on loopback only, for there are no tokens yet,
and keeps no access log: the token of a signed URL stands in the address.
"""

import ipaddress
import sys

import uvicorn

from lakehouse_pipeline.api.app import create_app
from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.settings import Settings

HOST = "127.0.0.1"


class NotLoopbackError(LakehouseError):
    """The API was to listen where others than this machine can reach it."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"the API does not listen on '{host}': there are no tokens yet, so it is for this "
            f"machine only. Use {HOST}."
        )


def serve(settings: Settings, port: int, host: str = HOST) -> None:
    """Serve the API of a home until a signal ends it.

    Raises: NotLoopbackError: `host` is no loopback address.
    """
    if not _is_loopback(host):
        raise NotLoopbackError(host)
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=3,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def main() -> None:
    """Serve the home that `LAKEHOUSE_HOME` names."""
    try:
        serve(Settings(), int(sys.argv[1]), *sys.argv[2:3])
    except LakehouseError as error:
        sys.exit(f"lakehouse: {error}")


if __name__ == "__main__":
    main()
