"""The demo's run: the story line by line, the camera taken away now and then, the balance at the end."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
import json
from pathlib import Path
import re
import signal
import time
from typing import Any

from rigs.demo.balance import Balance, add_up, timer_requests
from rigs.demo.options import Options
from rigs.demo.screen import Screen
from rigs.demo.stage import PREFIX, Stage
from rigs.demo.story import Story
from rigs.process import ProcessError

FAULT_AT_S = 40.0
FAULT_EVERY_S = 60.0
FAULT_S = 5.0
LOG_LOOK_S = 0.2
_REQUEST = re.compile(r"\] Request of (\S+): (\[.*\])$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What the processes and the camera had used when the story began."""

    at_s: float
    bridge_cpu_s: float
    home_assistant_cpu_s: float
    source_bytes: int | None


async def run(options: Options, screen: Screen) -> int:
    """Run the demo; return its exit code."""
    alive = asyncio.create_task(screen.stay_alive())
    try:
        async with Stage(options, screen) as stage:
            return await _Run(options, screen, stage).until_the_end()
    finally:
        alive.cancel()


class _Run:
    def __init__(self, options: Options, screen: Screen, stage: Stage) -> None:
        self._options = options
        self._screen = screen
        self._stage = stage
        self._story = Story(prefix=PREFIX)
        self._away: list[dict[str, float]] = []

    async def until_the_end(self) -> int:
        before = await self._measure()
        self._greet()
        try:
            await self._tell(self._limit())
        except ProcessError as error:
            self._screen.fail(f"{error}\n{self._stage.log_tails()}")
            return 1
        self._screen.doing(lambda: "ending the bridge and adding up")
        balance = await self._balance(before)
        self._screen.say(balance.line())
        if self._options.json is not None:
            self._options.json.write_text(json.dumps(self._everything(balance), indent=1))
        if not self._story.complete:
            self._screen.fail(
                "No whole visit was told: a start, a sentence and an end belong to one."
            )
        if not balance.holds:
            self._screen.fail("The frames do not add up.")
        return 0 if self._story.complete and balance.holds else 1

    def _greet(self) -> None:
        stage, screen = self._stage, self._screen
        writer = self._options.model if self._options.base_url else "the built-in describer"
        screen.say(f"The words are written by {writer}; they arrive here over MQTT.")
        if not self._options.headless:
            home = stage.home_assistant
            screen.say(f"Home Assistant: {home.url}  user {home.user}  password {home.password}")
        screen.say(
            "Ctrl-C ends it. Behind the time of day: seconds since the newest picture was captured."
        )
        screen.doing(
            lambda: (
                f"watching; {len(self._story.events)} event messages, "
                f"{len(self._story.narratives)} sentences so far"
            )
        )

    def _limit(self) -> float | None:
        return None if self._options.minutes is None else self._options.minutes * 60

    async def _tell(self, limit_s: float | None) -> None:
        """Tell until the time is over, somebody says stop, or a part dies."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        works: list[Coroutine[Any, Any, object]] = [self._listen(), self._watch_parts()]
        if self._options.faults and self._stage.faults_possible:
            works.append(self._take_camera_away())
        if self._options.show_request is not None:
            works.append(self._show_request(self._options.show_request))
        tasks = [asyncio.create_task(work) for work in works]
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait(
                [*tasks[:3], stopped], timeout=limit_s, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
        finally:
            for task in (*tasks, stopped):
                task.cancel()
            await asyncio.gather(*tasks, stopped, return_exceptions=True)
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def _listen(self) -> None:
        async for message in self._stage.listener:
            line = self._story.take(message)
            if line is not None:
                self._screen.tell(line)

    async def _watch_parts(self) -> None:
        parts = [self._stage.bridge, self._stage.home_assistant.process]
        ends = [asyncio.create_task(part.wait()) for part in parts if part is not None]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        raise ProcessError("a part of the demo ended by itself")

    async def _take_camera_away(self) -> None:
        camera = self._stage.camera
        if camera is None:
            return
        begun = time.monotonic()
        due_s = FAULT_AT_S
        while True:
            await asyncio.sleep(begun + due_s - time.monotonic())
            self._screen.tell(f"-- the camera is taken away for {FAULT_S:.0f} s --")
            away = time.time()
            await camera.go_away()
            await asyncio.sleep(FAULT_S)
            await camera.come_back()
            self._away.append({"away": away, "back": time.time()})
            self._screen.tell("-- the camera is there again --")
            due_s += FAULT_EVERY_S

    async def _show_request(self, number: int) -> None:
        """Show a request as Home Assistant's log has it, once so many were sent."""
        process = self._stage.home_assistant.process
        if process is None:
            return
        sent = 0
        async for request in _requests(process.log):
            sent += 1
            if sent == number:
                self._screen.say(f"-- request {number}, of {request[1]}, as sent --")
                for part in json.loads(request[2]):
                    self._screen.say(f"   {part}")
                return

    async def _measure(self) -> Meter:
        process = self._stage.home_assistant.process
        return Meter(
            at_s=time.monotonic(),
            bridge_cpu_s=self._stage.bridge.cpu_s(),
            home_assistant_cpu_s=process.cpu_s() if process is not None else 0.0,
            source_bytes=await self._source_bytes(),
        )

    async def _source_bytes(self) -> int | None:
        if self._stage.camera is None:
            return None
        cameras = (await self._stage.camera.status())["cameras"].values()
        sent: int = sum(camera["bytes_sent"] for camera in cameras)
        return sent

    async def _balance(self, before: Meter) -> Balance:
        after = await self._measure()
        seconds = after.at_s - before.at_s
        diagnostics = await self._stage.finish()
        cameras = diagnostics["cameras"]
        sampled, fates = add_up(camera["account"] for camera in cameras)
        wire_bytes = sum(bridge["received_bytes"] for bridge in diagnostics["bridges"])
        source = None
        if after.source_bytes is not None and before.source_bytes is not None:
            source = (after.source_bytes - before.source_bytes) / seconds
        return Balance(
            sampled=sampled,
            fates=fates,
            requests=sum(camera["requests"] for camera in cameras),
            timer_requests=timer_requests(seconds, len(cameras)),
            minutes=seconds / 60,
            bridge_cpu_percent=100 * (after.bridge_cpu_s - before.bridge_cpu_s) / seconds,
            home_assistant_cpu_percent=100
            * (after.home_assistant_cpu_s - before.home_assistant_cpu_s)
            / seconds,
            wire_bytes_per_s=wire_bytes / seconds,
            source_bytes_per_s=source,
        )

    def _everything(self, balance: Balance) -> Mapping[str, Any]:
        story = self._story
        return {
            "at": datetime.now(UTC).isoformat(),
            "setup": [{"step": name, "seconds": seconds} for name, seconds in self._screen.steps],
            "events": story.events,
            "narratives": story.narratives,
            "states": story.states,
            "away": self._away,
            "latencies_s": story.latencies_s(),
            "balance": balance.as_json(),
        }


async def _requests(log: Path) -> AsyncIterator[re.Match[str]]:
    """Yield each request that Home Assistant's log tells of, as it is written."""
    line = ""
    with log.open(encoding="utf-8", errors="replace") as lines:
        while True:
            line += lines.readline()
            if not line.endswith("\n"):
                await asyncio.sleep(LOG_LOOK_S)
                continue
            if request := _REQUEST.search(line):
                yield request
            line = ""
