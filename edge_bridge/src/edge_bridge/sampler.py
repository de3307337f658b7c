"""Which pictures to keep: a schedule on capture time, key frames, bursts, pre-roll. Pure."""

from collections import deque
from dataclasses import dataclass, field, replace
import math

from .protocol.area import Polygon
from .protocol.vocabulary import FrameFlag

BURST_US = 3_000_000
"""The first seconds of an activity are sampled at twice the rate: they hold who comes."""
TAIL_US = 6_000_000
"""The active rate goes on after quiet: the closing look needs pictures of what remains."""
PREROLL_US = 5_000_000
"""What is kept from before an onset."""
PREROLL_FRAMES = 5
"""One key frame a second of those."""
KEY_SHARE = 0.25
KEY_TOLERANCE_US = 2_000_000
"""A quiet sample may come so much late to be a key frame, the best picture that a stream has."""
EARLY_SHARE = 0.25
"""Of that, how much it may come early: for key frames that come regularly and are not quite punctual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledFrame:
    """A JPEG chosen for sending, before it has its sequence."""

    flags: FrameFlag
    captured_us: int
    width: int
    height: int
    activity: int = 0
    """Score of the activity, 0 to 255."""
    novelty: int = 0
    """Difference of luma against the frame sent before, 0 to 255."""
    masks: tuple[Polygon, ...] = field(default=(), repr=False)
    """What was painted over in it."""
    tail: bool = False
    """Of the seconds after an activity."""
    jpeg: bytes = field(repr=False)

    @property
    def urgent(self) -> bool:
        """Whether it belongs to an activity, from its pre-roll to its closing look."""
        return self.tail or bool(self.flags & (FrameFlag.ACTIVE | FrameFlag.PREROLL))

    @property
    def preroll(self) -> bool:
        """Whether it was taken before the onset that sent it."""
        return FrameFlag.PREROLL in self.flags

    def as_preroll(self) -> SampledFrame:
        """Return it flagged as taken before the onset."""
        return replace(self, flags=self.flags | FrameFlag.PREROLL)

    def with_novelty(self, novelty: int) -> SampledFrame:
        """Return it with its difference against the frame sent before."""
        return replace(self, novelty=novelty)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often to keep a picture."""

    active_fps: float
    quiet_interval_s: float
    active_most_fps: float = math.inf
    """Also in the first seconds of an activity, and when somebody watches."""
    quiet_most_fps: float = math.inf
    """When somebody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to do with one picture."""

    keep: bool
    onset: bool = False
    """The pre-roll goes first."""


class Sampler:
    """Chooses the pictures of one camera by their capture time."""

    def __init__(self, rates: Rates) -> None:
        """Start quiet, with the first picture due at once."""
        self.rates = rates
        self._due_us: int | None = None
        self._kept_us = 0
        self._interval_us = 0
        self._active = False
        self._onset_us = 0
        self._tail_until_us = 0
        self._watch_fps = 0.0
        self._watch_until_us = 0

    def watch(self, now_us: int, *, rate_fps: float, seconds: float) -> None:
        """Keep at least so many pictures a second for some seconds from now."""
        self._watch_fps = rate_fps
        self._watch_until_us = now_us + int(seconds * 1_000_000)

    def offer(self, captured_us: int, *, key: bool, active: bool) -> Choice:
        """Say what to do with the picture captured then."""
        onset = active and not self._active
        if onset:
            was_quiet = captured_us >= self._tail_until_us
            self._onset_us = captured_us
        elif self._active and not active:
            self._tail_until_us = captured_us + TAIL_US
        self._active = active
        interval_us, quiet = self._interval(captured_us)
        if onset:
            self._keep(captured_us, captured_us, interval_us)
            return Choice(keep=True, onset=was_quiet)
        if self._due_us is None:
            self._keep(captured_us, captured_us, interval_us)
            return Choice(keep=True)
        if interval_us != self._interval_us:
            self._interval_us = interval_us
            self._due_us = self._kept_us + interval_us
        slack_us = min(int(interval_us * KEY_SHARE), KEY_TOLERANCE_US) if quiet else 0
        if captured_us >= self._due_us + (0 if key else slack_us) or (
            key and captured_us >= self._due_us - slack_us * EARLY_SHARE
        ):
            self._keep(captured_us, self._due_us, interval_us)
            return Choice(keep=True)
        return Choice(keep=False)

    def is_lively(self, captured_us: int) -> bool:
        """Return whether a picture captured then belongs to an activity or to its last look."""
        return self._active or captured_us < self._tail_until_us

    def interval_us(self, now_us: int) -> int:
        """Return how far apart the pictures are that are wanted at this time, activity apart."""
        rates = self.rates
        if now_us < self._tail_until_us:
            fps, most_fps = min(rates.active_fps, rates.active_most_fps), rates.active_most_fps
        else:
            fps, most_fps = 1 / rates.quiet_interval_s, rates.quiet_most_fps
        if now_us < self._watch_until_us:
            fps = max(fps, min(self._watch_fps, most_fps))
        return int(1_000_000 / fps)

    def _interval(self, captured_us: int) -> tuple[int, bool]:
        rates = self.rates
        quiet = not self.is_lively(captured_us)
        if quiet:
            fps, most_fps = 1 / rates.quiet_interval_s, rates.quiet_most_fps
        else:
            burst = self._active and captured_us < self._onset_us + BURST_US
            most_fps = rates.active_most_fps
            fps = min(rates.active_fps * (2 if burst else 1), most_fps)
        watched_fps = min(self._watch_fps, most_fps)
        if captured_us < self._watch_until_us and watched_fps > fps:
            quiet = False
            fps = watched_fps
        return int(1_000_000 / fps), quiet

    def _keep(self, captured_us: int, due_us: int, interval_us: int) -> None:
        # The schedule goes on from when the picture was due, not from when it came: no drift. After a gap longer
        # than an interval it starts anew: no catching up.
        due_us += interval_us
        self._due_us = due_us if due_us > captured_us else captured_us + interval_us
        self._kept_us = captured_us
        self._interval_us = interval_us


class PreRoll[F]:
    """The key frames of the last seconds that were not sent."""

    def __init__(self) -> None:
        """Start empty."""
        self._frames: deque[tuple[int, F]] = deque(maxlen=PREROLL_FRAMES)

    def wants(self, captured_us: int, *, interval_us: int) -> bool:
        """Return whether a key frame captured then is worth keeping beside those there are."""
        return not self._frames or captured_us - self._frames[-1][0] >= interval_us

    def put(self, captured_us: int, frame: F) -> None:
        """Keep a key frame; the oldest gives way."""
        self._frames.append((captured_us, frame))

    def take(self, now_us: int) -> tuple[F, ...]:
        """Return what is young enough, in capture order, and forget all."""
        taken = tuple(
            frame for captured_us, frame in self._frames if now_us - captured_us <= PREROLL_US
        )
        self._frames.clear()
        return taken
