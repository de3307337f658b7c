"""What goes on before a camera when nobody is there, drawn into a scene; `EFFECTS` lists it by name."""

from collections.abc import Callable
import functools
from typing import Final

import numpy as np
import numpy.typing as npt

from rigs.backdrop import Levels
from rigs.coded_stream import HEIGHT_PX, WIDTH_PX

type Effect = Callable[[Levels, float], None]
"""Changes a scene, in place, to what it is at a time."""


def _foliage(random: np.random.Generator) -> Effect:
    """Leaves and twigs before a part of the picture, in wind that comes in gusts."""
    height, width = 150, 210
    top, left = int(random.integers(0, 120)), int(random.integers(0, WIDTH_PX - width - 20))
    leaves = _leaves(random, height, width + 40)
    down, right = np.mgrid[0:height, 0:width]
    bush = ((down - height / 2) / (height / 2)) ** 2 + ((right - width / 2) / (width / 2)) ** 2 < 1
    holes = leaves[:, 20 : 20 + width] < 25
    sway = random.uniform(0, 2 * np.pi, 3)
    seen, rows = bush & ~holes, down * leaves.shape[1]
    place = (2 * np.pi * (down / 90 + right / 140)).astype(np.float32)

    def effect(scene: Levels, at_s: float) -> None:
        gust = 0.6 + 0.4 * np.sin(2 * np.pi * at_s / 23 + sway[0]) * np.sin(at_s / 3.7 + sway[1])
        amplitude = 5.0 * gust
        phase = place + np.float32(2 * np.pi * 0.9 * at_s + sway[2])
        sway_px = amplitude * np.sin(phase) + np.float32(1.2) * np.sin(np.float32(3.1) * phase)
        moved = right + 20 + np.rint(sway_px).astype(np.int32)
        region = scene[top : top + height, left : left + width]
        region[seen] = leaves.ravel()[(rows + moved)[seen]]

    return effect


