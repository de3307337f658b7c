"""The bridge's one clock: it never jumps, and every time on the wire is of it."""

import time


def monotonic_us() -> int:
    """Return it in µs."""
    return time.monotonic_ns() // 1000
