"""The application: its resources, what guards them, and what is opened while it runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from prometheus_client import CollectorRegistry

import lakehouse_pipeline
from lakehouse_pipeline.api import (
    anonymizations,
    append,
    batches,
    contracts,
    dagster_ui,
    datasets,
    downloads,
    erasures,
    events,
    grants,
    health,
    login,
    objects,
    problems,
    publishing,
    quarantine,
    quarantine_report,
    query,
    reference,
    replay,
    urls,
    vault,
)
from lakehouse_pipeline.api.denials import SECONDS, Denials
from lakehouse_pipeline.api.doorkeeper import Doorkeeper
from lakehouse_pipeline.api.entry import Entry
from lakehouse_pipeline.api.erasures import Erasers
from lakehouse_pipeline.api.guard import Guard
from lakehouse_pipeline.api.idempotency import Answers, Idempotent
from lakehouse_pipeline.api.limits import Limited
from lakehouse_pipeline.api.permissions import doors
from lakehouse_pipeline.api.portal import pages
from lakehouse_pipeline.api.queries import Queries
from lakehouse_pipeline.api.rate import Rate
from lakehouse_pipeline.api.replay import Replays
from lakehouse_pipeline.lake.engine import sweep_spills
from lakehouse_pipeline.lake.signing import Signer
from lakehouse_pipeline.lake.uploads import sweep
from lakehouse_pipeline.orchestration.office import Office, open_office
from lakehouse_pipeline.orchestration.tokens import is_loopback
from lakehouse_pipeline.settings import Settings

DESCRIPTION = """From a CSV file to a governed table, by HTTP alone. In this order:
`POST /datasets`, `POST /contracts`, `POST /datasets/{dataset}/upload-url`, `PUT` to its URL,
`POST /replay`, `POST /datasets/{dataset}/download-url`, `GET` from its URL.

Errors are problem documents (RFC 9457); every POST takes an `Idempotency-Key`. Once there are
tokens (`lakehouse token create`), every call takes one: `Authorization: Bearer lhp_…`."""
RESOURCES = (
    datasets,
    contracts,
    urls,
    downloads,
    objects,
    append,
    replay,
    batches,
    publishing,
    quarantine,
    quarantine_report,
    anonymizations,
    vault,
    grants,
    erasures,
    query,
    events,
    health,
    reference,
)
_bearer = HTTPBearer(auto_error=False, description="A token, as `lakehouse token create` gives.")
"""Tells the reference of tokens; `doorkeeper.py` asks for them."""


def create_app(settings: Settings) -> FastAPI:
    """Return the API of one home; the home is opened when the application starts.

    Raises: UnguardedCallError: a call is not in the table of permissions.
    """
    entry = Entry(settings)

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[None]:
        sweep(settings.landing)
        sweep_spills(settings.home / "tmp")
        app.state.signer = Signer(settings.keys)
        app.state.entry = entry
        app.state.replays = Replays()
        app.state.erasers = Erasers()
        app.state.queries = Queries(settings)
        with open_office(settings) as office:
            app.state.office = office
            async with _counted(app, office), dagster_ui.ui_client() as app.state.ui_client:
                try:
                    yield
                finally:
                    app.state.queries.close()
                    for running in (app.state.replays, app.state.erasers):
                        running.pool.shutdown(wait=True, cancel_futures=True)

    app = FastAPI(
        title="lakehouse_pipeline",
        version=lakehouse_pipeline.__version__,
        description=DESCRIPTION,
        lifespan=opened,
        docs_url=None,
        redoc_url=None,
    )
    app.state.metrics = CollectorRegistry()
    problems.install(app)
    for resource in RESOURCES:
        app.include_router(resource.router, dependencies=[Depends(_bearer)])
    for site in (login, dagster_ui, pages):
        app.include_router(site.router)

    answers = Answers(settings.home / "api" / "answers.sqlite", settings.keys)
    rate = Rate(settings.api_calls_per_minute)
    app.add_middleware(Limited, max_bytes=settings.api_body_bytes)
    app.add_middleware(Idempotent, answers=answers)
    app.add_middleware(Doorkeeper, entry=entry, rate=rate, doors=doors(app.routes))
    app.add_middleware(health.Measured, registry=app.state.metrics)
    names = (settings.api_host, *settings.api_names)
    app.add_middleware(Guard, names=names, is_far=not is_loopback(settings.api_host))
    return app


@asynccontextmanager
async def _counted(app: FastAPI, office: Office) -> AsyncIterator[None]:
    """Put refused calls on record: what was only counted each minute, and at the end."""
    denials = app.state.denials = Denials(office)

    async def each_minute() -> None:
        while True:
            await asyncio.sleep(SECONDS)
            await denials.flush()

    task = asyncio.create_task(each_minute())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await denials.flush()
