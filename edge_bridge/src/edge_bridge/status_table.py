"""The status of a bridge as a person reads it, in the width there is. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .protocol.vocabulary import ErrorCode, PacingReason
from .status_head import head
from .terminal_text import clipped, columns_of, count

ERROR_WORDS: Final[Mapping[str, str]] = {
    ErrorCode.REFUSED: "refuses the connection",
    ErrorCode.UNREACHABLE: "cannot be reached",
    ErrorCode.TIMEOUT: "does not answer",
    ErrorCode.UNAUTHORIZED: "user name or password refused",
    ErrorCode.NOT_FOUND: "no stream at this path",
    ErrorCode.NO_VIDEO: "no video in the stream",
    ErrorCode.NOT_A_VIDEO: "not a video",
    ErrorCode.CODEC_UNSUPPORTED: "cannot be decoded",
    ErrorCode.TLS: "no secure connection",
    ErrorCode.SCHEME_NOT_ALLOWED: "addresses of this kind are not opened",
    ErrorCode.STREAM_ENDED: "ended the stream",
    ErrorCode.CODEC_CHANGED: "the video changed its format",
    ErrorCode.PROTOCOL_UNSUPPORTED: "another version of the protocol",
    ErrorCode.MALFORMED: "sent something malformed",
    ErrorCode.OVER_LIMIT: "too much at once",
    ErrorCode.REPLACED: "replaced",
    ErrorCode.REVOKED: "revoked",
    ErrorCode.WITHDRAWN: "taken away from this bridge",
    ErrorCode.IN_USE: "serves another viewer",
    ErrorCode.INTERNAL: "an error of the bridge, see its log",
}
"""What a code means, after the name of the camera."""

_PACING_WORDS: Final[Mapping[str, str]] = {
    PacingReason.ACKNOWLEDGEMENTS: "late answers",
    PacingReason.SEND_BUFFER: "slow link",
}

_STATE_COLOURS: Final[Mapping[str, str]] = {"streaming": "32", "connecting": "33", "failed": "31"}
_GAP: Final = "  "
_NAME_LEAST: Final = 8
"""Characters of a camera's key that tell most cameras apart."""

type _Cell = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    title: str
    cell: _Cell
    number: bool = True
    """Aligned to the right."""
    worth: int
    """Where there is no room, the column of least worth goes first."""
    where_told: bool = False
    """Shown only where a camera has something to say in it."""


def table(
    status: Mapping[str, Any],
    *,
    width: int | None = None,
    height: int | None = None,
    colour: bool = False,
) -> str:
    """Return what ``edge-bridge status`` prints, no line wider and no more lines than told."""
    lines = [clipped(line, width) for line in head(status)]
    cameras: Sequence[Mapping[str, Any]] = status.get("cameras", ())
    if not cameras:
        return "\n".join([*lines, "no cameras"])
    columns = _fitting(cameras, width)
    rows = _rows(columns, cameras, width, colour=colour)
    if height is not None and len(lines) + 1 + len(rows) > height:
        kept = max(1, height - len(lines) - 2)
        rows = [*rows[:kept], clipped(f"and {len(rows) - kept} more", width)]
    return "\n".join([*lines, "", *rows])


# -- cells -----------------------------------------------------------------------------------------------------


def _state(camera: Mapping[str, Any]) -> str:
    error = camera.get("error")
    if error is None:
        return str(camera["state"])
    return f"{camera['state']}: {ERROR_WORDS.get(error['code'], error['code'])}"


def _picture_size(camera: Mapping[str, Any]) -> str:
    width, height = camera.get("width", 0), camera.get("height", 0)
    return f"{width}x{height}" if width and height else "-"


def _group(camera: Mapping[str, Any]) -> str:
    interval_s = camera.get("key_interval_s")
    return "-" if interval_s is None else f"{interval_s:.1f} s"


def _age(camera: Mapping[str, Any]) -> str:
    age_ms = camera.get("age_ms")
    if age_ms is None:
        return "-"
    return f"{age_ms:.0f} ms" if age_ms < 1000 else f"{age_ms / 1000:.1f} s"


