"""A machine-readable band burnt into a picture: who took it, which one it is, and when.

The bits sit in the two chroma planes and the luma of the band is constant, so the band
changes with every frame and yet a detector that compares luma sees nothing move.
"""

from dataclasses import dataclass
from typing import Final
import zlib

import numpy as np
import numpy.typing as npt

type Plane = npt.NDArray[np.uint8]
type Picture = npt.NDArray[np.uint8]
type Levels = npt.NDArray[np.float64]

COLUMNS: Final = 40
"""Cells side by side: 16 px each at a width of 640."""
ROWS: Final = 2
"""Rows of cells in a band."""
BAND_SHARE: Final = 0.078
"""Height of one band as a share of the picture: two rows of 14 px at a height of 360."""

_LUMA = 128
# Far enough from the middle (128) to survive JPEG at quality 60, near enough that no
# combination leaves the RGB cube, where clipping would leak the bits into luma.
_LOW, _HIGH = 72, 184
# The checksum starts from here, so that neither a grey band nor another product's code reads as one of ours.
_SALT = 0xC5
_PAYLOAD_BYTES = 16
_MOST_OF_A_KIND = 3
# Below this a cell is less than four pixels high, and JPEG mixes neighbours.
_SMALLEST_HEIGHT_PX = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who and what is in the scene; at most three of a kind."""

    persons: int = 0
    vehicles: int = 0
    animals: int = 0
    package: bool = False
    sign: bool = False
    """A sign that tells whoever reads it to report nothing."""

    @property
    def labels(self) -> frozenset[str]:
        """What a detector would name."""
        named = {
            "person": self.persons,
            "vehicle": self.vehicles,
            "animal": self.animals,
            "package": self.package,
        }
        return frozenset(label for label, count in named.items() if count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What one picture says about itself."""

    camera: int
    """Number of the camera, 0 to 255."""
    epoch: int
    """Number of the source's run, 0 to 65535."""
    sequence: int
    """Number of the frame on the source's timeline, 32 bits."""
    captured_ms: int
    """Wall clock in ms since 1970 when the picture was drawn, 48 bits."""
    visit: int
    """Number of the present or last visit, 0 before the first, 15 bits."""
    active: bool
    """Whether that visit is going on in this picture."""
    cast: Cast = Cast()
    """Who takes part, as far as the source says."""