def _rain(random: np.random.Generator) -> Effect:
    """Streaks in every picture, in showers."""
    streaks = 180

    def effect(scene: Levels, at_s: float) -> None:
        strength = 0.6 + 0.4 * np.sin(2 * np.pi * at_s / 47)
        count = int(streaks * strength)
        rows = random.integers(0, HEIGHT_PX - 26, count)
        columns = random.integers(0, WIDTH_PX - 2, count)
        lengths = random.integers(8, 26, count)
        for row, column, length in zip(rows, columns, lengths, strict=True):
            scene[row : row + length, column : column + 1 + length // 20] += 28

    return effect


def _headlights(_: np.random.Generator) -> Effect:
    """Beams that sweep over the scene, of cars that are not in view."""
    spread = _blob(120, 260)

    def effect(scene: Levels, at_s: float) -> None:
        turn, since_s = divmod(at_s, 11.0)
        lasts_s = 2.0 + 1.5 * ((turn * 7) % 3)
        if turn < 1 or since_s > lasts_s:
            return
        share = since_s / lasts_s
        centre = -200 + share * (WIDTH_PX + 400)
        centre = centre if int(turn) % 2 else WIDTH_PX - centre
        row = 170 + 60 * np.sin(turn)
        _light(scene, spread, row, centre, 1.6)

    return effect


def _insects(random: np.random.Generator) -> Effect:
    """Moths close to the infrared lamp: bright, blurred, gone in less than a second."""
    flights: list[tuple[float, float, npt.NDArray[np.float64], float]] = []
    at = 4.0
    while at < 3600:
        path = random.uniform((0, 0), (HEIGHT_PX, WIDTH_PX), (3, 2))
        flights.append((at, float(random.uniform(0.25, 0.8)), path, float(random.uniform(5, 18))))
        at += float(random.exponential(4.0)) + 0.5

    def effect(scene: Levels, at_s: float) -> None:
        for begins_s, lasts_s, path, size in flights:
            if begins_s > at_s:
                return
            if at_s - begins_s > lasts_s:
                continue
            # The exposure of the night: half a picture's time drawn as one streak.
            for step in range(4):
                share = min(1.0, (at_s - begins_s + step * 0.005) / lasts_s)
                row, column = (
                    (1 - share) ** 2 * path[0]
                    + 2 * share * (1 - share) * path[1]
                    + share**2 * path[2]
                )
                radius = max(4, round(size))
                _glow(scene, _blob(radius, radius), row, column, 55)

    return effect


def _clouds(_: np.random.Generator) -> Effect:
    """Shadows with soft edges that pass over, and the whole scene darker."""
    right = np.arange(WIDTH_PX, dtype=np.float32)

    def effect(scene: Levels, at_s: float) -> None:
        lasts_s = 9.0 + 5 * np.sin(at_s // 18)
        edge = (at_s % 18) / lasts_s * (WIDTH_PX + 400) - 200
        shade = 1 / (1 + np.exp((right - edge) / 35))
        depth = 0.4 if int(at_s // 18) % 2 else 0.25
        gone = max(0.0, (at_s % 18 - 14) / 4)
        scene *= (1 - depth * shade * (1 - gone)).astype(np.float32)

    return effect


def _exposure(random: np.random.Generator) -> Effect:
    """A camera that corrects its exposure in jumps and in ramps."""
    gains = random.uniform(0.65, 1.4, 4096)

    def effect(scene: Levels, at_s: float) -> None:
        step, since_s = divmod(at_s, 8.0)
        before, after = gains[int(step)], gains[int(step) + 1]
        takes_s = (0.01, 0.4, 1.5)[int(step) % 3]
        scene *= np.float32(before + (after - before) * min(1.0, since_s / takes_s))

    return effect


def _clock(_: np.random.Generator) -> Effect:
    """Date and time burnt in, as every camera has them."""

    def effect(scene: Levels, at_s: float) -> None:
        total = int(at_s) + 86_000
        text = f"2031-05-17 {total // 3600 % 24:02}:{total // 60 % 60:02}:{total % 60:02}"
        _write(scene, text, 10, 12)

    return effect


def _breathing(_: np.random.Generator) -> Effect:
    """Nothing goes on, and few bits are there to show it: each key picture looks a little different."""
    return lambda _, __: None


def _tremble(_: np.random.Generator) -> Effect:
    """A mast in the wind: the whole picture shifts by a pixel or two."""

    def effect(scene: Levels, at_s: float) -> None:
        strength = 1.0 + 0.8 * np.sin(2 * np.pi * at_s / 31)
        down = round(strength * np.sin(2 * np.pi * 3.1 * at_s))
        right = round(strength * np.sin(2 * np.pi * 4.3 * at_s + 1))
        scene[:] = np.roll(scene, (down, right), (0, 1))

    return effect


def _night_gain(random: np.random.Generator) -> Effect:
    """The gain of the night: coarse noise that comes and goes."""
    coarse = random.normal(0, 1, (6, HEIGHT_PX // 2 + 8, WIDTH_PX // 2 + 8)).astype(np.float32)

    def effect(scene: Levels, at_s: float) -> None:
        strength = np.float32(3.5 + 2.5 * np.sin(2 * np.pi * at_s / 40))
        number, down, right = random.integers(0, (6, 8, 8))
        grain = coarse[number, down : down + HEIGHT_PX // 2, right : right + WIDTH_PX // 2]
        scene += strength * grain.repeat(2, 0).repeat(2, 1)

    return effect


_DIGITS: Final = {
    "0": "755557", "1": "262227", "2": "717471", "3": "717177", "4": "557111", "5": "747177",
    "6": "747577", "7": "711222", "8": "757577", "9": "757177", "-": "000700", ":": "020020", " ": "",
}  # fmt: skip
"""Rows of three dots each, as octal digits."""
_DOT_PX: Final = 3


def _write(scene: Levels, text: str, top: int, left: int) -> None:
    for number, letter in enumerate(text):
        for row, bits in enumerate(_DIGITS[letter][:6]):
            for column in range(3):
                if int(bits, 8) & (4 >> column):
                    y = top + row * _DOT_PX
                    x = left + (number * 4 + column) * _DOT_PX
                    scene[y : y + _DOT_PX, x : x + _DOT_PX] = 245


def _leaves(random: np.random.Generator, height: int, width: int) -> Levels:
    coarse = random.uniform(0, 110, (height // 5 + 1, width // 5 + 1)).repeat(5, 0).repeat(5, 1)
    fine = random.uniform(0, 40, (height // 2 + 1, width // 2 + 1)).repeat(2, 0).repeat(2, 1)
    leaves: Levels = (coarse[:height, :width] + fine[:height, :width]).astype(np.float32)
    return leaves


@functools.cache
def _blob(height: int, width: int) -> Levels:
    """Return a round patch, 1 in its middle and soft at its edge, of twice these radii."""
    down, right = np.mgrid[-1 : 1 : 2j * height, -1 : 1 : 2j * width]
    blob: Levels = (np.clip(1 - (down**2 + right**2), 0, 1) ** 2).astype(np.float32)
    return blob


def _glow(scene: Levels, blob: Levels, row: float, column: float, levels: float) -> None:
    region, part = _meeting(scene, blob, row, column)
    region += np.float32(levels) * part


def _light(scene: Levels, blob: Levels, row: float, column: float, gain: float) -> None:
    region, part = _meeting(scene, blob, row, column)
    region *= 1 + np.float32(gain) * part


def _meeting(scene: Levels, blob: Levels, row: float, column: float) -> tuple[Levels, Levels]:
    top, left = round(row) - blob.shape[0] // 2, round(column) - blob.shape[1] // 2
    upper, lower = max(0, top), min(scene.shape[0], top + blob.shape[0])
    first, last = max(0, left), min(scene.shape[1], left + blob.shape[1])
    if upper >= lower or first >= last:
        return scene[:0], scene[:0]
    return scene[upper:lower, first:last], blob[
        upper - top : lower - top, first - left : last - left
    ]


EFFECTS: Final[dict[str, Callable[[np.random.Generator], Effect]]] = {
    "foliage": _foliage,
    "rain": _rain,
    "headlights": _headlights,
    "insects": _insects,
    "clouds": _clouds,
    "exposure": _exposure,
    "clock": _clock,
    "breathing": _breathing,
    "tremble": _tremble,
    "noise": _night_gain,
}