def _paced(camera: Mapping[str, Any]) -> str:
    step = camera.get("pacing_step", 0)
    if not step:
        return "-"
    return f"-{step} {_PACING_WORDS.get(camera.get('pacing_reason', ''), '')}".rstrip()


def _drops(camera: Mapping[str, Any]) -> str:
    counts = {**camera.get("counters", {}), "skipped": camera.get("skipped", 0)}
    named = [
        f"{count(counts[reason])} {reason}"
        for reason in ("replaced", "overflowed", "withdrawn", "skipped")
        if counts.get(reason)
    ]
    return ", ".join(named) or "-"


_COLUMNS: Final = (
    _Column(title="camera", cell=lambda camera: str(camera["camera"]), number=False, worth=100),
    _Column(title="state", cell=_state, number=False, worth=99),
    _Column(title="codec", cell=lambda camera: camera.get("codec") or "-", number=False, worth=20),
    _Column(title="size", cell=_picture_size, worth=30),
    _Column(title="fps", cell=lambda camera: f"{camera.get('source_fps', 0):.1f}", worth=40),
    _Column(title="group", cell=_group, worth=35),
    _Column(title="mode", cell=lambda camera: camera.get("mode", "-"), number=False, worth=50),
    _Column(title="sent fps", cell=lambda camera: f"{camera.get('sent_fps', 0):.2f}", worth=80),
    _Column(
        title="kB/s", cell=lambda camera: f"{camera.get('bytes_per_s', 0) / 1000:.1f}", worth=70
    ),
    _Column(title="age", cell=_age, worth=75),
    _Column(
        title="CPU", cell=lambda camera: f"{camera.get('cpu_ms_per_s', 0) / 10:.1f} %", worth=65
    ),
    _Column(title="paced", cell=_paced, number=False, worth=45, where_told=True),
    _Column(title="drops", cell=_drops, number=False, worth=60),
)


# -- layout ----------------------------------------------------------------------------------------------------


def _fitting(cameras: Sequence[Mapping[str, Any]], width: int | None) -> list[_Column]:
    """Return the columns that have room, in their order."""
    columns = [
        column
        for column in _COLUMNS
        if not column.where_told or any(column.cell(camera) != "-" for camera in cameras)
    ]
    while (
        width is not None
        and len(columns) > 2
        and sum(_widths(columns, cameras)) + len(_GAP) * (len(columns) - 1) > width
    ):
        columns.remove(min(columns, key=lambda column: column.worth))
    return columns


def _rows(
    columns: Sequence[_Column],
    cameras: Sequence[Mapping[str, Any]],
    width: int | None,
    *,
    colour: bool,
) -> list[str]:
    widths = _widths(columns, cameras)
    if width is not None and sum(widths) + len(_GAP) * (len(columns) - 1) > width:
        # Two columns are left and are too wide: what is wrong with a camera matters more than the end of its key.
        widths[0] = min(widths[0], max(_NAME_LEAST, width - len(_GAP) - widths[1]))
        widths[1] = max(0, width - len(_GAP) - widths[0])
    titles = _row(columns, [column.title for column in columns], widths)
    rows = [clipped(titles, width)]
    if colour:
        rows = [f"\x1b[1m{rows[0]}\x1b[0m"]
    for camera in cameras:
        cells = [column.cell(camera) for column in columns]
        colours = ["", _STATE_COLOURS.get(camera["state"], "")] if colour else []
        rows.append(_row(columns, cells, widths, colours))
    return rows


def _row(
    columns: Sequence[_Column],
    cells: Sequence[str],
    widths: Sequence[int],
    colours: Sequence[str] = (),
) -> str:
    parts = []
    for index, (column, cell, width) in enumerate(zip(columns, cells, widths, strict=True)):
        text = clipped(cell, width)
        space = " " * (width - columns_of(text))
        last = index == len(columns) - 1
        code = colours[index] if index < len(colours) else ""
        painted = f"\x1b[{code}m{text}\x1b[0m" if code else text
        parts.append(space + painted if column.number else painted + ("" if last else space))
    return _GAP.join(parts)


def _widths(columns: Sequence[_Column], cameras: Sequence[Mapping[str, Any]]) -> list[int]:
    return [
        max(columns_of(text) for text in (column.title, *map(column.cell, cameras)))
        for column in columns
    ]
