"""The application: its resources, what guards them, and what is opened while it runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry

import lakehouse_pipeline
from lakehouse_pipeline.api import (
    batches,
    contracts,
    datasets,
    events,
    health,
    objects,
    problems,
    quarantine,
    replay,
    urls,
)
from lakehouse_pipeline.api.guard import Guard
from lakehouse_pipeline.api.idempotency import Answers, Idempotent
from lakehouse_pipeline.api.limits import Limited
from lakehouse_pipeline.api.portal import pages
from lakehouse_pipeline.api.replay import Replays
from lakehouse_pipeline.lake.signing import Signer
from lakehouse_pipeline.lake.uploads import sweep
from lakehouse_pipeline.orchestration.office import open_office
from lakehouse_pipeline.settings import Settings

DESCRIPTION = """From a CSV file to a governed table, by HTTP alone. In this order:
`POST /datasets`, `POST /contracts`, `POST /datasets/{dataset}/upload-url`, `PUT` to its URL,
`POST /replay`, `POST /datasets/{dataset}/download-url`, `GET` from its URL.

Errors are problem documents (RFC 9457); every POST takes an `Idempotency-Key`."""
RESOURCES = (
    datasets,
    contracts,
    urls,
    objects,
    replay,
    batches,
    quarantine,
    events,
    health,
    pages,
)


def create_app(settings: Settings) -> FastAPI:
    """Return the API of one home; the home is opened when the application starts."""

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[None]:
        sweep(settings.landing)
        app.state.signer = Signer(settings.keys)
        app.state.replays = Replays()
        with open_office(settings) as office:
            app.state.office = office
            try:
                yield
            finally:
                app.state.replays.pool.shutdown(wait=True, cancel_futures=True)

    app = FastAPI(
        title="lakehouse_pipeline",
        version=lakehouse_pipeline.__version__,
        description=DESCRIPTION,
        lifespan=opened,
        redoc_url=None,
    )
    registry = CollectorRegistry()
    problems.install(app)
    for resource in RESOURCES:
        app.include_router(resource.router)

    @app.get("/metrics", tags=["health"])
    def metrics() -> Response:
        """Give the metrics in the text format of Prometheus."""
        return health.metrics_of(registry)

    answers = Answers(settings.home / "api" / "answers.sqlite")
    app.add_middleware(Limited)
    app.add_middleware(Idempotent, answers=answers)
    app.add_middleware(health.Measured, registry=registry)
    app.add_middleware(Guard)
    return app
