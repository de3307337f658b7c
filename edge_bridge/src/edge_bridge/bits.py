"""Bits of an H.264 payload, read one after the other. Pure."""

DAMAGED = "ends too early, or holds what no encoder writes"


class Bits:
    """Reads a payload bit by bit, without the bytes that keep start codes out of it."""

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes) -> None:
        """Begin with the first bit."""
        if b"\x00\x00" in data:
            data = data.replace(b"\x00\x00\x03", b"\x00\x00")
        self._value = int.from_bytes(data)
        self._left = 8 * len(data)

    def skip(self, count: int) -> None:
        """Pass over so many bits; that they were there shows at the next read."""
        self._left -= count

    def flag(self) -> bool:
        """Read one bit."""
        self._left -= 1
        if self._left < 0:
            raise ValueError(DAMAGED)
        return bool(self._value >> self._left & 1)

    def bits(self, count: int) -> int:
        """Read so many bits as a number."""
        self._left -= count
        if self._left < 0:
            raise ValueError(DAMAGED)
        return self._value >> self._left & ((1 << count) - 1)

    def ue(self) -> int:
        """Read an unsigned Exp-Golomb number: as many zeros as there are bits behind the first one."""
        left = self._left
        if left <= 0:
            raise ValueError(DAMAGED)
        zeros = left - (self._value & ((1 << left) - 1)).bit_length()
        left -= 2 * zeros + 1
        if left < 0 or zeros > 32:
            raise ValueError(DAMAGED)
        self._left = left
        return (self._value >> left & ((1 << (zeros + 1)) - 1)) - 1

    def se(self) -> int:
        """Read a signed Exp-Golomb number."""
        number = self.ue()
        return (number + 1) // 2 if number & 1 else -(number // 2)


def at_most(number: int, most: int) -> int:
    """Return a number that may be no larger; raise ValueError where it is."""
    if number > most:
        raise ValueError(DAMAGED)
    return number
