"""`/healthz`, `/readyz` and `/metrics`: for who watches over the API."""

import time

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram
from prometheus_client import generate_latest as in_text
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lakehouse_pipeline.api.parts import OfficeOf

router = APIRouter(tags=["health"])


class Measured:
    """ASGI middleware: counts and times requests by the route they took, never by their address."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        self.requests = Counter(
            "lakehouse_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "lakehouse_http_request_seconds",
            "Time to the last byte",
            ["method", "route"],
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it ended."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self.requests.labels(scope["method"], route, str(status)).inc()
            self.seconds.labels(scope["method"], route).observe(time.perf_counter() - begun)


@router.get("/healthz")
def alive() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "alive"}


@router.get("/readyz")
def ready(office: OfficeOf) -> dict[str, str]:
    """Say that contracts and event stream can be read."""
    office.store.datasets()
    office.instance.get_dynamic_partitions("any")
    return {"status": "ready"}


def metrics_of(registry: CollectorRegistry) -> Response:
    """Return the metrics in the text format of Prometheus."""
    return Response(in_text(registry), media_type=CONTENT_TYPE_LATEST)
