"""The life of the link to an entity's picture.

Home Assistant's own 5 minutes write 288 states a day; with 12 cameras that is a third of the recorder rows that this
integration allows itself.
"""

from datetime import UTC, datetime, timedelta


class PictureLink:
    """Says when a link is due to be made anew."""

    def __init__(self, life: timedelta) -> None:
        """Begin without one."""
        self._life = life
        self._made: datetime | None = None

    def due(self) -> bool:
        """Return whether a new one shall be made now; where it shall, its life begins."""
        now = datetime.now(UTC)
        if self._made is not None and now - self._made < self._life:
            return False
        self._made = now
        return True

    def end(self) -> None:
        """Let it be due at once."""
        self._made = None
