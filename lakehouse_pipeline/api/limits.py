"""How large the body of a call may be; files have limits of their own, where they are taken."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Limited:
    """ASGI middleware: a call with a larger body is answered 413, whatever its length says.

    `max_bytes` is for bodies that are held in memory: `LAKEHOUSE_API_BODY_BYTES`.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; its body ends with an error when it is too large."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                said = f"the body is larger than {self.max_bytes} bytes. Nothing was done."
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)
            return message

        await self.app(scope, receive if _takes_files(scope) else counted, send)


def _takes_files(scope: Scope) -> bool:
    path: str = scope["path"] if scope["type"] == "http" else ""
    return path.startswith("/objects/") or path.endswith("/corrections")
