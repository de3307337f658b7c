"""Work behind a progress step of a dialog."""

import asyncio
from collections.abc import Awaitable, Callable

SHOWN_S = 1.5
"""A browser asks to be told of a progress step's end only once it shows the step: an end before that goes unseen."""


async def shown[T](work: Callable[[], Awaitable[T]]) -> T:
    """Return what the work returns, but not before a browser listens for it."""
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(SHOWN_S))
        return await work()
