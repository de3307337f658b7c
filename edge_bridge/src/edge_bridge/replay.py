"""The frames that Home Assistant has not acknowledged, and the account of every frame's fate. Pure.

A frame that is chosen for sending gets its sequence here and stays until it is acknowledged or lost with a counter:

    sampled = replaced + overflowed + withdrawn + unacknowledged + acknowledged    always, per camera

While there is a connection, a camera has one place for its newest frame (and a few for pre-roll): what is still there
when the next one comes is ``replaced``. What was not sent, or was sent and not acknowledged when a connection ended,
is the backlog: it goes again as replay, oldest first, never before a live frame, and on a slow line in its pauses only.

A frame on its way must not be counted as lost while it may arrive. If its bytes have to go, to make room or because
its camera was removed, the entry stays as a *shell* until an acknowledgement or the next welcome says what became of it.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from .account import Account, Entry, Loss, Place
from .pacing import Crowd, Pressure
from .protocol.camera import CameraHello, Counters, Received
from .protocol.frame import HEADER
from .protocol.limits import MAX_FRAME_BYTES
from .protocol.messages import Limits
from .sampler import SampledFrame
from .send_window import SendWindow
from .turns import Turns

MOST_BYTES = 16 * 2**20
"""Of the whole bridge: five minutes of one busy camera at 1 fps and 50 kB, without weighing on a small box."""
MOST_AGE_US = 300 * 1_000_000
"""What is older tells no story that anyone still waits for."""
PREROLL_MOST = 10
"""Pre-roll frames of one camera that may wait for the socket: two onsets."""
PREROLL_PATIENCE_US = 1_000_000
"""Pre-roll that could not leave for so long gives way to what happens now: it is behind it on every line."""
YOUNG_US = 600_000
"""At one picture a second the next one of the camera is nearer than this one is old."""
REPLAY_IN_FLIGHT = 8
"""Replayed frames on the wire at once, where those before them came in time: a live frame waits behind no more."""
REPLAY_FIRST_US = 2_000_000
"""After a connection began every camera has something live to say first, and the line shows what it takes."""
REPLAY_REST = 9
"""After a replayed frame that came late the wire is left to live frames for so many times as long."""


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
        self._entries: OrderedDict[tuple[str, int], Entry] = OrderedDict()
        self._accounts: dict[str, Account] = {}
        self._turns = Turns()
        self._window = SendWindow()
        self._replay_from_us = 0
        self._replay_most = 1
        self._felt = {True: Crowd(), False: Crowd()}
        """Of active and of quiet cameras, since pressure was last asked for."""
        self._backlog: deque[Entry] = deque()
        self._limits: Limits | None = None
        self._run_id = ""
        self._in_flight = {Place.LIVE: 0, Place.REPLAY: 0}
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
        entry = Entry(camera, account.sampled, frame.captured_us, frame, Place.BACKLOG, now_us)
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
        account.lost[Loss.REPLACED] += count

    def next(self, now_us: int, *, unsent_bytes: int = 0) -> Outgoing | None:
        """Return the next frame to send and mark it as sent; live before replay, None where nothing may go.

        ``unsent_bytes`` is what the system still holds of earlier ones.
        """
        if (
            self._limits is None
            or self.on_wire >= self._limits.window_frames
            or not self._window.opens(now_us, unsent_bytes=unsent_bytes)
        ):
            return None
        while (entry := self._live(now_us)) is not None:
            if (frame := self._fitting(entry)) is not None:
                return self._sent(entry, frame, Place.LIVE, now_us)
        if not self._may_replay(now_us, self._limits):
            return None
        while self._backlog:
            entry = self._backlog.popleft()
            if (frame := self._fitting(entry)) is not None:
                return self._sent(entry, frame, Place.REPLAY, now_us)
        return None

    @property
    def live_waits(self) -> bool:
        """Whether a live frame waits for its turn."""
        return any(account.waiting for account in self._accounts.values())

    @property
    def replay_waits(self) -> bool:
        """Whether there is something to replay."""
        return bool(self._backlog)

    def rest(self, until_us: int) -> None:
        """Replay nothing before then."""
        self._replay_from_us = max(self._replay_from_us, until_us)

    def pressure(self, now_us: int) -> Pressure:
        """Return what was felt of the link since this was last asked."""
        for account in self._accounts.values():
            if account.waiting and not (entry := account.waiting[-1]).preroll:
                self._feel(entry, waited_us=now_us - entry.added_us)
        active, quiet = self._felt[True], self._felt[False]
        self._felt = {True: Crowd(), False: Crowd()}
        return Pressure(
            active=active,
            quiet=quiet,
            lag_us=self._window.take_lag_us(now_us),
            round_trip_us=self._window.round_trip_us,
            arrived_us=self._window.arrived_us,
        )

    def acknowledge(self, received: Iterable[Received], now_us: int) -> None:
        """Trim exactly what was sent as live up to the one sequence and as replay up to the other."""
        for told in received:
            account = self._accounts.get(told.camera)
            if account is None:
                continue
            account.settled = told.settled
            account.run_id = self._run_id
            for place, sequence in ((Place.LIVE, told.live), (Place.REPLAY, told.replay)):
                sent = account.sent[place]
                while sent and sent[0].sequence <= sequence:
                    self._told(sent.popleft(), now_us)

    def connect(
        self,
        received: Iterable[Received],
        run_id: str,
        limits: Limits,
        now_us: int,
        *,
        round_trip_us: int = 0,
    ) -> None:
        """Begin a connection: trim by what arrived on the last one; all that is left is to be replayed."""
        self.disconnect()
        self._run_id = run_id
        self.acknowledge(received, now_us)
        self._window = SendWindow(round_trip_us, most_bytes=self._window.most_bytes)
        self._felt = {True: Crowd(), False: Crowd()}
        self._replay_from_us, self._replay_most = now_us + REPLAY_FIRST_US, 1
        for account in self._accounts.values():
            for sent in account.sent.values():
                for entry in sent:
                    if entry.frame is None:
                        self._lose(entry, entry.loss)
                sent.clear()
        self._in_flight = dict.fromkeys(self._in_flight, 0)
        # What was chosen just now and never sent is as live as the next frame.
        live = {
            entry.camera: entry
            for entry in self._entries.values()
            if not (entry.was_sent or entry.preroll) and now_us - entry.added_us <= YOUNG_US
        }
        for camera, entry in live.items():
            entry.place = Place.WAITING
            self._accounts[camera].waiting.append(entry)
        self._backlog = deque(
            entry for entry in self._entries.values() if entry.place is not Place.WAITING
        )
        for entry in self._backlog:
            entry.place = Place.BACKLOG
        self._limits = limits

    def disconnect(self) -> None:
        """End a connection: what waits for the socket is backlog now, and so is what comes."""
        self._limits = None
        for account in self._accounts.values():
            for entry in account.waiting:
                entry.place = Place.BACKLOG
                self._backlog.append(entry)
            account.waiting.clear()

    def withdraw(self, camera: str) -> None:
        """Give up what a removed camera has not sent."""
        account = self._account(camera)
        account.waiting.clear()
        self._turns.forget(camera)
        for entry in [entry for entry in self._entries.values() if entry.camera == camera]:
            self._drop(entry, Loss.WITHDRAWN)

    def make_room(self, now_us: int) -> None:
        """Drop the oldest frames until age and size are within bounds."""
        # Shells stay where they are, at most a window of them, and are passed over.
        for entry in list(self._oldest(now_us)):
            if entry.place is Place.WAITING:
                self._accounts[entry.camera].waiting.remove(entry)
            self._drop(entry, Loss.OVERFLOWED)
        while self._backlog and self._backlog[0].frame is None:
            self._backlog.popleft()

    def counters(self, camera: str) -> Counters:
        """Return one camera's counts."""
        account = self._account(camera)
        return Counters(
            sampled=account.sampled,
            replaced=account.lost[Loss.REPLACED],
            overflowed=account.lost[Loss.OVERFLOWED],
            withdrawn=account.lost[Loss.WITHDRAWN],
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

    def _account(self, camera: str) -> Account:
        return self._accounts.setdefault(camera, Account())

    def _wait(self, account: Account, entry: Entry, frame: SampledFrame) -> None:
        waiting = account.waiting
        rivals = [
            other
            for other in waiting
            if other.frame is not None and other.frame.preroll == frame.preroll
        ]
        if len(rivals) >= (PREROLL_MOST if frame.preroll else 1):
            waiting.remove(rivals[0])
            if not frame.preroll:
                self._feel(rivals[0], overtaken=1)
            self._lose(rivals[0], Loss.REPLACED)
        entry.place = Place.WAITING
        waiting.append(entry)

    def _live(self, now_us: int) -> Entry | None:
        """Return the entry whose turn it is, out of its camera's places."""
        waiting = {name: account.waiting for name, account in self._accounts.items()}
        newest = {name: entries[-1] for name, entries in waiting.items() if entries}
        urgent = [name for name, entry in newest.items() if entry.urgent]
        # One that is about to be replaced lets those go first whose picture is young.
        young = [name for name in urgent if now_us - newest[name].added_us <= YOUNG_US]
        quiet = [name for name, entry in newest.items() if not entry.urgent]
        if (camera := self._turns.choose(young or urgent, quiet)) is None:
            return None
        entries = waiting[camera]
        entry = entries.popleft()
        while entry.preroll and entries and now_us - entry.added_us > PREROLL_PATIENCE_US:
            self._lose(entry, Loss.REPLACED)
            entry = entries.popleft()
        if not entry.preroll:
            self._feel(entry, left=1, waited_us=now_us - entry.added_us)
        return entry

    def _may_replay(self, now_us: int, limits: Limits) -> bool:
        most = min(self._replay_most, limits.window_frames)
        return now_us >= self._replay_from_us and self._in_flight[Place.REPLAY] < most

    def _feel(self, entry: Entry, *, left: int = 0, overtaken: int = 0, waited_us: int = 0) -> None:
        crowd = self._felt[entry.urgent]
        self._felt[entry.urgent] = Crowd(
            left=crowd.left + left,
            overtaken=crowd.overtaken + overtaken,
            waited_us=max(crowd.waited_us, waited_us),
        )

    def _fitting(self, entry: Entry) -> SampledFrame | None:
        frame = entry.frame
        if frame is None:
            return None
        most = MAX_FRAME_BYTES if self._limits is None else self._limits.max_frame_bytes
        if len(frame.jpeg) <= most:
            return frame
        # Encoded before Home Assistant told its limit; the camera encodes smaller from then on.
        self._lose(entry, Loss.REPLACED)
        return None

    def _sent(self, entry: Entry, frame: SampledFrame, place: Place, now_us: int) -> Outgoing:
        entry.place, entry.was_sent = place, True
        self._accounts[entry.camera].sent[place].append(entry)
        self._in_flight[place] += 1
        size_bytes = HEADER.size + len(frame.jpeg)
        self._window.sent(
            (entry.camera, entry.sequence),
            size_bytes,
            now_us,
            chosen_us=entry.added_us,
            live=place is Place.LIVE,
        )
        return Outgoing(
            camera=entry.camera,
            sequence=entry.sequence,
            replay=place is Place.REPLAY,
            frame=frame,
        )

    def _told(self, entry: Entry, now_us: int) -> None:
        """Trim a frame that was acknowledged on its own connection, or by the next welcome."""
        took_us = self._window.acknowledged((entry.camera, entry.sequence), now_us)
        self._in_flight[entry.place] -= 1
        if entry.place is Place.REPLAY:
            self._learn(took_us, now_us)
        self._remove(entry)
        self._accounts[entry.camera].acknowledged += 1

    def _learn(self, took_us: int, now_us: int) -> None:
        """Replay more at once while it arrives in time; where even one is late, a tenth of the time."""
        if took_us <= self._window.in_time_us:
            self._replay_most = min(self._replay_most + 1, REPLAY_IN_FLIGHT)
        else:
            self.rest(now_us + took_us * (REPLAY_REST if self._replay_most == 1 else 1))
            self._replay_most = 1

    def _lose(self, entry: Entry, loss: Loss) -> None:
        self._remove(entry)
        self._accounts[entry.camera].lost[loss] += 1

    def _remove(self, entry: Entry) -> None:
        del self._entries[entry.camera, entry.sequence]
        self._accounts[entry.camera].unacknowledged -= 1
        self._empty(entry)

    def _drop(self, entry: Entry, loss: Loss) -> None:
        if entry.place in {Place.WAITING, Place.BACKLOG}:
            self._lose(entry, loss)
        elif entry.frame is not None:
            entry.loss = loss
            self._empty(entry)

    def _empty(self, entry: Entry) -> None:
        if entry.frame is not None:
            self.size_bytes -= len(entry.frame.jpeg)
            entry.frame = None

    def _oldest(self, now_us: int) -> Iterable[Entry]:
        excess_bytes = self.size_bytes - self._most_bytes
        for entry in self._entries.values():
            if entry.frame is None:
                continue
            if excess_bytes <= 0 and now_us - entry.captured_us <= self._most_age_us:
                return
            excess_bytes -= len(entry.frame.jpeg)
            yield entry
