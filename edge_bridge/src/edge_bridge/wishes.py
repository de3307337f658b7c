"""What shall stand retained at a broker: the newest of each topic, until the broker has confirmed it. Pure."""

from collections.abc import Mapping
from typing import Final

from .telemetry_report import Told

REFRESH_S: Final = 30.0
IN_FLIGHT_MOST: Final = 20
"""Messages that the broker has not confirmed; as many as paho sends at once."""


class Wishes:
    """Topics and what they shall say; nothing is told of a topic that is to be cleared."""

    def __init__(self, now_s: float) -> None:
        """Wish for nothing yet."""
        self._told: Mapping[str, Told] = {}
        self._due: dict[str, None] = {}
        """Topics to write, or to clear where nothing is told of them any more, in order."""
        self._written: set[str] = set()
        self._in_flight: dict[int, str] = {}
        self._refreshed_s = now_s

    @property
    def written(self) -> tuple[str, ...]:
        """Return the topics on which something stands."""
        return tuple(self._written)

    def tell(self, told: Mapping[str, Told], now_s: float) -> None:
        """Take what is to be said from now on: changed facts at once, figures alone with the next refresh."""
        refresh = now_s - self._refreshed_s >= REFRESH_S
        if refresh:
            self._refreshed_s = now_s
        for topic, news in told.items():
            before = self._told.get(topic)
            if refresh or before is None or before.facts != news.facts:
                self._due[topic] = None
        for topic in self._told.keys() - told.keys():
            if topic in self._written:
                self._due[topic] = None
            else:
                self._due.pop(topic, None)
        self._told = told

    def repeat(self) -> None:
        """Say everything again: the broker may have forgotten it."""
        self._due = dict.fromkeys([*self._told, *(self._written - self._told.keys())])

    def leave(self) -> None:
        """Take note that nothing stands on any topic."""
        self._written.clear()

    def lose(self) -> None:
        """Take note that nothing more is heard of what is on its way."""
        self._in_flight.clear()

    def next(self) -> tuple[str, Told | None] | None:
        """Return the next topic and what to say there, None to clear it; None where there is nothing, or no room."""
        if not self._due or len(self._in_flight) >= IN_FLIGHT_MOST:
            return None
        topic = next(iter(self._due))
        return topic, self._told.get(topic)

    def sent(self, topic: str, number: int) -> None:
        """Take note that a topic's newest is on its way, by the number of its message."""
        self._due.pop(topic, None)
        self._in_flight[number] = topic
        if topic in self._told:
            self._written.add(topic)
        else:
            self._written.discard(topic)

    def confirm(self, number: int) -> str | None:
        """Take note that a message has arrived; return its topic."""
        return self._in_flight.pop(number, None)

    def awaits(self, number: int) -> bool:
        """Return whether a message is still on its way."""
        return number in self._in_flight
