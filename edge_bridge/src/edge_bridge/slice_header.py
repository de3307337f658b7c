"""The quantiser of an H.264 picture, read from its first slice header without decoding. Pure.

Only as much of the header is read as stands before the quantiser (ITU-T H.264, 7.3.3). What is damaged, unknown or not H.264 gives None.
"""

from typing import Final

from .bits import Bits, at_most
from .parameter_sets import PictureSet, SequenceSet, picture_set, sequence_set

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


class SliceHeaders:
    """Reads quantisers of one stream, whose parameter sets it is told."""

    def __init__(self) -> None:
        """Know no parameter sets yet."""
        self._sequences: dict[int, SequenceSet] = {}
        self._pictures: dict[int, PictureSet] = {}

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
            return self._read(head[at], Bits(head[at + 1 : at + 1 + HEAD_BYTES]))
        except ValueError, KeyError:
            return None

    def _learn_one(self, kind: int, data: bytes) -> None:
        bits = Bits(data)
        try:
            if kind == _NAL_SPS:
                number, sequence = sequence_set(bits)
                if number < MOST_SETS:
                    self._sequences[number] = sequence
            else:
                number, picture = picture_set(bits)
                if number in self._pictures or len(self._pictures) < MOST_SETS:
                    self._pictures[number] = picture
        except ValueError:
            return

    def _read(self, nal: int, bits: Bits) -> int | None:
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


def _skip_references(bits: Bits, kind: int, picture: PictureSet, *, chroma: bool) -> None:
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
    for _ in range(at_most(first, 32) + (at_most(second, 32) if both else 0)):
        if bits.flag():
            bits.ue()
            bits.ue()
        if chroma and bits.flag():
            for _ in range(4):
                bits.ue()


def _skip_marking(bits: Bits, *, idr: bool) -> None:
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
