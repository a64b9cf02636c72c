"""Questions to a running Dagster webserver, asked over its GraphQL interface on loopback."""

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 30


class GraphQLError(RuntimeError):
    """The webserver answered that the question itself is wrong: a bug, not a fault of the data."""


def ask(url: str, query: str, variables: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Return the `data` of the webserver's answer to `query`.

    Args:
        url: the webserver's address, as `Stack.url`.
        query: one GraphQL operation.
        variables: its variables, values that JSON knows.

    Raises:
        OSError: nobody listens at `url`, or it does not answer within `TIMEOUT_SECONDS`.
        GraphQLError: the query is not one the webserver understands, or it failed.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_SECONDS)
    try:
        body = json.dumps({"query": query, "variables": variables or {}})
        connection.request(
            "POST", f"{parts.path}/graphql", body, {"Content-Type": "application/json"}
        )
        answer = json.loads(connection.getresponse().read())
    except (http.client.HTTPException, ValueError) as broken:  # or no webserver of ours
        raise ConnectionError(f"{url}: {broken!r}") from broken
    finally:
        connection.close()
    if answer.get("errors"):
        raise GraphQLError(json.dumps(answer["errors"], indent=2))
    data: dict[str, Any] = answer["data"]
    return data
