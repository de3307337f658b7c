"""The addresses that a connected bridge tries for dialogs: what it finds, or that it cannot say."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeassistant.core import callback

from .pipeline.errors import NarratorError
from .protocol.area import Polygon
from .protocol.messages import Probe, Probed
from .protocol.vocabulary import Capability, Transport

if TYPE_CHECKING:
    from .bridge_link import BridgeLink

PROBE_S = 45.0
"""A bridge may try a slow camera over TCP and once more for a second session."""
PROBES_AT_ONCE = 4
"""Dialogs that try a camera at the same time."""


class ProbeFailed(NarratorError):
    """The bridge cannot say how a camera answers: it cannot probe, or it went away."""


@dataclass(slots=True, kw_only=True)
class _Asked:
    answer: asyncio.Future[Probed]
    preview: bytes | None = None


class LinkProbes:
    """What one connection is asked to try, by number."""

    def __init__(self, link: BridgeLink) -> None:
        """Ask nothing yet."""
        self._link = link
        self._asked: dict[int, _Asked] = {}
        self._last_id = 0

    async def ask(
        self,
        *,
        url: str,
        username: str = "",
        password: str = "",
        transport: Transport = Transport.TCP,
        masks: tuple[Polygon, ...] = (),
    ) -> tuple[Probed, bytes | None]:
        """Let the bridge try an address: what it found (or its error) and a picture.

        Raises ProbeFailed where the bridge cannot or goes away, TimeoutError where it does not answer.
        """
        if Capability.PROBE not in self._link.hello.capabilities:
            raise ProbeFailed("this bridge cannot try cameras")
        if not self._link.open:
            raise ProbeFailed("the bridge is not connected")
        if len(self._asked) >= PROBES_AT_ONCE:
            raise ProbeFailed("the bridge is busy with other cameras")
        self._last_id += 1
        probe = Probe(
            id=self._last_id,
            url=url,
            username=username,
            password=password,
            transport=transport,
            masks=masks,
        )
        asked = self._asked[probe.id] = _Asked(answer=asyncio.get_running_loop().create_future())
        try:
            self._link.send(probe)
            async with asyncio.timeout(PROBE_S):
                return await asked.answer, asked.preview
        finally:
            del self._asked[probe.id]

    @callback
    def show(self, probe_id: int, jpeg: bytes) -> None:
        """Take the picture that comes before an answer."""
        if (asked := self._asked.get(probe_id)) is not None:
            asked.preview = jpeg

    @callback
    def answer(self, probed: Probed) -> None:
        """Take an answer; one that nobody waits for any more is dropped."""
        asked = self._asked.get(probed.id)
        if asked is not None and not asked.answer.done():
            asked.answer.set_result(probed)

    @callback
    def end(self) -> None:
        """Let nobody wait for a bridge that is gone."""
        for asked in self._asked.values():
            if not asked.answer.done():
                asked.answer.set_exception(ProbeFailed("the bridge went away"))
