"""What the demo shows: lines with a clock, and a sign of life whenever nothing else was said."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
import sys
import time

SILENCE_S = 3.5
"""A line appears at least this often, so that nobody wonders whether it hangs."""


class Screen:
    """Writes to standard output; steps are timed and kept."""

    def __init__(self) -> None:
        """Start the clock."""
        self.started = time.monotonic()
        self.steps: list[tuple[str, float]] = []
        self._said = self.started
        self._breathing = False
        self._open: dict[str, str] = {}
        """Steps under way, and what each found so far."""
        self._doing: Callable[[], str] = lambda: "starting"

    def say(self, text: str) -> None:
        """Write a line now."""
        self._said = time.monotonic()
        print(f"{self._erase()}{text}", flush=True)

    def tell(self, text: str) -> None:
        """Write a line with the time of day."""
        self.say(f"{datetime.now().astimezone():%H:%M:%S}  {text}")

    def fail(self, text: str) -> None:
        """Write a line to standard error."""
        self._said = time.monotonic()
        print(self._erase(), end="", flush=True)
        print(text, file=sys.stderr, flush=True)

    def doing(self, what: Callable[[], str]) -> None:
        """Set what a sign of life says."""
        self._doing = what

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[Callable[[str], None]]:
        """Time a step of the set-up; the given function adds to its line what was found."""
        begun = time.monotonic()
        self._open[name] = ""

        def note(text: str) -> None:
            self._open[name] = f"  ({text})"

        try:
            yield note
            took = time.monotonic() - begun
            self.steps.append((name, took))
            at = time.monotonic() - self.started
            self.say(f"{at:7.1f} s  {name}: {took:.1f} s{self._open[name]}")
        finally:
            del self._open[name]

    async def stay_alive(self) -> None:
        """Say what is going on whenever nothing was said for a while; runs until cancelled."""
        while True:
            silent = time.monotonic() - self._said
            if silent >= SILENCE_S:
                doing = " and ".join(f"{name} …{found}" for name, found in self._open.items())
                self._breathe(f"{time.monotonic() - self.started:7.1f} s  {doing or self._doing()}")
                silent = 0
            await asyncio.sleep(SILENCE_S - silent)

    def _breathe(self, text: str) -> None:
        """Write a sign of life; on a terminal the next line takes its place."""
        if not sys.stdout.isatty():
            self.say(text)
            return
        self._said = time.monotonic()
        print(f"{self._erase()}{text}", end="", flush=True)
        self._breathing = True

    def _erase(self) -> str:
        """Return what clears a sign of life off a terminal."""
        breathing, self._breathing = self._breathing, False
        return "\r\x1b[K" if breathing else ""
