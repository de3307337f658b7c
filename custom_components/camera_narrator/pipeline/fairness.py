"""Whose turn is next: by urgency, raised by waiting; among equals who was given least. Pure."""

from collections.abc import Collection, Mapping

from .turn import Turn, Urgency

AGEING_S = 15.0
"""Each such wait raises a turn by one class, so that a busy camera starves no other for more than a minute."""
WEIGHTS: Mapping[Urgency, float] = {
    Urgency.OPEN_EVENT: 4.0,
    Urgency.ONSET: 2.0,
    Urgency.CLOSING: 2.0,
    Urgency.HEARTBEAT: 1.0,
    Urgency.CATCH_UP: 1.0,
    Urgency.AUDIT: 1.0,
}
"""What a camera was given counts less where more was going on: who looks at an empty yard gives way."""


class Fairness:
    """What each camera of a hub was given, and when."""

    def __init__(self) -> None:
        """Begin with nobody served."""
        self._served: dict[str, float] = {}
        self._last: dict[str, int] = {}

    def enter(self, camera: str, busy: Collection[str]) -> None:
        """Let a camera wait beside busy ones; who comes back has saved nothing up by being away."""
        if camera not in busy and busy:
            least = min(self._served.get(other, 0.0) for other in busy)
            self._served[camera] = max(self._served.get(camera, 0.0), least)

    def grant(self, turn: Turn) -> None:
        """Note that it was a camera's turn."""
        self._last[turn.camera] = turn.number

    def serve(self, turn: Turn, tokens: int) -> None:
        """Count what a turn was given, or gave back."""
        served = self._served.get(turn.camera, 0.0)
        self._served[turn.camera] = served + tokens / WEIGHTS[turn.urgency]

    def rank(self, turn: Turn, now_s: float) -> tuple[float, float, int, int]:
        """Order turns; the least is next, and of equals whose camera's turn is longest ago."""
        return (
            turn.urgency - (now_s - turn.since_s) // AGEING_S,
            self._served.get(turn.camera, 0.0),
            self._last.get(turn.camera, -1),
            turn.number,
        )
