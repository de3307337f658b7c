"""What the bridge's own process costs."""

import os
from pathlib import Path
import resource
import time

_STATM = Path("/proc/self/statm")


class ProcessLoad:
    """Reads the process's CPU share since the last reading, and its memory."""

    def __init__(self) -> None:
        """Start the first span now."""
        self._wall_s = time.monotonic()
        self._cpu_s = time.process_time()
        self._percent = 0.0

    def read(self) -> tuple[float, int]:
        """Return percent of one core and bytes in memory; a reading within a second repeats the share."""
        wall_s, cpu_s = time.monotonic(), time.process_time()
        if wall_s - self._wall_s >= 1:
            self._percent = round(100 * (cpu_s - self._cpu_s) / (wall_s - self._wall_s), 1)
            self._wall_s, self._cpu_s = wall_s, cpu_s
        return self._percent, _memory_bytes()


def _memory_bytes() -> int:
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        # No /proc: the peak in kB is the nearest there is.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
