"""What the journal of the scripted model server tells of each request: order, gaps, repeats, ages, cost, cacheable prefix."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from rigs.model_request import ModelRequest, out_of_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One request of one camera, beside those the camera made before."""

    number: int
    arrived_s: float
    camera: int | None
    """None where no picture could be read."""
    outcome: str
    sequences: tuple[int, ...]
    ages_ms: tuple[float, ...]
    in_order: bool
    largest_gap_ms: int
    """Between two neighbouring pictures."""
    repeats: int
    """Pictures that an answered request of the camera has shown before."""
    body_bytes: int
    estimated_tokens: int
    shared_prefix: int
    """Characters at the beginning that are those of the camera's last request: what a server can keep."""


def lines(requests: Iterable[ModelRequest]) -> list[Line]:
    """Return the line of each request, in order of arrival."""
    told: list[Line] = []
    last_words: dict[int | None, str] = {}
    shown: set[tuple[int, int, int]] = set()
    for request in requests:
        codes = request.codes
        camera = codes[0].camera if codes else None
        captured_ms = [code.captured_ms for code in codes]
        gaps = [later - earlier for earlier, later in pairwise(captured_ms)]
        pictures = {(code.camera, code.epoch, code.sequence) for code in codes}
        words = opening(request)
        told.append(
            Line(
                number=request.number,
                arrived_s=request.arrived_s,
                camera=camera,
                outcome=request.outcome,
                sequences=tuple(code.sequence for code in codes),
                ages_ms=tuple(
                    picture.age_ms for picture in request.pictures if picture.age_ms is not None
                ),
                in_order=not out_of_order(request),
                largest_gap_ms=max(gaps, default=0),
                repeats=len(pictures & shown),
                body_bytes=request.body_bytes,
                estimated_tokens=request.estimated_tokens,
                shared_prefix=_shared(last_words.get(camera, ""), words),
            )
        )
        last_words[camera] = words
        if request.outcome == "answered":
            shown |= pictures
    return told


def opening(request: ModelRequest) -> str:
    """Return all words before the first picture, as the server gets them."""
    return "\n".join(text for _, text in request.texts[: request.texts_before_pictures])


def _shared(before: str, now: str) -> int:
    for place, (one, other) in enumerate(zip(before, now, strict=False)):
        if one != other:
            return place
    return min(len(before), len(now))
