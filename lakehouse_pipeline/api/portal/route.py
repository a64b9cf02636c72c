"""The route of a page: an error of ours is a page, too, with the status the API gives it."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from lakehouse_pipeline.api.portal.templates import render
from lakehouse_pipeline.api.problems import status_of
from lakehouse_pipeline.errors import LakehouseError

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route whose errors people read in their browser; bugs are left to the API."""

    def get_route_handler(self) -> Handler:
        """Return what answers a request."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except LakehouseError as error:
                return render(request, "error", int(status_of(error)), why=str(error))
            except RequestValidationError as error:
                faults = "; ".join(str(fault["msg"]) for fault in error.errors())
                return render(request, "error", 422, why=faults)

        return answer
