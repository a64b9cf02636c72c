"""The API as a process: `python -m lakehouse_pipeline.api.server PORT`.

`lakehouse up` starts it beside the UI. It listens at `LAKEHOUSE_API_HOST`, beyond loopback only
when somebody has a token, and keeps no access log: the token of a signed URL stands in the address.
"""

import sys

import uvicorn

from lakehouse_pipeline.api.app import create_app
from lakehouse_pipeline.errors import LakehouseError
from lakehouse_pipeline.orchestration.tokens import require_tokens
from lakehouse_pipeline.settings import Settings


def serve(settings: Settings, port: int) -> None:
    """Serve the API of a home until a signal ends it.

    Raises: TokensMissingError: others can reach it, and nobody has a token.
    """
    require_tokens(settings)
    uvicorn.run(
        create_app(settings),
        host=settings.api_host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=3,
    )


def main() -> None:
    """Serve the home that `LAKEHOUSE_HOME` names."""
    try:
        serve(Settings(), int(sys.argv[1]))
    except LakehouseError as error:
        sys.exit(f"lakehouse: {error}")


if __name__ == "__main__":
    main()
