"""What waits to be said to Home Assistant, in the order of its urgency; frames wait in the ring."""

import asyncio
from collections import deque
from contextlib import suppress

from .protocol.messages import Activity
from .protocol.record import Message

REPLIES_MOST = 256
"""Answers that wait. Only a Home Assistant that asks and never reads lets them pile up."""


class Outbox:
    """Filled by anyone on the loop, emptied by the connection's writer."""

    def __init__(self) -> None:
        """Start empty."""
        self._wake = asyncio.Event()
        self._replies: deque[str | bytes] = deque()
        self._activities: dict[str, Activity] = {}
        self._status = False
        self.dropped = 0
        """Answers given up because nobody read them."""
        self.unknown = 0
        """Messages heard of types that this version does not know, and so cannot answer."""

    def reply(self, message: Message | bytes) -> None:
        """Say this next; without a limit on how often, so with one on how many wait."""
        if len(self._replies) >= REPLIES_MOST:
            self._replies.popleft()
            self.dropped += 1
        self._replies.append(message if isinstance(message, bytes) else message.dumps())
        self._wake.set()

    def activity(self, activity: Activity) -> None:
        """Say a camera's activity; only its newest state is worth saying."""
        self._activities[activity.camera] = activity
        self._wake.set()

    def forget(self, camera: str) -> None:
        """Say nothing more of a removed camera."""
        self._activities.pop(camera, None)

    def status(self) -> None:
        """Say the status as it is when its turn comes."""
        self._status = True
        self._wake.set()

    def frames(self) -> None:
        """Look into the ring again."""
        self._wake.set()

    def clear(self) -> None:
        """Forget what was meant for a connection that is gone."""
        self._replies.clear()
        self._activities.clear()
        self._status = False

    def next_reply(self) -> str | bytes | None:
        """Return the next answer or activity."""
        if self._replies:
            return self._replies.popleft()
        if self._activities:
            return self._activities.pop(next(iter(self._activities))).dumps()
        return None

    def take_status(self) -> bool:
        """Return whether the status is to be said, once."""
        due, self._status = self._status, False
        return due

    async def wait(self, most_s: float | None = None) -> None:
        """Wait until there may be something, or for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                await self._wake.wait()
        self._wake.clear()
