"""The frames that Home Assistant has not acknowledged, and the account of every frame's fate. Pure.

A frame that is chosen for sending gets its sequence here and stays until it is acknowledged or lost with a counter:

    sampled = replaced + overflowed + withdrawn + unacknowledged + acknowledged    always, per camera

While there is a connection, a camera has one place for its newest frame (and a few for pre-roll): what is still there
when the next one comes is ``replaced``. What was not sent, or was sent and not acknowledged when a connection ended,
is the backlog: it goes again as replay, oldest first, and never before a live frame.

A frame on its way must not be counted as lost while it may arrive. If its bytes have to go, to make room or because
its camera was removed, the entry stays as a *shell* until an acknowledgement or the next welcome says what became of it.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from .protocol import MAX_FRAME_BYTES, CameraHello, Counters, Limits, Received
from .sampler import SampledFrame

MOST_BYTES = 16 * 2**20
"""Of the whole bridge: five minutes of one busy camera at 1 fps and 50 kB, without weighing on a small box."""
MOST_AGE_US = 300 * 1_000_000
"""What is older tells no story that anyone still waits for."""
PREROLL_MOST = 10
"""Pre-roll frames of one camera that may wait for the socket: two onsets."""
REPLAY_IN_FLIGHT = 8
"""Replayed frames on the wire at once: a live frame never waits behind more than these."""


class _Place(Enum):
    WAITING = auto()
    """For the socket, as live."""
    BACKLOG = auto()
    """For its turn as replay."""
    LIVE = auto()
    """Sent as live on this or the last connection."""
    REPLAY = auto()
    """Sent as replay on this or the last connection."""


class _Loss(Enum):
    OVERFLOWED = auto()
    WITHDRAWN = auto()
    REPLACED = auto()


@dataclass(slots=True, eq=False)
class _Entry:
    camera: str
    sequence: int
    captured_us: int
    frame: SampledFrame | None
    place: _Place
    loss: _Loss = _Loss.OVERFLOWED
    """What it counts as, if it is a shell and did not arrive."""


@dataclass(slots=True, eq=False)
class _Account:
    sampled: int = 0
    acknowledged: int = 0
    unacknowledged: int = 0
    lost: dict[_Loss, int] = field(default_factory=lambda: dict.fromkeys(_Loss, 0))
    settled: int = 0
    run_id: str = ""
    waiting: deque[_Entry] = field(default_factory=deque)
    sent: dict[_Place, deque[_Entry]] = field(
        default_factory=lambda: {_Place.LIVE: deque(), _Place.REPLAY: deque()}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """The next frame for the socket."""

    camera: str
    sequence: int
    replay: bool
    frame: SampledFrame


class ReplayRing:
    """Holds the unacknowledged frames of all cameras, within bounds."""

    def __init__(self, *, most_bytes: int = MOST_BYTES, most_age_us: int = MOST_AGE_US) -> None:
        """Start empty and without a connection."""
        self._most_bytes = most_bytes
        self._most_age_us = most_age_us
        self._entries: OrderedDict[tuple[str, int], _Entry] = OrderedDict()
        self._accounts: dict[str, _Account] = {}
        self._ready: deque[str] = deque()
        self._backlog: deque[_Entry] = deque()
        self._limits: Limits | None = None
        self._run_id = ""
        self._in_flight = {_Place.LIVE: 0, _Place.REPLAY: 0}
        self.size_bytes = 0

    @property
    def cameras(self) -> tuple[str, ...]:
        """All cameras that ever sampled a frame in this epoch."""
        return tuple(self._accounts)

    @property
    def on_wire(self) -> int:
        """Frames sent on this connection and not yet acknowledged."""
        return sum(self._in_flight.values())

    def add(self, camera: str, frame: SampledFrame, now_us: int) -> None:
        """Take a frame chosen for sending and give it its sequence."""
        account = self._account(camera)
        account.sampled += 1
        account.unacknowledged += 1
        entry = _Entry(camera, account.sampled, frame.captured_us, frame, _Place.BACKLOG)
        self._entries[camera, entry.sequence] = entry
        self.size_bytes += len(frame.jpeg)
        if self._limits is None:
            self._backlog.append(entry)
        else:
            self._wait(account, entry, frame)
        self.make_room(now_us)

    def skip(self, camera: str, count: int) -> None:
        """Count frames that were chosen and gave way to newer ones before they got here."""
        account = self._account(camera)
        account.sampled += count
        account.lost[_Loss.REPLACED] += count

    def next(self) -> Outgoing | None:
        """Return the next frame to send and mark it as sent; live before replay, None where nothing may go."""
        if self._limits is None or self.on_wire >= self._limits.window_frames:
            return None
        while self._ready:
            camera = self._ready.popleft()
            waiting = self._accounts[camera].waiting
            while waiting:
                entry = waiting.popleft()
                if (frame := self._fitting(entry)) is not None:
                    if waiting:
                        # The next camera's turn first.
                        self._ready.append(camera)
                    return self._sent(entry, frame, _Place.LIVE)
        if self._in_flight[_Place.REPLAY] >= min(REPLAY_IN_FLIGHT, self._limits.window_frames):
            return None
        while self._backlog:
            entry = self._backlog.popleft()
            if (frame := self._fitting(entry)) is not None:
                return self._sent(entry, frame, _Place.REPLAY)
        return None

    def acknowledge(self, received: Iterable[Received]) -> None:
        """Trim exactly what was sent as live up to the one sequence and as replay up to the other."""
        for told in received:
            account = self._accounts.get(told.camera)
            if account is None:
                continue
            account.settled = told.settled
            account.run_id = self._run_id
            for place, sequence in ((_Place.LIVE, told.live), (_Place.REPLAY, told.replay)):
                sent = account.sent[place]
                while sent and sent[0].sequence <= sequence:
                    self._arrived(sent.popleft())
                    self._in_flight[place] -= 1

    def connect(self, received: Iterable[Received], run_id: str, limits: Limits) -> None:
        """Begin a connection: trim by what arrived on the last one; all that is left is to be replayed."""
        self.disconnect()
        self._run_id = run_id
        self.acknowledge(received)
        for account in self._accounts.values():
            for sent in account.sent.values():
                for entry in sent:
                    if entry.frame is None:
                        self._lose(entry, entry.loss)
                sent.clear()
        self._in_flight = dict.fromkeys(self._in_flight, 0)
        self._backlog = deque(self._entries.values())
        for entry in self._backlog:
            entry.place = _Place.BACKLOG
        self._limits = limits

    def disconnect(self) -> None:
        """End a connection: what waits for the socket is backlog now, and so is what comes."""
        self._limits = None
        self._ready.clear()
        for account in self._accounts.values():
            for entry in account.waiting:
                entry.place = _Place.BACKLOG
                self._backlog.append(entry)
            account.waiting.clear()

    def withdraw(self, camera: str) -> None:
        """Give up what a removed camera has not sent."""
        account = self._account(camera)
        account.waiting.clear()
        for entry in [entry for entry in self._entries.values() if entry.camera == camera]:
            self._drop(entry, _Loss.WITHDRAWN)

    def make_room(self, now_us: int) -> None:
        """Drop the oldest frames until age and size are within bounds."""
        # Shells stay where they are, at most a window of them, and are passed over.
        for entry in list(self._oldest(now_us)):
            if entry.place is _Place.WAITING:
                self._accounts[entry.camera].waiting.remove(entry)
            self._drop(entry, _Loss.OVERFLOWED)
        while self._backlog and self._backlog[0].frame is None:
            self._backlog.popleft()

    def counters(self, camera: str) -> Counters:
        """Return one camera's counts."""
        account = self._account(camera)
        return Counters(
            sampled=account.sampled,
            replaced=account.lost[_Loss.REPLACED],
            overflowed=account.lost[_Loss.OVERFLOWED],
            withdrawn=account.lost[_Loss.WITHDRAWN],
            unacknowledged=account.unacknowledged,
        )

    def hello(self, camera: str, *, active: bool) -> CameraHello:
        """Return what a hello says of one camera."""
        account = self._account(camera)
        return CameraHello(
            camera=camera,
            counters=self.counters(camera),
            active=active,
            acknowledged=account.acknowledged,
            settled=account.settled,
            run_id=account.run_id,
        )

    def _account(self, camera: str) -> _Account:
        return self._accounts.setdefault(camera, _Account())

    def _wait(self, account: _Account, entry: _Entry, frame: SampledFrame) -> None:
        waiting = account.waiting
        rivals = [
            other
            for other in waiting
            if other.frame is not None and other.frame.preroll == frame.preroll
        ]
        if len(rivals) >= (PREROLL_MOST if frame.preroll else 1):
            waiting.remove(rivals[0])
            self._lose(rivals[0], _Loss.REPLACED)
        entry.place = _Place.WAITING
        waiting.append(entry)
        if entry.camera not in self._ready:
            self._ready.append(entry.camera)

    def _fitting(self, entry: _Entry) -> SampledFrame | None:
        frame = entry.frame
        if frame is None:
            return None
        most = MAX_FRAME_BYTES if self._limits is None else self._limits.max_frame_bytes
        if len(frame.jpeg) <= most:
            return frame
        # Encoded before Home Assistant told its limit; the camera encodes smaller from then on.
        self._lose(entry, _Loss.REPLACED)
        return None

    def _sent(self, entry: _Entry, frame: SampledFrame, place: _Place) -> Outgoing:
        entry.place = place
        self._accounts[entry.camera].sent[place].append(entry)
        self._in_flight[place] += 1
        return Outgoing(
            camera=entry.camera,
            sequence=entry.sequence,
            replay=place is _Place.REPLAY,
            frame=frame,
        )

    def _arrived(self, entry: _Entry) -> None:
        self._remove(entry)
        self._accounts[entry.camera].acknowledged += 1

    def _lose(self, entry: _Entry, loss: _Loss) -> None:
        self._remove(entry)
        self._accounts[entry.camera].lost[loss] += 1

    def _remove(self, entry: _Entry) -> None:
        del self._entries[entry.camera, entry.sequence]
        self._accounts[entry.camera].unacknowledged -= 1
        self._empty(entry)

    def _drop(self, entry: _Entry, loss: _Loss) -> None:
        if entry.place in {_Place.WAITING, _Place.BACKLOG}:
            self._lose(entry, loss)
        elif entry.frame is not None:
            entry.loss = loss
            self._empty(entry)

    def _empty(self, entry: _Entry) -> None:
        if entry.frame is not None:
            self.size_bytes -= len(entry.frame.jpeg)
            entry.frame = None

    def _oldest(self, now_us: int) -> Iterable[_Entry]:
        excess_bytes = self.size_bytes - self._most_bytes
        for entry in self._entries.values():
            if entry.frame is None:
                continue
            if excess_bytes <= 0 and now_us - entry.captured_us <= self._most_age_us:
                return
            excess_bytes -= len(entry.frame.jpeg)
            yield entry
