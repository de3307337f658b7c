"""The scripted model without a socket: reads the same bodies and the same pictures, on the rehearsal's clock."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
import json
import random
from typing import Any, Final

from rigs import model_request
from rigs.model_faults import FaultKind
from rigs.model_request import CHARACTERS_PER_TOKEN, ModelRequest, read_request
from rigs.model_truth import answer
from rigs.rehearsal.virtual_time import WALL_S

_MINUTE_S: Final = 60.0


class Refused(Exception):
    """429, with the seconds of Retry-After."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"429, retry after {retry_after_s:g} s")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How long an answer takes."""

    first_token_s: float = 2.0
    token_s: float = 1 / 80
    """80 tokens a second, as small cloud models have them."""
    spread: float = 0.0
    """How far the first token may come sooner or later, as a share of its time."""


class Model:
    """Answers everybody from the pictures, and writes down what came."""

    def __init__(
        self,
        speed: Speed,
        *,
        per_minute: int | None = None,
        storm: tuple[float, float] | None = None,
        stall: tuple[float, float] | None = None,
        wrong: Callable[[ModelRequest], FaultKind | None] = lambda _: None,
        looks: bool = True,
    ) -> None:
        """`per_minute` requests are taken, none in the `storm`; in the `stall` no answer ends.

        Without `looks` pictures are counted, not decoded: for whole days of a design that asks all the time.
        """
        self.requests: Final[list[ModelRequest]] = []
        self._speed = speed
        self._per_minute = per_minute
        self._storm = storm
        self._stall = stall
        self._wrong = wrong
        self._looks = looks
        self._taken: deque[float] = deque()
        self._chance = random.Random(1)

    async def complete(self, body: Mapping[str, Any]) -> AsyncGenerator[tuple[ModelRequest, str]]:
        """Yield the answer token by token; raise Refused."""
        now_s = asyncio.get_running_loop().time()
        read = read_request if self._looks else _count
        request = read(
            dict(body),
            arrived_s=now_s,
            arrived_wall_s=now_s + WALL_S,
            body_bytes=len(json.dumps(body)),
        )
        request.number = len(self.requests) + 1
        self.requests.append(request)
        if (wait_s := self._refusal_s(now_s)) is not None:
            request.outcome, request.finished_s = "status 429", now_s
            raise Refused(wait_s)
        request.answer = answer(request, self._wrong(request))
        request.decoded = ()
        try:
            await self._think(now_s)
            for start in range(0, len(request.answer), CHARACTERS_PER_TOKEN):
                yield request, request.answer[start : start + CHARACTERS_PER_TOKEN]
                await asyncio.sleep(self._speed.token_s)
            request.outcome = "answered"
        finally:
            if request.outcome == "open":
                request.outcome = "cancelled"
            request.finished_s = asyncio.get_running_loop().time()

    @property
    def answered(self) -> list[ModelRequest]:
        """The requests that got a whole answer."""
        return [request for request in self.requests if request.outcome == "answered"]

    async def _think(self, now_s: float) -> None:
        share = 1 + self._speed.spread * self._chance.uniform(-1, 1)
        until_s = now_s + self._speed.first_token_s * share
        if self._stall is not None and until_s >= self._stall[0] and now_s < self._stall[1]:
            until_s = max(until_s, self._stall[1])
        await asyncio.sleep(until_s - now_s)

    def _refusal_s(self, now_s: float) -> float | None:
        if self._storm is not None and self._storm[0] <= now_s < self._storm[1]:
            return 5.0
        if self._per_minute is None:
            return None
        while self._taken and self._taken[0] <= now_s - _MINUTE_S:
            self._taken.popleft()
        if len(self._taken) >= self._per_minute:
            return self._taken[0] + _MINUTE_S - now_s
        self._taken.append(now_s)
        return None


def _count(
    body: dict[str, Any], *, arrived_s: float, arrived_wall_s: float, body_bytes: int
) -> ModelRequest:
    """Read words and sizes only; every different picture is decoded once, so sizes are true."""
    texts: list[tuple[str, str]] = []
    pictures = []
    for message in body["messages"]:
        content: str | list[dict[str, Any]] = message["content"]
        parts: list[dict[str, Any]] = (
            [{"type": "text", "text": content}] if isinstance(content, str) else content
        )
        for part in parts:
            if part["type"] == "text":
                texts.append((message["role"], part["text"]))
            else:
                pictures.append(_seen(part["image_url"]["url"]))
    return ModelRequest(
        arrived_s=arrived_s,
        arrived_wall_s=arrived_wall_s,
        body_bytes=body_bytes,
        model=str(body["model"]),
        stream=True,
        max_tokens=None,
        response_format=body.get("response_format"),
        texts=tuple(texts),
        pictures=tuple(pictures),
        headers={},
    )


@lru_cache(maxsize=16)
def _seen(url: str) -> model_request.PictureSeen:
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}
    whole = read_request({"messages": [message]}, arrived_s=0, arrived_wall_s=0, body_bytes=0)
    return whole.pictures[0]
