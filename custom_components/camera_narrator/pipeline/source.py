"""What narration reads of one camera. The gateway and the hub write it, without ever waiting."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from .buffer import FrameBuffer
from .clock import Clock, wait
from .errors import CannotAsk, Obstacle
from .facts import Connected, Fact, Moved, Permitted, Quiet, Regions, Seen, Triggered
from .late import LateFrames
from .models import ActivityState, CameraMemory, CameraSettings, Frame, Narrative, Permit
from .outcomes import Outcomes
from .question import Lookback, Question
from .tally import Fate, Tally
from .vocabulary import Profile

FRESH_S = 30.0
"""Three intervals of a quiet camera: an older picture does not show now."""
QUESTIONS_MAX = 4
"""Users' questions that wait; a fifth would wait minutes on a slow model."""
FACTS_MAX = 256
"""Facts narration has not read yet: it reads at each turn of the loop, so more means that nobody reads."""
STATES_MAX = 512
"""Activity states kept for describers: 90 s at four a second, with room."""


class CameraSource:
    """One camera's frames, activity, settings and questions. All methods run on one event loop."""

    def __init__(
        self,
        *,
        camera: str,
        settings: CameraSettings,
        clock: Clock,
        memory: CameraMemory | None = None,
        show: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """Start disconnected; ``show`` is told at once whether something moves, whoever says so."""
        self.camera = camera
        self.settings = settings
        self.memory = memory or CameraMemory()
        self.activity: ActivityState | None = None
        self.connected = False
        self.withdrawn = False
        self.questions: deque[Question] = deque()
        self.facts_missed = 0
        """Facts given up because narration did not read them."""
        self.triggered = False
        """An entity that opens events is on."""
        self.permit: Permit | None = None
        """When an entity that events need was on; None where none is needed."""
        self._story_from_s: float | None = None
        self._clock = clock
        self._show = show
        self._tally = Tally()
        self.buffer = FrameBuffer(self._tally)
        self.late = LateFrames(self._tally)
        self._states: deque[ActivityState] = deque(maxlen=STATES_MAX)
        self._facts: deque[Fact] = deque(maxlen=FACTS_MAX)
        self.detects = False
        """Its bridge has a detector."""
        self._reports_activity = True
        self._flags_activity = False
        self._epoch = ""
        self._changed = asyncio.Event()
        self._heeds_frames = True
        """Whether a frame without activity is news to who waits."""
        self._waits_until_s = float("inf")

    # -- what the bridge says -----------------------------------------------------------------------------------

    def connect(
        self, *, epoch: str, reports_activity: bool, active: bool, detects: bool = False
    ) -> None:
        """A bridge's hello names this camera, in a new epoch or the same."""
        self.detects = detects
        if epoch != self._epoch:
            self._epoch, self._flags_activity = epoch, False
        self.connected = True
        self._reports_activity = reports_activity
        now_s = self._clock.monotonic()
        self._tell(Connected(active=active))
        if not reports_activity and not active and not self._active:
            return
        since_s = (
            self.activity.since_s
            if self.activity is not None and self._active and active
            else now_s
        )
        self._become(ActivityState(active=active, since_s=since_s, received_s=now_s), told=False)

    def disconnect(self) -> None:
        """Its socket is gone; what was active stays so until its state is too old."""
        self.connected = False

    def receive(self, frame: Frame) -> None:
        """Take a live or replayed frame."""
        if self.withdrawn:
            self.reject(frame.epoch)
            return
        if not self._tally.arrive(frame):
            return
        now_s = self._clock.monotonic()
        if frame.replay and not self._joins_story(frame):
            self._receive_late(frame)
            return
        self.buffer.add(frame, now_s)
        if not frame.replay:
            self._infer_activity(frame, now_s)
        self._see(frame)

    def reject(self, epoch: str) -> None:
        """Count a malformed frame of this camera, or one over its rate."""
        self._tally.reject(epoch)

    def observe(self, state: ActivityState) -> None:
        """Take an activity message."""
        self._become(state)

    def replayed(self) -> None:
        """The bridge has no replay left: what happened while it was away may be asked about."""
        self.late.complete()
        self._changed.set()

    # -- what the user says -------------------------------------------------------------------------------------

    def change(self, settings: CameraSettings) -> None:
        """Take over new settings, without a restart."""
        self.settings = settings
        self._changed.set()

    def trigger(self, *, on: bool) -> None:
        """An entity that opens events went on, or the last of them off."""
        if on is not self.triggered:
            self.triggered = on
            self._tell(Triggered(on=on))

    def allow(self, permit: Permit | None) -> None:
        """Take over when an entity that events need was on."""
        self.permit = permit
        self._tell(Permitted())

    async def ask(self, prompt: str | None, back: Lookback | None = None) -> Narrative:
        """Describe what is or was to be seen; raise ProviderError, or CannotAsk with the obstacle."""
        if self.withdrawn:
            raise CannotAsk(Obstacle.STOPPED)
        if not self.settings.enabled:
            raise CannotAsk(Obstacle.SWITCHED_OFF)
        question = Question(prompt, asyncio.get_running_loop().create_future(), back)
        if not self.shown(question):
            raise CannotAsk(Obstacle.NO_PICTURE)
        if len(self.questions) >= QUESTIONS_MAX:
            raise CannotAsk(Obstacle.BUSY)
        self.questions.append(question)
        self._changed.set()
        return await question.answer

    def withdraw(self) -> None:
        """The camera is removed: its request in flight ends failed, its buffer is evicted, narration ends."""
        self.withdrawn = True
        self.buffer.withdraw()
        self.late.withdraw()
        self._changed.set()

    # -- what others read ---------------------------------------------------------------------------------------

    def outcomes(self, epoch: str) -> Outcomes:
        """Return the counters and gauges of an epoch in this run."""
        return self._tally.outcomes(epoch)

    def settled(self, epoch: str) -> int:
        """Return how many frames of an epoch have their outcome in this run."""
        return self._tally.settled(epoch)

    def latest(self) -> Frame | None:
        """Return the newest frame, consumed or not."""
        return self.buffer.latest

    # -- what narration reads -----------------------------------------------------------------------------------

    @property
    def profile(self) -> Profile:
        """Return the profile in force: a bridge that never tells activity leaves only the timer."""
        if self.connected and not self._reports_activity and not self._flags_activity:
            return Profile.ALWAYS
        return self.settings.profile

    @property
    def heard_s(self) -> float | None:
        """Return when the state was last told, while it is active; None while it is not."""
        return (
            None if self.activity is None or not self.activity.active else self.activity.received_s
        )

    def fresh(self) -> tuple[Frame, ...]:
        """Return the newest frames that show now, consumed or not, oldest first."""
        oldest_s = self._clock.monotonic() - FRESH_S
        return tuple(frame for frame in self.buffer.recent if frame.captured_s >= oldest_s)

    def shown(self, question: Question) -> tuple[Frame, ...]:
        """Return the frames that a question is about, consumed or not, oldest first."""
        back = question.back
        if back is None:
            return self.fresh()
        seen = self.buffer.seen(self._clock.monotonic() - back.seconds)
        first_s = seen[0].captured_s if seen else float("inf")
        return (*(frame for frame in back.frames if frame.captured_s < first_s), *seen)

    def states(self, from_s: float, to_s: float) -> tuple[ActivityState, ...]:
        """Return the activity states of a span, beginning with the one in force at its start."""
        before = [state for state in self._states if state.received_s <= from_s][-1:]
        return (*before, *(state for state in self._states if from_s < state.received_s <= to_s))

    def facts(self) -> tuple[Fact, ...]:
        """Return what happened since the last call, oldest first."""
        facts = tuple(self._facts)
        self._facts.clear()
        return facts

    def join(self, from_s: float) -> None:
        """A visit is open: replayed frames from then on belong to it, those that came already too."""
        self._story_from_s = from_s
        for frame in self.late.release(from_s):
            self.buffer.add(frame, self._clock.monotonic())
            self._see(frame)

    def part(self) -> None:
        """No visit is open: replayed frames are late."""
        self._story_from_s = None

    def expire(self) -> None:
        """Let go what is too old to be told."""
        now_s = self._clock.monotonic()
        self.buffer.expire(now_s)
        if self.late.outdated(now_s) or (not self.settings.enabled and self.late.ready(now_s)):
            self.late.drop()

    def deadline_s(self) -> float | None:
        """Return when expire() has something to do, or late frames may be asked about."""
        times = (self.buffer.expires_s, self.late.deadline_s(self._clock.monotonic()))
        return min((at_s for at_s in times if at_s is not None), default=None)

    def forget_activity(self) -> None:
        """Take the activity as unknown: its last state is too old to hold."""
        self.activity = None
        self._show(False)

    def wake(self) -> None:
        """Let wait() return."""
        self._changed.set()

    async def wait(self, until_s: float | None, *, frames: bool = True) -> None:
        """Return when there is something new, or at ``until_s``.

        Without ``frames`` one that shows no activity is nothing new: many cameras send little else.
        """
        self._heeds_frames = frames
        self._waits_until_s = float("inf") if until_s is None else until_s
        try:
            await wait(self._changed, self._clock, until_s)
        finally:
            self._heeds_frames = True
        self._changed.clear()

    # -- private ------------------------------------------------------------------------------------------------

    @property
    def _active(self) -> bool:
        return self.activity is not None and self.activity.active

    def _tell(self, fact: Fact) -> None:
        self.facts_missed += len(self._facts) == FACTS_MAX
        self._facts.append(fact)
        self._changed.set()

    def _see(self, frame: Frame) -> None:
        if not (self._heeds_frames or frame.active or self._facts):
            if self.buffer.outlasts_s(frame.captured_s) < self._waits_until_s:
                self._changed.set()  # it would get too old before anybody looks
            return
        self._tell(Seen(captured_s=frame.captured_s, active=frame.active, novelty=frame.novelty))

    def _joins_story(self, frame: Frame) -> bool:
        return self._story_from_s is not None and frame.captured_s >= self._story_from_s

    def _receive_late(self, frame: Frame) -> None:
        if self.buffer.covers(frame.captured_s):
            self._tally.settle(frame.epoch, Fate.NOT_SELECTED)
        else:
            self.late.add(frame)
            self._changed.set()

    def _infer_activity(self, frame: Frame, now_s: float) -> None:
        """Read activity from a frame's flag: ahead of the state's message, or in place of it."""
        self._flags_activity = self._flags_activity or frame.active
        known = self.activity
        if frame.active and (known is None or frame.captured_s > known.since_s):
            if known is not None and known.active:
                state = replace(known, received_s=now_s)
            else:
                state = ActivityState(
                    active=True,
                    since_s=frame.captured_s,
                    received_s=now_s,
                    score=frame.activity / 255,
                )
            self._become(state, told=False)
        elif not frame.active and not self._reports_activity and self._active:
            self._become(ActivityState(active=False, since_s=frame.captured_s, received_s=now_s))

    def _become(self, state: ActivityState, *, told: bool = True) -> None:
        """Take a state over; ``told`` unless a frame's flag stands for it."""
        was_active = self._active
        self.activity = state
        self._show(state.active)
        if told or state.active != was_active:
            self._states.append(state)
        if state.active:
            self._tell(
                Moved(at_s=state.received_s if was_active else state.since_s, since_s=state.since_s)
            )
            if told:
                self._tell(Regions(state=state))
        elif was_active:
            self._tell(Quiet(at_s=min(state.since_s, state.received_s)))
