"""What is measured of one camera: rates of its stream, cost of its decoding, rates of what is sent."""

from dataclasses import dataclass
import threading

WEIGHT = 0.1
"""Weight of a new value in a running mean: ten pictures are half a second of most cameras."""

SPAN_US = 9_500_000
"""Rates are those of one span between two regular statuses; a reading in between repeats the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The figures of one camera over the last span."""

    source_fps: float = 0.0
    sent_fps: float = 0.0
    bytes_per_s: float = 0.0
    decode_ms: float = 0.0
    key_interval_s: float | None = None
    cpu_ms_per_s: float = 0.0
    age_ms: float | None = None
    skipped: int = 0


class Meter:
    """Counts on the camera's threads and on the loop, read on the loop."""

    def __init__(self) -> None:
        """Start at zero."""
        self._lock = threading.Lock()
        self._read_us = 0
        self._packets = 0
        self._sent = 0
        self._sent_bytes = 0
        self._cpu_us = 0
        self._decode_ms = 0.0
        self._age_ms: float | None = None
        self._skipped = 0
        self._key_us: int | None = None
        self._key_interval_s: float | None = None
        self._last = Measured()

    def packet(self, captured_us: int, *, key: bool) -> None:
        """Count one packet of the stream; runs on the reader's thread."""
        with self._lock:
            self._packets += 1
            if key:
                if self._key_us is not None:
                    self._key_interval_s = (captured_us - self._key_us) / 1_000_000
                self._key_us = captured_us

    def picture(self, decode_us: int) -> None:
        """Count one decoded picture; runs on a decoder's thread."""
        with self._lock:
            self._decode_ms += (decode_us / 1000 - self._decode_ms) * (
                WEIGHT if self._decode_ms else 1
            )

    def spent(self, cpu_us: int) -> None:
        """Count processor time spent on this camera, on any thread."""
        with self._lock:
            self._cpu_us += cpu_us

    def skip(self, count: int) -> None:
        """Count pictures that were to be decoded and gave way."""
        if count:
            with self._lock:
                self._skipped += count

    def restarted(self) -> None:
        """Forget the last key frame: the stream was away."""
        with self._lock:
            self._key_us = None

    def sent(self, size_bytes: int, age_us: int | None) -> None:
        """Count one frame handed to the socket, with its age where it is live; runs on the loop."""
        with self._lock:
            self._sent += 1
            self._sent_bytes += size_bytes
            if age_us is not None:
                self._age_ms = age_us / 1000

    def read(self, now_us: int, *, least_us: int = SPAN_US) -> Measured:
        """Return the figures of the last whole span."""
        with self._lock:
            elapsed_us = now_us - self._read_us
            if self._read_us and elapsed_us < least_us:
                return self._last
            if self._read_us:
                per_s = 1_000_000 / elapsed_us
                interval_s = self._key_interval_s
                self._last = Measured(
                    source_fps=round(self._packets * per_s, 2),
                    sent_fps=round(self._sent * per_s, 2),
                    bytes_per_s=round(self._sent_bytes * per_s, 1),
                    decode_ms=round(self._decode_ms, 2),
                    key_interval_s=None if interval_s is None else round(interval_s, 2),
                    cpu_ms_per_s=round(self._cpu_us / 1000 * per_s, 2),
                    age_ms=None if self._age_ms is None else round(self._age_ms, 1),
                    skipped=self._skipped,
                )
            self._read_us = now_us
            self._packets = self._sent = self._sent_bytes = self._cpu_us = 0
            return self._last
