"""Whose frame goes next: active cameras before quiet ones, the longest unserved first, nobody never. Pure."""

from collections.abc import Collection

QUIET_TURN = 8
"""While active cameras wait, every eighth frame is a quiet camera's: its preview shows that it lives."""


class Turns:
    """Remembers who was served when."""

    def __init__(self) -> None:
        """Nobody was served yet."""
        self._served: dict[str, int] = {}
        self._count = 0
        self._urgent_in_a_row = 0

    def choose(self, urgent: Collection[str], quiet: Collection[str]) -> str | None:
        """Return the camera whose turn it is, and count that as served; None where nobody waits."""
        if not urgent and not quiet:
            return None
        owed = self._urgent_in_a_row >= QUIET_TURN - 1
        if urgent and not (quiet and owed):
            chosen = urgent
            self._urgent_in_a_row += 1
        else:
            chosen = quiet
            self._urgent_in_a_row = 0
        camera = min(chosen, key=lambda name: self._served.get(name, 0))
        self._count += 1
        self._served[camera] = self._count
        return camera

    def forget(self, camera: str) -> None:
        """Drop a removed camera."""
        self._served.pop(camera, None)
