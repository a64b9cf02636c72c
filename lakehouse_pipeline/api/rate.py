"""How often a token may be used: so many calls in any minute, counted in this process."""

import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from lakehouse_pipeline.access.tokens import Token
from lakehouse_pipeline.api.refusals import TooManyCallsError


class Rate:
    """Counts calls per token; `per_minute` 0 counts nothing."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._item = RateLimitItemPerMinute(max(1, per_minute))
        self._calls = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def count(self, token: Token) -> None:
        """Count a call. Raises: TooManyCallsError: it is one too many."""
        if not self._per_minute or await self._calls.hit(self._item, token.id):
            return
        reset, _ = await self._calls.get_window_stats(self._item, token.id)
        raise TooManyCallsError(token, self._per_minute, reset - time.time())
