"""How fast requests may follow each other after a refusal without a date: halved at once, raised slowly. Pure."""

FLOOR_PER_MINUTE = 1.0
"""One request a minute finds out whether there is room again."""
STEP_PER_MINUTE = 1.0
"""With each answered request: a server that takes sixty a minute is back at full speed within minutes."""
FORGET_S = 600.0
"""Ten of the minutes that limits are counted in; what a server refused before then is no guide."""


class Pace:
    """The spacing between the starts of requests, None while nothing was refused."""

    def __init__(self) -> None:
        """Begin without any."""
        self.per_minute: float | None = None
        self._refused_s = 0.0
        self._started_s = float("-inf")

    def refused(self, recent: float, now_s: float) -> None:
        """Halve what went through in the last minute; requests refused together halve it once."""
        if self.per_minute is not None and now_s - self._refused_s < 60 / self.per_minute / 2:
            return
        now_per_minute = recent if self.per_minute is None else self.per_minute
        self.per_minute = max(FLOOR_PER_MINUTE, now_per_minute / 2)
        self._refused_s = now_s

    def answered(self, now_s: float) -> None:
        """Raise it a little; forget it when the refusal is long ago."""
        if self.per_minute is None:
            return
        self.per_minute += STEP_PER_MINUTE
        if now_s - self._refused_s >= FORGET_S:
            self.per_minute = None

    def started(self, now_s: float) -> None:
        """Note the start of a request."""
        self._started_s = now_s

    def opens_s(self, now_s: float) -> float:
        """Return from when on the next may start."""
        if self.per_minute is None:
            return now_s
        return max(now_s, self._started_s + 60 / self.per_minute)