def draw_code(luma: Plane, blue: Plane, red: Plane, code: Code) -> None:
    """Burn the code into the planes of a 4:2:0 picture, at the top and at the bottom."""
    bits = _to_bits(code)
    height = luma.shape[0]
    band = band_height_px(height)
    luma[:band] = _LUMA
    luma[height - band :] = _LUMA
    half = ROWS * COLUMNS
    for plane, cells in ((blue, bits[:half]), (red, bits[half:])):
        levels = np.where(cells, _HIGH, _LOW).astype(np.uint8).reshape(ROWS, COLUMNS)
        rows = (np.arange(band // 2) * ROWS) // (band // 2)
        columns = (np.arange(plane.shape[1]) * COLUMNS) // plane.shape[1]
        drawn = levels[rows][:, columns]
        plane[: band // 2] = drawn
        plane[plane.shape[0] - band // 2 :] = drawn


def band_height_px(height_px: int) -> int:
    """Return the height of one band in luma pixels, always a multiple of four."""
    return max(4, int(height_px * BAND_SHARE) // 4 * 4)


def read_code(picture: Picture) -> Code | None:
    """Read the code of an RGB picture (height, width, 3) of any size; None if there is none."""
    # Only the two bands are looked at: a picture is read in about a millisecond.
    band = int(picture.shape[0] * BAND_SHARE) + 1
    if picture.shape[0] < 4 * band or picture.shape[0] < _SMALLEST_HEIGHT_PX:
        return None
    rgb = np.concatenate([picture[:band], picture[-band:]]).astype(np.float64)
    blue = 128 - 0.168736 * rgb[..., 0] - 0.331264 * rgb[..., 1] + 0.5 * rgb[..., 2]
    red = 128 + 0.5 * rgb[..., 0] - 0.418688 * rgb[..., 1] - 0.081312 * rgb[..., 2]
    return _read(blue, red, height=picture.shape[0])


def read_code_from_chroma(blue: Plane, red: Plane) -> Code | None:
    """Read the code of a decoded frame's two chroma planes; None if there is none."""
    if 2 * blue.shape[0] < _SMALLEST_HEIGHT_PX:
        return None
    return _read(blue.astype(np.float64), red.astype(np.float64), height=blue.shape[0])


def _read(blue: Levels, red: Levels, *, height: int) -> Code | None:
    """Read from planes that hold at least both bands of a picture of this height."""
    if blue.shape[1] < 2 * COLUMNS:
        return None
    band = height * BAND_SHARE
    bottom_start = blue.shape[0] - band
    top = np.concatenate([_cells(plane, 0.0, band) for plane in (blue, red)])
    bottom = np.concatenate([_cells(plane, bottom_start, band) for plane in (blue, red)])
    for levels in (top, bottom, top + bottom):
        if (code := _from_bits(levels > 0)) is not None:
            return code
    return None


def _cells(plane: Levels, start: float, band: float) -> Levels:
    """Return the mean level of each cell's middle, 0 being the threshold.

    A drawn band is rounded down to whole rows; the middles lie inside the cells all the same.
    """
    cell_height, cell_width = band / ROWS, plane.shape[1] / COLUMNS
    lefts = ((np.arange(COLUMNS) + 0.3) * cell_width).astype(int)
    widths = max(1, int(0.4 * cell_width))
    levels = np.empty((ROWS, COLUMNS))
    for row in range(ROWS):
        upper = int(start + (row + 0.3) * cell_height)
        lower = max(upper + 1, int(start + (row + 0.7) * cell_height))
        strip = plane[upper:lower].mean(axis=0)
        levels[row] = strip[lefts[:, None] + np.arange(widths)].mean(axis=1) - 128
    return levels.reshape(-1)


def _to_bits(code: Code) -> npt.NDArray[np.bool_]:
    payload = (
        bytes([_cast_to_byte(code.cast), code.camera & 0xFF])
        + (code.epoch & 0xFFFF).to_bytes(2)
        + (code.sequence & 0xFFFFFFFF).to_bytes(4)
        + (code.captured_ms & 0xFFFFFFFFFFFF).to_bytes(6)
        + ((code.visit & 0x7FFF) << 1 | code.active).to_bytes(2)
    )
    whole = payload + zlib.crc32(payload, _SALT).to_bytes(4)
    return np.unpackbits(np.frombuffer(whole, np.uint8)).astype(np.bool_)


def _from_bits(bits: npt.NDArray[np.bool_]) -> Code | None:
    whole = np.packbits(bits).tobytes()
    payload = whole[:_PAYLOAD_BYTES]
    if zlib.crc32(payload, _SALT) != int.from_bytes(whole[_PAYLOAD_BYTES:]):
        return None
    last = int.from_bytes(payload[14:16])
    return Code(
        camera=payload[1],
        epoch=int.from_bytes(payload[2:4]),
        sequence=int.from_bytes(payload[4:8]),
        captured_ms=int.from_bytes(payload[8:14]),
        visit=last >> 1,
        active=bool(last & 1),
        cast=_cast_of(payload[0]),
    )


def _cast_to_byte(cast: Cast) -> int:
    counts = (cast.persons, cast.vehicles, cast.animals)
    if not all(0 <= count <= _MOST_OF_A_KIND for count in counts):
        raise ValueError(f"more than {_MOST_OF_A_KIND} of a kind: {cast}")
    persons, vehicles, animals = counts
    return persons << 6 | vehicles << 4 | animals << 2 | cast.package << 1 | cast.sign


def _cast_of(byte: int) -> Cast:
    return Cast(
        persons=byte >> 6,
        vehicles=byte >> 4 & 3,
        animals=byte >> 2 & 3,
        package=bool(byte & 2),
        sign=bool(byte & 1),
    )
