"""The local detector: one picture -> what is to be seen in it. It is optional, and costs nothing before its first picture."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from av.video.frame import VideoFrame
import numpy as np

from .encoder import Encoder, Pixels
from .protocol.area import Detection, Polygon, Region
from .ssd import INPUT_PX, Floats, detections

NEARER = (3, 2)
"""How many times nearer a picture may be looked at, where all that matters fits."""
ENLARGED = 2
"""How much larger than the camera's own pixels may be made: small people are found more often so."""
EDGE = 0.01
"""Of a window: a box that ends so near its edge goes on beyond it."""
MARGIN = 1.3
"""Around what moves: a face or feet that stand still belong to it."""

type Window = tuple[int, float, float]
"""How many times nearer; left and upper edge, as fractions of the picture."""


class Network(Protocol):
    """Runs the model."""

    def run(self, pixels: Pixels) -> tuple[Floats, Floats]:
        """Return the raw boxes and classes of one square picture."""
        ...


class LiteNetwork:
    """The model in its runtime, with one thread."""

    def __init__(self, model: Path) -> None:
        """Load it: 0.2 s and 55 MB."""
        # Here and not above: the extra may be missing, and the import alone takes 10 MB.
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

        self._interpreter = Interpreter(str(model), num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [entry["index"] for entry in self._interpreter.get_output_details()]

    def run(self, pixels: Pixels) -> tuple[Floats, Floats]:
        """Return the raw boxes and classes of one square picture."""
        self._interpreter.set_tensor(
            self._input, (pixels.astype(np.float32) / 127.5 - 1)[np.newaxis]
        )
        self._interpreter.invoke()
        boxes, classes = (self._interpreter.get_tensor(index)[0] for index in self._outputs)
        return boxes, classes


class Labeller:
    """Looks at pictures, on one thread."""

    def __init__(
        self, encoder: Encoder, model: Path, *, load: Callable[[Path], Network] = LiteNetwork
    ) -> None:
        """Take a verified model; it is loaded with the first picture."""
        self._encoder = encoder
        self._model = model
        self._load = load
        self._network: Network | None = None

    def detect(
        self,
        frame: VideoFrame,
        *,
        masks: tuple[Polygon, ...] = (),
        focus: Sequence[Region] = (),
    ) -> tuple[Detection, ...]:
        """Return what is in the picture, from near enough around the focus; whole without one."""
        nearer, left, top = window(focus, longer_px=max(frame.width, frame.height))
        found = self._look(frame, masks, nearer, left, top)
        if nearer > 1 and any(_cut(one.box, nearer, left, top) for one in found):
            # Half a car is none to be recognised again: from further back, then.
            return self._look(frame, masks, 1, 0.0, 0.0)
        return found

    def _look(
        self, frame: VideoFrame, masks: tuple[Polygon, ...], nearer: int, left: float, top: float
    ) -> tuple[Detection, ...]:
        if self._network is None:
            self._network = self._load(self._model)
        side_px = nearer * INPUT_PX
        pixels = self._encoder.rgb(frame, side_px, side_px, masks)
        x, y = round(left * side_px), round(top * side_px)
        found = detections(*self._network.run(pixels[y : y + INPUT_PX, x : x + INPUT_PX]))
        return tuple(_placed(detection, nearer, x / side_px, y / side_px) for detection in found)


def window(focus: Sequence[Region], *, longer_px: int) -> Window:
    """Return the nearest window that holds the focus, in a picture whose longer side has so many pixels."""
    if focus:
        left = min(region.x for region in focus)
        top = min(region.y for region in focus)
        right = max(region.x + region.width for region in focus)
        bottom = max(region.y + region.height for region in focus)
        needed = MARGIN * max(right - left, bottom - top)
        for nearer in NEARER:
            if needed * nearer <= 1 and nearer * INPUT_PX <= ENLARGED * longer_px:
                edge = 1 - 1 / nearer
                return (
                    nearer,
                    min(max((left + right - 1 / nearer) / 2, 0.0), edge),
                    min(max((top + bottom - 1 / nearer) / 2, 0.0), edge),
                )
    return 1, 0.0, 0.0


def _cut(box: Region, nearer: int, left: float, top: float) -> bool:
    """Return whether a box ends at an edge of the window that is none of the picture."""
    near = EDGE / nearer
    right, bottom = left + 1 / nearer, top + 1 / nearer
    return (
        (left > near and box.x < left + near)
        or (top > near and box.y < top + near)
        or (right < 1 - near and box.x + box.width > right - near)
        or (bottom < 1 - near and box.y + box.height > bottom - near)
    )


def _placed(detection: Detection, nearer: int, left: float, top: float) -> Detection:
    if nearer == 1:
        return detection
    box = detection.box
    return Detection(
        label=detection.label,
        score=detection.score,
        box=Region(
            x=round(left + box.x / nearer, 4),
            y=round(top + box.y / nearer, 4),
            width=round(box.width / nearer, 4),
            height=round(box.height / nearer, 4),
        ),
    )
