"""The quantiser of an H.264 picture, read from its first slice header without decoding. Pure.

Only as much of the parameter sets and of the header is read as stands before the quantiser (ITU-T H.264, 7.3.2.1,
7.3.2.2, 7.3.3). What is damaged, unknown or not H.264 gives None.
"""

from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 80
"""Holds the header of every camera's slice; a packet is 4 to 100 kB."""
PREFIX_BYTES: Final = 2048
"""Some cameras put messages of their own of up to a kilobyte before each picture."""
MOST_SETS: Final = 32
"""A stream uses one or two; garbage must not fill the memory."""

_START: Final = b"\x00\x00\x01"
_NAL_SLICE: Final = 1
_NAL_IDR: Final = 5
_NAL_SPS: Final = 7
_NAL_PPS: Final = 8
_NAL_BEFORE_SLICE: Final = frozenset({6, 7, 8, 9, 12, 13, 14, 15})
"""Messages, parameter sets, delimiters, filler: what may stand before a picture's first slice."""
_P: Final = 0
_B: Final = 1
_I: Final = 2
_SP: Final = 3
_SI: Final = 4
_PROFILES_WITH_CHROMA: Final = frozenset(
    {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sequence:
    colour_planes: bool
    chroma: bool
    frame_number_bits: int
    order_type: int
    order_bits: int
    order_always_zero: bool
    frames_only: bool
    qp_least: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _PictureSet:
    sequence: int
    cabac: bool
    order_present: bool
    references: tuple[int, int]
    weighted: bool
    weighted_both: bool
    redundant: bool
    qp: int


class SliceHeaders:
    """Reads quantisers of one stream, whose parameter sets it is told."""

    def __init__(self) -> None:
        """Know no parameter sets yet."""
        self._sequences: dict[int, _Sequence] = {}
        self._pictures: dict[int, _PictureSet] = {}

    def learn(self, data: bytes) -> None:
        """Take over the parameter sets in a piece of Annex B: a key packet, or the stream's extra data."""
        at = data.find(_START)
        while at >= 0:
            following = data.find(_START, at + 3)
            kind = data[at + 3] & 31 if at + 3 < len(data) else 0
            if kind in {_NAL_SPS, _NAL_PPS}:
                end = following if following >= 0 else len(data)
                self._learn_one(kind, data[at + 4 : min(end, at + PREFIX_BYTES)])
            elif kind in {_NAL_SLICE, _NAL_IDR}:
                # Pictures are long, and nothing that matters stands behind their first slice.
                return
            at = following

    def qp(self, data: memoryview | bytes) -> int | None:
        """Return the quantiser of an access unit's first slice (0 to 51, less with high bit depth)."""
        head = bytes(data[:HEAD_BYTES])
        at = _slice_at(head)
        if at < 0 or len(head) - at < HEAD_BYTES // 2:
            if len(data) <= len(head):
                if at < 0:
                    return None
            else:
                head = bytes(data[:PREFIX_BYTES])
                at = _slice_at(head)
                if at < 0:
                    return None
        try:
            return self._read(head[at], _Bits(head[at + 1 : at + 1 + HEAD_BYTES]))
        except ValueError, KeyError:
            return None

    def _learn_one(self, kind: int, data: bytes) -> None:
        bits = _Bits(data)
        try:
            if kind == _NAL_SPS:
                number, sequence = _sequence(bits)
                if number < MOST_SETS:
                    self._sequences[number] = sequence
            else:
                number, picture = _picture_set(bits)
                if number in self._pictures or len(self._pictures) < MOST_SETS:
                    self._pictures[number] = picture
        except ValueError:
            return

    def _read(self, nal: int, bits: _Bits) -> int | None:
        bits.ue()  # first macroblock
        kind = bits.ue() % 5
        picture = self._pictures[bits.ue()]
        sequence = self._sequences[picture.sequence]
        idr = nal & 31 == _NAL_IDR
        if sequence.colour_planes:
            bits.skip(2)
        bits.skip(sequence.frame_number_bits)
        field = False
        if not sequence.frames_only:
            field = bits.flag()
            if field:
                bits.skip(1)
        if idr:
            bits.ue()
        orders = 2 if picture.order_present and not field else 1
        if sequence.order_type == 0:
            bits.skip(sequence.order_bits)
            if orders == 2:
                bits.ue()
        elif sequence.order_type == 1 and not sequence.order_always_zero:
            for _ in range(orders):
                bits.ue()
        if picture.redundant:
            bits.ue()
        if kind in {_P, _B, _SP}:
            _skip_references(bits, kind, picture, chroma=sequence.chroma)
        if nal & 0x60:
            _skip_marking(bits, idr=idr)
        if picture.cabac and kind not in {_I, _SI}:
            bits.ue()
        qp = picture.qp + bits.se()
        return qp if sequence.qp_least <= qp <= 51 else None


_DAMAGED = "ends too early, or holds what no encoder writes"


class _Bits:
    """Reads a payload bit by bit, without the bytes that keep start codes out of it."""

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes) -> None:
        if _START[:2] in data:
            data = data.replace(b"\x00\x00\x03", b"\x00\x00")
        self._value = int.from_bytes(data)
        self._left = 8 * len(data)

    def skip(self, count: int) -> None:
        self._left -= count

    def flag(self) -> bool:
        self._left -= 1
        if self._left < 0:
            raise ValueError(_DAMAGED)
        return bool(self._value >> self._left & 1)

    def bits(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ValueError(_DAMAGED)
        return self._value >> self._left & ((1 << count) - 1)

    def ue(self) -> int:
        """Read an unsigned Exp-Golomb number: as many zeros as there are bits behind the first one."""
        left = self._left
        if left <= 0:
            raise ValueError(_DAMAGED)
        zeros = left - (self._value & ((1 << left) - 1)).bit_length()
        left -= 2 * zeros + 1
        if left < 0 or zeros > 32:
            raise ValueError(_DAMAGED)
        self._left = left
        return (self._value >> left & ((1 << (zeros + 1)) - 1)) - 1

    def se(self) -> int:
        number = self.ue()
        return (number + 1) // 2 if number & 1 else -(number // 2)


def _slice_at(head: bytes) -> int:
    """Return where the first slice's unit begins, -1 where none does."""
    at = head.find(_START) + 3
    while 3 <= at < len(head):
        kind = head[at] & 31
        if kind in {_NAL_SLICE, _NAL_IDR}:
            return at
        if kind not in _NAL_BEFORE_SLICE:
            return -1
        at = head.find(_START, at) + 3
    return -1


def _sequence(bits: _Bits) -> tuple[int, _Sequence]:
    profile = bits.bits(8)
    bits.skip(16)  # constraints, level
    number = bits.ue()
    chroma_format, colour_planes, depth = 1, False, 0
    if profile in _PROFILES_WITH_CHROMA:
        chroma_format = bits.ue()
        if chroma_format == 3:
            colour_planes = bits.flag()
        depth = bits.ue()
        bits.ue()
        bits.skip(1)
        if bits.flag():
            for index in range(12 if chroma_format == 3 else 8):
                if bits.flag():
                    _skip_scaling(bits, 16 if index < 6 else 64)
    frame_number_bits = bits.ue() + 4
    order_type = bits.ue()
    order_bits, always_zero = 0, False
    if order_type == 0:
        order_bits = bits.ue() + 4
    elif order_type == 1:
        always_zero = bits.flag()
        bits.ue()
        bits.ue()
        for _ in range(_at_most(bits.ue(), 255)):
            bits.ue()
    bits.ue()  # reference frames
    bits.skip(1)
    bits.ue()  # width
    bits.ue()  # height
    return number, _Sequence(
        colour_planes=colour_planes,
        chroma=chroma_format != 0 and not colour_planes,
        frame_number_bits=_at_most(frame_number_bits, 16),
        order_type=_at_most(order_type, 2),
        order_bits=_at_most(order_bits, 16),
        order_always_zero=always_zero,
        frames_only=bits.flag(),
        qp_least=-6 * _at_most(depth, 6),
    )


def _picture_set(bits: _Bits) -> tuple[int, _PictureSet]:
    number = bits.ue()
    sequence = bits.ue()
    cabac = bits.flag()
    order_present = bits.flag()
    groups = _at_most(bits.ue(), 7)
    if groups:
        _skip_groups(bits, groups)
    references = (_at_most(bits.ue(), 31) + 1, _at_most(bits.ue(), 31) + 1)
    weighted = bits.flag()
    weighted_both = bits.bits(2) == 1
    qp = 26 + bits.se()
    bits.ue()
    bits.ue()
    bits.skip(2)
    return number, _PictureSet(
        sequence=sequence,
        cabac=cabac,
        order_present=order_present,
        references=references,
        weighted=weighted,
        weighted_both=weighted_both,
        redundant=bits.flag(),
        qp=qp,
    )


def _skip_scaling(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _skip_groups(bits: _Bits, groups: int) -> None:
    kind = bits.ue()
    if kind == 0:
        for _ in range(groups + 1):
            bits.ue()
    elif kind == 2:
        for _ in range(groups):
            bits.ue()
            bits.ue()
    elif kind in {3, 4, 5}:
        bits.skip(1)
        bits.ue()
    elif kind == 6:
        count = _at_most(bits.ue(), 1 << 16) + 1
        bits.skip(count * groups.bit_length())


def _skip_references(bits: _Bits, kind: int, picture: _PictureSet, *, chroma: bool) -> None:
    both = kind == _B
    if both:
        bits.skip(1)
    first, second = picture.references
    if bits.flag():
        first = bits.ue() + 1
        if both:
            second = bits.ue() + 1
    for _ in range(1 + both):
        if bits.flag():
            while bits.ue() != 3:
                bits.ue()
    if not (picture.weighted_both if both else picture.weighted):
        return
    bits.ue()
    if chroma:
        bits.ue()
    for _ in range(_at_most(first, 32) + (_at_most(second, 32) if both else 0)):
        if bits.flag():
            bits.ue()
            bits.ue()
        if chroma and bits.flag():
            for _ in range(4):
                bits.ue()


def _skip_marking(bits: _Bits, *, idr: bool) -> None:
    if idr:
        bits.skip(2)
        return
    if not bits.flag():
        return
    while operation := bits.ue():
        if operation != 5:
            bits.ue()
        if operation == 3:
            bits.ue()


def _at_most(number: int, most: int) -> int:
    if number > most:
        raise ValueError(_DAMAGED)
    return number
