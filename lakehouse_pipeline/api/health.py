"""`/healthz`, `/readyz` and `/metrics`: for who watches over the API."""

import time
from collections.abc import Iterable

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client import generate_latest as in_text
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lakehouse_pipeline.api.caller import reachable
from lakehouse_pipeline.api.parts import OfficeOf
from lakehouse_pipeline.orchestration.overview import Overview, overviews

router = APIRouter(tags=["health"])
# A line more per series would say only when this process began to count.
disable_created_metrics()  # type: ignore[no-untyped-call]


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


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request, office: OfficeOf) -> Response:
    """Give the metrics of requests and of datasets, in the text format of Prometheus."""
    of_requests: CollectorRegistry = request.app.state.metrics
    known = reachable(office.store.datasets())
    of_datasets = _registry(overviews(office.instance, office.store, known))
    return Response(in_text(of_requests) + in_text(of_datasets), media_type=CONTENT_TYPE_LATEST)


def _registry(datasets: Iterable[Overview]) -> CollectorRegistry:
    """Return what the event stream says of datasets; made anew for each answer."""
    registry = CollectorRegistry()

    def gauge(name: str, says: str) -> Gauge:
        return Gauge(f"lakehouse_dataset_{name}", says, ["dataset"], registry=registry)

    batches = gauge("batches", "Batches that have arrived")
    running = gauge("running", "1 while a run is queued or going on")
    published = gauge("published_timestamp_seconds", "When it was published last; 0 for never")
    late = gauge("late_seconds", "By how much its next publication is overdue; 0 for not")
    for one in datasets:
        batches.labels(one.dataset).set(one.batches)
        running.labels(one.dataset).set(one.running)
        published.labels(one.dataset).set(one.published_at or 0)
        late.labels(one.dataset).set(one.late_seconds or 0)
    return registry
