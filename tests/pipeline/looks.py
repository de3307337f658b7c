"""A look as it goes to a provider."""

from dataclasses import replace

from custom_components.camera_narrator.pipeline.chunk import build
from custom_components.camera_narrator.pipeline.models import CameraSettings
from custom_components.camera_narrator.pipeline.request import Chunk
from custom_components.camera_narrator.pipeline.vocabulary import Look
from tests.pipeline.fakes import a_frame


def a_look(frames: int = 5) -> Chunk:
    """Return a chunk of pictures of 854 × 480."""
    pictures = tuple(
        replace(a_frame(number, captured_s=1000.0 + number), width=854, height=480)
        for number in range(frames)
    )
    return build(
        camera="door",
        settings=CameraSettings(title="Door"),
        look=Look.ONSET,
        frames=pictures,
        notes=(),
        states=(),
        onset_s=None,
        question=None,
    )
