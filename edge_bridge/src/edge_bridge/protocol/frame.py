"""A frame: a 22-byte header and a JPEG, or the same as a text message.

kind 1 | flags 1 | camera 2 | sequence 4 | captured_us 8 | width 2 | height 2 | activity 1 | novelty 1
"""

import base64
import binascii
from dataclasses import dataclass
import struct
from typing import Any, ClassVar, Self

from .checks import CLOCK_US, SEQUENCE, integer
from .limits import MAX_FRAME_BYTES
from .record import Message, ProtocolError, fields_of, wire
from .vocabulary import FrameFlag

HEADER = struct.Struct(">BBHIQHHBB")
KIND_FRAME = 1
KIND_PREVIEW = 2


def _base64(value: Any, name: str) -> bytes:
    if not isinstance(value, str):
        raise ProtocolError(name, "not base64")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ProtocolError(name, "not base64") from error


def _jpeg(data: bytes, name: str) -> bytes:
    if len(data) > MAX_FRAME_BYTES:
        raise ProtocolError(name, f"longer than {MAX_FRAME_BYTES} bytes")
    if not data.startswith(b"\xff\xd8") or not data.endswith(b"\xff\xd9"):
        raise ProtocolError(name, "not a whole JPEG")
    return data


_FLAGS = tuple(FrameFlag(number) for number in range(32))
"""Made once: a frame's own would take longer than the rest of its header."""
_FLAG_BITS = integer(0, 255)


def _flags(value: Any, name: str) -> FrameFlag:
    number: int = _FLAG_BITS(value, name)
    return _FLAGS[number & 31]


def _picture(value: Any, name: str) -> bytes:
    return _jpeg(_base64(value, name), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame(Message):
    """One JPEG with its capture time; kind 2 is a probe's preview.

    ``captured_us`` is the bridge's monotonic clock when the packet that completes the picture arrived. ``activity``
    and ``novelty`` (against the frame sent before) are 0 to 255. The same message travels as binary or, for simple
    clients, as JSON with ``jpeg`` in base64.
    """

    type: ClassVar[str] = "frame"
    kind: int = wire(integer(KIND_FRAME, KIND_PREVIEW), default=KIND_FRAME)
    flags: FrameFlag = wire(_flags, default=FrameFlag(0))
    camera: int = wire(integer(0, 2**16 - 1))
    sequence: int = wire(SEQUENCE)
    captured_us: int = wire(CLOCK_US)
    width: int = wire(integer(0, 2**16 - 1), default=0)
    height: int = wire(integer(0, 2**16 - 1), default=0)
    activity: int = wire(integer(0, 255), default=0)
    novelty: int = wire(integer(0, 255), default=0)
    jpeg: bytes = wire(_picture, shown=False)

    def pack(self) -> bytes:
        """Return the frame as its binary message."""
        return (
            HEADER.pack(
                self.kind,
                self.flags,
                self.camera,
                self.sequence,
                self.captured_us,
                self.width,
                self.height,
                self.activity,
                self.novelty,
            )
            + self.jpeg
        )

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Read a binary message; raise ProtocolError naming the field."""
        if len(data) < HEADER.size:
            raise ProtocolError("frame", f"shorter than its header of {HEADER.size} bytes")
        kind, flags, camera, sequence, captured_us, width, height, activity, novelty = (
            HEADER.unpack_from(data)
        )
        if kind not in (KIND_FRAME, KIND_PREVIEW):
            raise ProtocolError("frame.kind", "neither a frame nor a preview")
        return cls(
            kind=kind,
            flags=_FLAGS[flags & 31],
            camera=camera,
            sequence=sequence,
            captured_us=CLOCK_US(captured_us, "frame.captured_us"),
            width=width,
            height=height,
            activity=activity,
            novelty=novelty,
            jpeg=_jpeg(data[HEADER.size :], "frame.jpeg"),
        )

    def written(self) -> dict[str, Any]:
        """Return the frame as what json.dumps takes, the picture in base64."""
        plain = {part.name: getattr(self, part.name) for part in fields_of(type(self))}
        return {
            **plain,
            "flags": int(self.flags),
            "jpeg": base64.b64encode(self.jpeg).decode("ascii"),
        }
