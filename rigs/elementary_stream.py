"""H.264 and H.265 below the container: NAL units, parameter sets, RTP payloads, SDP lines."""

import base64
from enum import StrEnum
from typing import Final

MTU_BYTES: Final = 1400
"""Largest RTP payload: fits an Ethernet frame with all headers."""


class Codec(StrEnum):
    """The two codecs cameras speak, by their SDP name."""

    H264 = "H264"
    H265 = "H265"


type Payloads = tuple[bytes, ...]


def split_nals(data: bytes, length_size: int) -> list[bytes]:
    """Split a packet into NAL units; a length size of 0 means start codes (Annex B)."""
    if length_size == 0:
        parts = data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
        return [trimmed for part in parts if (trimmed := part.rstrip(b"\0"))]
    nals: list[bytes] = []
    at = 0
    while at + length_size <= len(data):
        length = int.from_bytes(data[at : at + length_size])
        at += length_size
        if length:
            nals.append(data[at : at + length])
        at += length
    return nals


def nal_type(codec: Codec, nal: bytes) -> int:
    """Return the type field of a NAL unit's header."""
    return nal[0] & 0x1F if codec is Codec.H264 else nal[0] >> 1 & 0x3F


def is_parameter_set(codec: Codec, nal: bytes) -> bool:
    """Whether the unit is a parameter set (VPS, SPS, PPS)."""
    return nal_type(codec, nal) in ((7, 8) if codec is Codec.H264 else (32, 33, 34))


def is_delimiter(codec: Codec, nal: bytes) -> bool:
    """Whether the unit is an access unit delimiter, which RTP does without."""
    return nal_type(codec, nal) == (9 if codec is Codec.H264 else 35)


def read_extradata(codec: Codec, extradata: bytes) -> tuple[tuple[bytes, ...], int]:
    """Return the parameter sets and the length size of a container's codec record."""
    if not extradata or extradata[0] != 1:
        nals = split_nals(extradata, 0)
        return tuple(nal for nal in nals if is_parameter_set(codec, nal)), 0
    if codec is Codec.H264:
        length_size = (extradata[4] & 3) + 1
        sets, at = _read_sets(extradata, 6, extradata[5] & 0x1F)
        more, _ = _read_sets(extradata, at + 1, extradata[at])
        return (*sets, *more), length_size
    length_size = (extradata[21] & 3) + 1
    found: list[bytes] = []
    at = 23
    for _ in range(extradata[22]):
        count = int.from_bytes(extradata[at + 1 : at + 3])
        nals, at = _read_sets(extradata, at + 3, count)
        found += [nal for nal in nals if is_parameter_set(codec, nal)]
    return tuple(found), length_size


def packetize(codec: Codec, nals: list[bytes]) -> Payloads:
    """Cut one access unit into RTP payloads; the marker belongs on the last one."""
    payloads: list[bytes] = []
    for nal in nals:
        if len(nal) <= MTU_BYTES:
            payloads.append(nal)
        else:
            payloads += _fragments(codec, nal)
    return tuple(payloads)


def sdp_format(codec: Codec, parameter_sets: tuple[bytes, ...]) -> str:
    """Return the format parameters of the SDP, with the parameter sets in base64."""

    def text(nal: bytes) -> str:
        return base64.b64encode(nal).decode()

    if codec is Codec.H264:
        level = next(nal[1:4].hex() for nal in parameter_sets if nal_type(codec, nal) == 7)
        sets = ",".join(text(nal) for nal in parameter_sets)
        return f"packetization-mode=1;profile-level-id={level};sprop-parameter-sets={sets}"
    names = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}
    return ";".join(f"{names[nal_type(codec, nal)]}={text(nal)}" for nal in parameter_sets)


def _read_sets(record: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    sets: list[bytes] = []
    for _ in range(count):
        length = int.from_bytes(record[at : at + 2])
        sets.append(record[at + 2 : at + 2 + length])
        at += 2 + length
    return sets, at


def _fragments(codec: Codec, nal: bytes) -> list[bytes]:
    """Cut a large unit into fragmentation units (FU-A of RFC 6184, FU of RFC 7798)."""
    if codec is Codec.H264:
        header, body = bytes([nal[0] & 0xE0 | 28]), nal[1:]
    else:
        header, body = bytes([nal[0] & 0x81 | 49 << 1, nal[1]]), nal[2:]
    kind = nal_type(codec, nal)
    fragments: list[bytes] = []
    for start in range(0, len(body), MTU_BYTES):
        first = 0x80 if start == 0 else 0
        last = 0x40 if start + MTU_BYTES >= len(body) else 0
        fragments.append(header + bytes([first | last | kind]) + body[start : start + MTU_BYTES])
    return fragments
