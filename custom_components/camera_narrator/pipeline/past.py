"""What a camera showed in the last minute and a half, thinly, for whoever asks; told or not."""

from .models import Frame

STEP_S = 2.0
"""Between pictures: half of what an active camera sends, and nobody comes and goes within it."""
BYTES_MAX = 2 * 2**20
"""45 pictures of 46 kB; beyond that the oldest go."""


class Past:
    """Frames that were shown before the newest few. Takes times, owns no clock."""

    def __init__(self, *, age_max_s: float, bytes_max: int = BYTES_MAX) -> None:
        self._age_max_s = age_max_s
        self._bytes_max = bytes_max
        self._frames: list[Frame] = []
        self._bytes = 0

    def add(self, frame: Frame) -> None:
        """Take a frame that is no longer one of the newest; one close after another is left out, what is too old goes."""
        while self._frames and self._frames[0].captured_s < frame.captured_s - self._age_max_s:
            self._drop_first()
        if self._frames and frame.captured_s < self._frames[-1].captured_s + STEP_S:
            return
        self._frames.append(frame)
        self._bytes += len(frame.jpeg)
        while self._bytes > self._bytes_max:
            self._drop_first()

    def since(self, from_s: float) -> tuple[Frame, ...]:
        """Return what was captured from then on, oldest first."""
        return tuple(frame for frame in self._frames if frame.captured_s >= from_s)

    def clear(self) -> None:
        """Let go everything."""
        self._frames.clear()
        self._bytes = 0

    def _drop_first(self) -> None:
        self._bytes -= len(self._frames.pop(0).jpeg)
