"""How much is sent of each camera, so that what arrives is young. Pure.

One controller per uplink goes down a ladder while pictures wait too long or their acknowledgements lag, and up again
when it has stayed clear. It bounds how old pictures become and estimates no rates. The first steps only touch cameras
that are quiet. What even the last step makes too much of is thinned out by the newest-wins place of each camera: a
picture chosen just before its turn is young, one from a slower schedule would have waited for its turn; so no step
asks an active camera for less than one picture a second.
"""

from dataclasses import dataclass

from .protocol.camera import CameraConfig
from .protocol.vocabulary import PacingReason
from .send_window import IN_TIME_US

LOOK_S = 0.5
"""Two looks are one interval of the usual rate: sooner there is nothing new to see."""
LATE_US = 1_250_000
"""Half of the two seconds that a picture may be old when it arrives, and what a busy Home Assistant takes to say so."""
WAIT_MOST_US = 900_000
"""The other half, less what it takes to choose and to encode it: so long it may wait for its turn."""
WAIT_CLEAR_US = 500_000
"""So little waiting even when all cameras speak at once leaves about half of the link unused."""
SETTLE_US = 1_500_000
"""A step shows in pictures that are taken, sent and acknowledged after it, when those before it have left the slots."""
PATIENCE_US = 5_000_000
"""Clear for so long, the next higher step is tried; the whole ladder is climbed in 35 s."""
PATIENCE_MOST_US = 160_000_000
"""A step that never holds is tried this seldom in the end: a link's evening differs from its afternoon."""
PROOF_US = 30_000_000
"""A higher step that stays clear for this long was right."""
CALM_US = 2_000_000
"""After pressure so long nothing is replayed."""
LEAPS = (1.0, 3.0)
"""Frames that gave way for each that left, or how much too late they came: from each of these on, one more step at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The most that is sent of one camera."""

    height_px: int = 2160
    quality: int = 95
    rate_fps: float = 20.0
    """Twice the highest rate that can be set: the first seconds of an activity, and what a watcher asks for."""
    stretch: float = 1.0
    """So many times as long as asked for between two pictures of a quiet camera."""

    def restricts(self, config: CameraConfig, *, active: bool) -> bool:
        """Return whether this is less than what the camera is asked for while it is active, or quiet."""
        return (
            self.height_px < config.height_px
            or self.quality < config.quality
            or (active and self.rate_fps < 2 * config.rate_fps)
            or (not active and self.stretch > 1)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the ladder."""

    active: Pace = Pace()
    """Also for the seconds before and after an activity."""
    quiet: Pace = Pace()


# Bytes of a picture, as measured on surveillance footage of 768x432, as shares of 480p at quality 70 (25 kB there, 48 kB
# where it is noisy): 480p q50 0.77, 360p q50 0.55, 240p q50 0.31, 240p q30 0.24. So each step takes a quarter to a half.
# Below 240 lines a person at some distance is a few points wide, below quality 30 a block is all one sees of a face.
_SMALL = Pace(height_px=240, quality=30, rate_fps=0.5, stretch=4.0)
LADDER = (
    Step(),
    # Nobody misses pixels in the preview of an empty yard, nor, after them, three previews of four.
    Step(quiet=Pace(height_px=360, quality=50, rate_fps=1.0, stretch=2.0)),
    Step(quiet=_SMALL),
    # Quality first: a model reads 480 lines at 50 nearly as well as at 70, but not 240 lines.
    Step(active=Pace(quality=50), quiet=_SMALL),
    Step(active=Pace(height_px=360, quality=50), quiet=_SMALL),
    # Then the second picture of a second, which only the beginning of a visit has.
    Step(active=Pace(height_px=360, quality=50, rate_fps=1.0), quiet=_SMALL),
    Step(active=Pace(height_px=240, quality=50, rate_fps=1.0), quiet=_SMALL),
    Step(active=Pace(height_px=240, quality=30, rate_fps=1.0), quiet=_SMALL),
)
QUIET_STEPS = 2
"""So many steps cost active cameras nothing; what quiet cameras offer leads no further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How live frames of one kind of camera fared."""

    left: int = 0
    """Handed to the socket."""
    overtaken: int = 0
    """Gave way to newer ones of the same camera."""
    waited_us: int = 0
    """The longest that one waited for its turn, or waits so far."""

    @property
    def pressed(self) -> bool:
        """Whether more is offered than the link takes."""
        return self.overtaken > 0 or self.waited_us > WAIT_MOST_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """What was felt of the link since the last look."""

    active: Crowd = Crowd()
    quiet: Crowd = Crowd()
    lag_us: int = 0
    """The longest from the socket to the acknowledgement."""
    round_trip_us: int = 0
    """What of that is the line's own."""
    arrived_us: int = 0
    """When the newest acknowledged frame was chosen for sending."""


class Pacing:
    """Chooses the step of one uplink; all on its loop."""

    def __init__(self) -> None:
        """Send all that is asked for."""
        self.step = 0
        self.reason = PacingReason.NONE
        self._stepped_us = 0
        self._on_trial = False
        """Whether the last change was a step upwards that has not proved itself."""
        self._clear_since_us: int | None = None
        self._pressed_us: int | None = None
        self._patience_us = [PATIENCE_US] * len(LADDER)
        """How long it stays clear before each step is tried again from below."""

    @property
    def paces(self) -> Step:
        """The paces in force."""
        return LADDER[self.step]

    def calm(self, now_us: int) -> bool:
        """Return whether there is room for more than live frames."""
        return self._pressed_us is None or now_us - self._pressed_us >= CALM_US

    def connected(self) -> None:
        """Begin a connection: the step stands, what was seen of the last one is past."""
        self._clear_since_us = None

    def look(self, now_us: int, pressure: Pressure) -> bool:
        """Judge what was felt since the last look; return whether the step has changed."""
        before = self.step
        reason = self._reason(pressure)
        if reason is not PacingReason.NONE:
            self._pressed_us, self._clear_since_us = now_us, None
            if self._may_fall(now_us, pressure):
                self._fall(now_us, pressure, reason)
        elif not _is_clear(pressure):
            self._clear_since_us = None
        elif self._clear_since_us is None:
            self._clear_since_us = now_us
        else:
            clear_us = now_us - self._clear_since_us
            if self._on_trial and clear_us >= PROOF_US:
                self._on_trial, self._patience_us[self.step] = False, PATIENCE_US
            if self.step and clear_us >= self._patience_us[self.step - 1]:
                self._rise(now_us)
        return self.step != before

    def _reason(self, pressure: Pressure) -> PacingReason:
        if pressure.active.pressed or (self.step < QUIET_STEPS and pressure.quiet.pressed):
            return PacingReason.SEND_BUFFER
        if pressure.lag_us > LATE_US + pressure.round_trip_us:
            return PacingReason.ACKNOWLEDGEMENTS
        return PacingReason.NONE

    def _may_fall(self, now_us: int, pressure: Pressure) -> bool:
        # A link that stands still tells nothing of how much it will take: one step, and then what arrives decides.
        return self.step == 0 or (
            now_us - self._stepped_us >= SETTLE_US and pressure.arrived_us >= self._stepped_us
        )

    def _fall(self, now_us: int, pressure: Pressure, reason: PacingReason) -> None:
        if self._on_trial:
            patience_us = 2 * self._patience_us[self.step]
            self._patience_us[self.step] = min(patience_us, PATIENCE_MOST_US)
            self._on_trial = False
        crowd = pressure.active
        # Where active cameras are pressed, steps that only help with quiet ones are taken along.
        least = QUIET_STEPS if crowd.pressed else 1
        excess = max(
            crowd.overtaken / max(1, crowd.left),
            pressure.lag_us / (LATE_US + pressure.round_trip_us) - 1,
        )
        step = max(self.step + 1, least) + sum(excess >= leap for leap in LEAPS)
        self.step = min(step, len(LADDER) - 1)
        self.reason = reason
        self._stepped_us = now_us

    def _rise(self, now_us: int) -> None:
        self.step -= 1
        if not self.step:
            self.reason = PacingReason.NONE
        self._on_trial = True
        self._stepped_us = self._clear_since_us = now_us


def _is_clear(pressure: Pressure) -> bool:
    return (
        pressure.active.waited_us <= WAIT_CLEAR_US
        and pressure.quiet.waited_us <= WAIT_CLEAR_US
        and not pressure.quiet.overtaken
        and pressure.lag_us <= IN_TIME_US + pressure.round_trip_us
    )
