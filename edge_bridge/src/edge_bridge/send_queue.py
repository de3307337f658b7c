"""What the system holds of a connection that it has not sent yet."""

import fcntl
import struct
from typing import Protocol

_UNSENT = 0x894B
"""SIOCOUTQNSD of Linux: the bytes that no segment has carried so far."""


class Wire(Protocol):
    """As much of a socket as is needed here."""

    def fileno(self) -> int:
        """Return the descriptor, or -1 where it is closed."""


def unsent_bytes(wire: Wire | None) -> int:
    """Return the bytes, 0 where the system does not say: then acknowledgements alone bound what is sent."""
    if wire is None or wire.fileno() < 0:
        return 0
    try:
        answer = fcntl.ioctl(wire.fileno(), _UNSENT, bytes(4))
    except OSError:
        return 0
    return int(struct.unpack("i", answer)[0])
