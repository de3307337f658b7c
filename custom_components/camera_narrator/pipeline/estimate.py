"""What a request will cost, before it is sent; corrected by what requests did cost. Pure."""

from dataclasses import replace

from .gate import HEARTBEAT_S, LONG_VISIT_S, OFFSETS_S
from .models import CameraSettings
from .prices import PictureRule, Tariff
from .prompt import LOOK_SCHEMA, SYSTEM
from .request import Chunk, Picture, Text, Usage
from .spending import Cost
from .vocabulary import Profile

CHARS_PER_TOKEN = 3.5
"""English has four, markup and numbers fewer: an estimate that errs shall err on the dear side."""
OVERHEAD_TOKENS = 60
"""Roles, separators and the shape of the answer."""
SCALE_MIN = 0.25
SCALE_MAX = 4.0
"""How far a server's count may move the estimate; beyond it is another thing that is counted."""
EASING = 0.1
"""An estimate that was too low is corrected at once, one that was too high by a tenth with each request."""

VISITS = 30
"""A day that a lively camera has; of VISIT_S each."""
VISIT_S = 45.0
ACTIVE_AGAIN_S = 6.0
"""A closing look comes when it has been quiet for a while."""
ANSWER_TOKENS = 80
"""What an answer has on average; LOOK_SCHEMA allows for three times that."""
NOTES_CHARS = 900
"""Six notes of two sentences."""


class Estimator:
    """Knows what requests to one provider cost, better with each that is answered."""

    def __init__(self, tariff: Tariff) -> None:
        """Begin with the formulas."""
        self.tariff = tariff
        self._scale = 1.0

    def of(self, chunk: Chunk) -> Cost:
        """Return what a chunk costs at most, as far as can be known."""
        given = round(_input_tokens(chunk, self.tariff) * self._scale)
        return self.cost(given, chunk.schema.max_tokens)

    def used(self, chunk: Chunk, usage: Usage, reserved: Cost) -> Cost:
        """Return what an answer has cost; what the server does not say is as reserved."""
        if usage.input_tokens is None:
            return reserved.times(usage.requests)
        if usage.requests == 1:  # what several cost together tells nothing of one
            self._learn(usage.input_tokens / max(1, _input_tokens(chunk, self.tariff)))
        taken = chunk.schema.max_tokens if usage.output_tokens is None else usage.output_tokens
        return replace(self.cost(usage.input_tokens, taken), requests=usage.requests)

    def cost(self, given: int, taken: int) -> Cost:
        """Return what one request with so many tokens costs."""
        price = self.tariff.price
        usd = 0.0 if price is None or self.tariff.free else price.of(given, taken)
        return Cost(requests=1, tokens=given + taken, usd=usd)

    def _learn(self, ratio: float) -> None:
        ratio = min(SCALE_MAX, max(SCALE_MIN, ratio))
        self._scale = max(ratio, self._scale + EASING * (ratio - self._scale))


def per_day(settings: CameraSettings, tariff: Tariff, *, height_px: int, heartbeats: bool) -> Cost:
    """Return what one camera costs on a day of VISITS visits."""
    looks = VISITS * _looks(settings)
    if settings.profile is Profile.ALWAYS:
        looks = 86_400 / settings.interval_s
    elif heartbeats:
        looks += 86_400 / HEARTBEAT_S
    width_px = height_px * 16 // 9
    given = (
        _text_tokens(len(SYSTEM) + NOTES_CHARS)
        + OVERHEAD_TOKENS
        + _pictures(settings, tariff) * tariff.pictures.tokens(width_px, height_px)
    )
    requests = round(looks)
    usd = 0.0
    if tariff.price is not None and not tariff.free:
        usd = requests * tariff.price.of(given, min(ANSWER_TOKENS, LOOK_SCHEMA.max_tokens))
    return Cost(requests=requests, tokens=requests * (given + ANSWER_TOKENS), usd=usd)


def _looks(settings: CameraSettings) -> float:
    """Return how often a visit is looked at: the first look, those of the profile, the closing one."""
    active_s = VISIT_S + ACTIVE_AGAIN_S
    match settings.profile:
        case Profile.ECONOMY:
            return 2
        case Profile.LIVE | Profile.ALWAYS:
            return 2 + active_s / settings.interval_s
        case Profile.BALANCED:
            planned = OFFSETS_S[Profile.BALANCED]
            later = max(0.0, active_s - planned[-1]) // LONG_VISIT_S
            return 2 + sum(offset_s < active_s for offset_s in planned) + later


def _pictures(settings: CameraSettings, tariff: Tariff) -> int:
    """Return how many pictures a look sends: one sheet where each costs the same at any size."""
    return 1 if tariff.pictures is PictureRule.FLAT else settings.frames_per_chunk


def _input_tokens(chunk: Chunk, tariff: Tariff) -> int:
    chars = len(chunk.system) + sum(
        len(part.text) for part in chunk.parts if isinstance(part, Text)
    )
    pictures = 0
    for part in chunk.parts:
        if isinstance(part, Picture):
            frame = chunk.frames[part.index]
            width_px, height_px = frame.width, frame.height
            if chunk.height_px is not None and height_px > chunk.height_px:
                width_px = width_px * chunk.height_px // height_px
                height_px = chunk.height_px
            tokens = tariff.pictures.tokens(width_px, height_px)
            # Where all cost the same they go on one sheet.
            pictures = tokens if tariff.pictures is PictureRule.FLAT else pictures + tokens
    return _text_tokens(chars) + OVERHEAD_TOKENS + pictures


def _text_tokens(chars: int) -> int:
    return round(chars / CHARS_PER_TOKEN)
