"""What decoding every picture of a stream costs, estimated before it is measured. Pure."""

NANOSECONDS_PER_PIXEL = {"h264": 2.0, "hevc": 2.6}
"""Of each picture, before one has been decoded; measured on two ordinary cores."""
OTHER_NANOSECONDS_PER_PIXEL = 3.0
USUAL_PIXELS = 1920 * 1080
"""Of a camera of which no picture has come."""
USUAL_FPS = 25.0
"""Of a stream of which one packet has come."""
WEIGHT = 0.05
"""Of one picture in the running mean: that of a group's large and small pictures together."""


class Cost:
    """The processor time that one stream's pictures take."""

    def __init__(self, codec: str) -> None:
        """Know nothing but the codec."""
        self._per_pixel_ns = NANOSECONDS_PER_PIXEL.get(codec, OTHER_NANOSECONDS_PER_PIXEL)
        self._measured_us: float | None = None

    def measure(self, picture_us: int) -> None:
        """Take what one picture of a continuous stretch took, with all that was made of it."""
        before_us = picture_us if self._measured_us is None else self._measured_us
        self._measured_us = before_us + (picture_us - before_us) * WEIGHT

    def picture_us(self, pixels: int) -> float:
        """Return what a picture takes; ``pixels`` is its size, 0 where that is unknown."""
        if self._measured_us is not None:
            return self._measured_us
        return (pixels or USUAL_PIXELS) * self._per_pixel_ns / 1000

    def ms_per_s(self, pixels: int, fps: float) -> float:
        """Return what each second of the stream takes; ``fps`` is 0 where that is unknown."""
        return self.picture_us(pixels) * (fps or USUAL_FPS) / 1000
