"""How large the body of a call may be; files have limits of their own, where they are taken."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BYTES = 4 * 2**20
"""Of a body that is held in memory: the largest contracts have a hundredth of it."""


class Limited:
    """ASGI middleware: a call with a larger body is answered 413, whatever its length says."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; its body ends with an error when it is too large."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BYTES:
                said = f"the body is larger than {MAX_BYTES} bytes. Nothing was done."
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)
            return message

        await self.app(scope, receive if _takes_files(scope) else counted, send)


def _takes_files(scope: Scope) -> bool:
    path: str = scope["path"] if scope["type"] == "http" else ""
    return path.startswith("/objects/") or path.endswith("/corrections")
