"""What a slice header of H.264 needs of its parameter sets (ITU-T H.264, 7.3.2.1 and 7.3.2.2). Pure."""

from dataclasses import dataclass
from typing import Final

from .bits import Bits, at_most

_PROFILES_WITH_CHROMA: Final = frozenset(
    {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceSet:
    """Of a sequence of pictures."""

    colour_planes: bool
    chroma: bool
    frame_number_bits: int
    order_type: int
    order_bits: int
    order_always_zero: bool
    frames_only: bool
    qp_least: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSet:
    """Of some pictures of a sequence."""

    sequence: int
    cabac: bool
    order_present: bool
    references: tuple[int, int]
    weighted: bool
    weighted_both: bool
    redundant: bool
    qp: int


def sequence_set(bits: Bits) -> tuple[int, SequenceSet]:
    """Read one and return it with its number; raise ValueError where it is damaged."""
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
        for _ in range(at_most(bits.ue(), 255)):
            bits.ue()
    bits.ue()  # reference frames
    bits.skip(1)
    bits.ue()  # width
    bits.ue()  # height
    return number, SequenceSet(
        colour_planes=colour_planes,
        chroma=chroma_format != 0 and not colour_planes,
        frame_number_bits=at_most(frame_number_bits, 16),
        order_type=at_most(order_type, 2),
        order_bits=at_most(order_bits, 16),
        order_always_zero=always_zero,
        frames_only=bits.flag(),
        qp_least=-6 * at_most(depth, 6),
    )


def picture_set(bits: Bits) -> tuple[int, PictureSet]:
    """Read one and return it with its number; raise ValueError where it is damaged."""
    number = bits.ue()
    sequence = bits.ue()
    cabac = bits.flag()
    order_present = bits.flag()
    groups = at_most(bits.ue(), 7)
    if groups:
        _skip_groups(bits, groups)
    references = (at_most(bits.ue(), 31) + 1, at_most(bits.ue(), 31) + 1)
    weighted = bits.flag()
    weighted_both = bits.bits(2) == 1
    qp = 26 + bits.se()
    bits.ue()
    bits.ue()
    bits.skip(2)
    return number, PictureSet(
        sequence=sequence,
        cabac=cabac,
        order_present=order_present,
        references=references,
        weighted=weighted,
        weighted_both=weighted_both,
        redundant=bits.flag(),
        qp=qp,
    )


def _skip_scaling(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _skip_groups(bits: Bits, groups: int) -> None:
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
        count = at_most(bits.ue(), 1 << 16) + 1
        bits.skip(count * groups.bit_length())
