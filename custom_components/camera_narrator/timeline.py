"""The stored past of a hub: what may be kept, what is asked of it. Whatever its disk does, nobody waits for it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
import logging
from pathlib import Path
import sqlite3
from typing import Final

from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CALLBACK_TYPE, Event as HassEvent, HomeAssistant, callback
from homeassistant.util.executor import InterruptibleThreadPoolExecutor

from . import const, timeline_issues, timeline_reading
from .coordinator import NarratorConfigEntry
from .pipeline.clock import Clock, wait
from .pipeline.errors import NarratorError
from .pipeline.looked import Looked
from .pipeline.models import Event, Frame
from .timeline_file import FILE_ERRORS, FileError, TimelineFile, Trouble, erase, trouble_of
from .timeline_queue import RecordQueue
from .timeline_record import (
    Bounds,
    Extent,
    LookRecord,
    PastEvent,
    PhaseRecord,
    PictureRecord,
    Query,
    Recollection,
    Record,
)
from .timeline_retention import Retention

_LOGGER = logging.getLogger(__name__)

READINGS_MOST: Final = 32
"""That wait: a dashboard asks for as many pictures at once; more would only time out."""
RETRY_S: Final = 30.0
"""A full disk that was cleared is written again within that."""
TIDY_S: Final = 3600.0
"""What became too old goes within the hour."""
BREATH_S: Final = 1e-6
"""Four times what a float of today's wall clock can tell apart."""


class TimelineAwayError(NarratorError):
    """The past cannot be read now."""


@dataclass(slots=True)
class Counts:
    """What became of the records of this run."""

    written: int = 0
    refused: int = 0
    """Malformed, which is a defect."""
    failures: int = 0
    """Tries that the disk let down."""


class Timeline:
    """Keeps a hub's events, looks and pictures; all methods belong onto the event loop, one thread has the file."""

    def __init__(self, hass: HomeAssistant, entry: NarratorConfigEntry, *, clock: Clock) -> None:
        """Name the file; nothing is opened before start()."""
        self.counts = Counts()
        self.trouble: Trouble | None = None
        self.extent: Extent | None = None
        """As of the last tidying."""
        self._hass = hass
        self._entry = entry
        self._clock = clock
        self._file = TimelineFile(path_of(hass, entry.entry_id))
        self._thread = InterruptibleThreadPoolExecutor(
            max_workers=1, thread_name_prefix=f"{const.DOMAIN} timeline"
        )
        self._queue = RecordQueue()
        self._readings = 0
        self._opened = False
        self._told_wall_s = float("-inf")
        self._untidy = True
        self._tidied_s = float("-inf")
        self._retry_s: float | None = None
        self._woken = asyncio.Event()
        self._begun_anew_s = float("-inf")
        self._rested = asyncio.Event()
        """Nothing waits that could be written now."""
        self._task: asyncio.Task[None] | None = None
        self._stops_listening: CALLBACK_TYPE | None = None

    @callback
    def start(self) -> None:
        """Open the file and begin to write, without waiting for either."""
        self._stops_listening = self._hass.bus.async_listen_once(
            EVENT_HOMEASSISTANT_FINAL_WRITE, self._shut_down
        )
        self._task = self._entry.async_create_background_task(
            self._hass, self._run(), f"{const.DOMAIN} timeline"
        )

    async def stop(self) -> None:
        """Write what waits, once, and close the file."""
        if self._stops_listening is not None:
            self._stops_listening()
            self._stops_listening = None
        await self._close()

    @callback
    def change(self) -> None:
        """Take over how long and how much is kept, and which cameras there are."""
        self.tidy()

    @callback
    def tidy(self) -> None:
        """Let what is out of bounds go soon, what belongs to removed cameras with it."""
        self._untidy = True
        self._wake()

    # -- what is kept -------------------------------------------------------------------------------------------

    @callback
    def tell(self, camera: str, event: Event) -> None:
        """Keep a phase of an event."""
        at_wall_s = self._clock.wall()
        if 0 <= self._told_wall_s - at_wall_s < 1:  # phases told in one breath keep their order
            at_wall_s = self._told_wall_s + BREATH_S
        self._told_wall_s = at_wall_s
        self._keep(PhaseRecord(camera=camera, at_wall_s=at_wall_s, event=event))

    @callback
    def look(self, camera: str, looked: Looked) -> None:
        """Keep an answered request."""
        self._keep(LookRecord(camera=camera, looked=looked))

    @callback
    def show(self, camera: str, event_id: str, frame: Frame) -> None:
        """Keep the picture that decided an event, in the place of one from before."""
        self._keep(
            PictureRecord(
                camera=camera,
                event_id=event_id,
                taken_wall_s=frame.captured_wall_s,
                width=frame.width,
                height=frame.height,
                jpeg=frame.jpeg,
            )
        )

    # -- what is asked ------------------------------------------------------------------------------------------

    async def events(self, query: Query) -> list[PastEvent]:
        """Return events, newest first; raise TimelineAwayError."""
        return await self._read(partial(timeline_reading.events, query=query))

    async def picture(self, event_id: str) -> PictureRecord | None:
        """Return the picture of an event, None where none is kept; raise TimelineAwayError."""
        return await self._read(partial(timeline_reading.picture, event_id=event_id))

    async def recollect(self, camera: str, from_wall_s: float, to_wall_s: float) -> Recollection:
        """Return what was said and shown of a while; raise TimelineAwayError."""
        reading = partial(
            timeline_reading.recollection,
            camera=camera,
            from_wall_s=from_wall_s,
            to_wall_s=to_wall_s,
        )
        return await self._read(reading)

    @property
    def waiting(self) -> int:
        """Return how many records are not written yet."""
        return len(self._queue)

    @property
    def dropped(self) -> int:
        """Return how many records were given up."""
        return self._queue.dropped

    async def rested(self) -> None:
        """Return once everything is written, or cannot be."""
        await self._rested.wait()

    async def hold_still(self, *, still: bool) -> None:
        """Let the file be copied; what is told meanwhile goes into its log. Raise TimelineAwayError."""
        await self._use(partial(self._file.hold_still, still=still))

    # -- the way to the disk ------------------------------------------------------------------------------------

    def _keep(self, record: Record) -> None:
        if not Retention.of(self._entry).days:
            return
        self._queue.put(record)
        if self.trouble is Trouble.TOO_NEW:
            self._queue.give_up()
        self._wake()

    def _wake(self) -> None:
        if self.trouble is None:
            self._rested.clear()
            self._woken.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._work()
                self._show(None)
            except FILE_ERRORS as error:
                await self._fail(error)
            if not self._woken.is_set():
                self._rested.set()
            await wait(self._woken, self._clock, self._next_s())
            self._woken.clear()

    def _next_s(self) -> float | None:
        if self.trouble is Trouble.TOO_NEW:
            return None
        return self._tidied_s + TIDY_S if self._retry_s is None else self._retry_s

    async def _work(self) -> None:
        """Open the file if need be, write what waits, and tidy up in portions between which writing goes on."""
        if not self._opened:
            await self._in_thread(self._file.open)
            self._opened = True
        await self._write()
        if self._clock.monotonic() >= self._tidied_s + TIDY_S:
            self._untidy = True
        if not self._untidy:
            return
        self._untidy = False
        while await self._in_thread(partial(self._file.tidy, self._bounds)):
            await self._write()
        await self._in_thread(self._file.settle)
        self.extent = await self._in_thread(self._file.extent)
        self._tidied_s = self._clock.monotonic()

    async def _write(self) -> None:
        while batch := self._queue.batch():
            self.counts.refused += await self._in_thread(partial(self._file.write, batch))
            self.counts.written += len(batch)
            self._queue.written(batch)

    async def _fail(self, error: FileError) -> None:
        """Show what is wrong and try again later; a broken file makes room for a new one at once."""
        self.counts.failures += 1
        trouble: Trouble | None = trouble_of(error)
        self._opened = False
        if trouble is Trouble.BROKEN:
            trouble = await self._begin_anew(error)
        if trouble is Trouble.TOO_NEW:
            self._queue.give_up()
        if trouble is not None and trouble is not self.trouble:
            _LOGGER.warning("The timeline %s cannot be written: %s", self._file.path, error)
        self._show(trouble)
        pause_s = 0.0 if trouble is None else RETRY_S
        self._retry_s = self._clock.monotonic() + pause_s
        self._untidy = True

    async def _begin_anew(self, error: FileError) -> Trouble | None:
        """Set a broken file aside; return what prevents that: a disk that breaks one after the other, too."""
        now_s = self._clock.monotonic()
        if now_s < self._begun_anew_s + RETRY_S:
            return Trouble.UNWRITABLE
        self._begun_anew_s = now_s
        try:
            aside = await self._in_thread(self._file.set_aside)
        except OSError as stuck:
            return Trouble.UNWRITABLE if trouble_of(stuck) is Trouble.BROKEN else trouble_of(stuck)
        _LOGGER.error("The timeline was broken (%s) and is set aside as %s", error, aside)
        timeline_issues.begun_anew(
            self._hass, self._entry.entry_id, self._entry.title, self._relative(aside)
        )
        return None

    @property
    def _bounds(self) -> Bounds:
        return Retention.of(self._entry).bounds(self._clock.wall())

    def _show(self, trouble: Trouble | None) -> None:
        if trouble is None:
            self._retry_s = None
        if trouble is self.trouble:
            return
        self.trouble = trouble
        timeline_issues.show(
            self._hass,
            self._entry.entry_id,
            self._entry.title,
            trouble,
            self._relative(self._file.path),
        )

    async def _read[T](self, reading: Callable[[sqlite3.Connection], T]) -> T:
        return await self._use(partial(self._file.read, reading))

    async def _use[T](self, job: Callable[[], T]) -> T:
        """Return what a job finds in the file once all that was told is in it; raise TimelineAwayError."""
        if self._readings >= READINGS_MOST:
            raise TimelineAwayError("too many wait to read the timeline")
        self._readings += 1
        try:
            await self._rested.wait()
            if self._task is None:
                raise TimelineAwayError("the timeline is closed")
            return await self._in_thread(job)
        except FILE_ERRORS as error:
            raise TimelineAwayError(f"the timeline cannot be read: {error}") from error
        finally:
            self._readings -= 1

    async def _in_thread[T](self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)

    async def _shut_down(self, _: HassEvent) -> None:
        self._stops_listening = None
        await self._close()

    async def _close(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None
        self._rested.set()
        try:
            if self._queue and not self._opened:
                await self._in_thread(self._file.open)
            await self._write()
        except FILE_ERRORS as error:
            self.counts.failures += 1
            _LOGGER.warning("%d records of the timeline are lost: %s", len(self._queue), error)
        await self._in_thread(self._file.close)
        await self._hass.async_add_executor_job(self._thread.shutdown)

    def _relative(self, path: Path) -> str:
        """Return where a file is, as the user sees it: under the configuration folder."""
        folder = Path(self._hass.config.path())
        return str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name


def path_of(hass: HomeAssistant, entry_id: str) -> Path:
    """Return the file of a hub, in a folder of our own that backups take along."""
    return Path(hass.config.path(const.DOMAIN, f"{entry_id}.db"))


async def forget(hass: HomeAssistant, entry_id: str) -> None:
    """Leave nothing behind of a removed hub's past."""
    timeline_issues.clear(hass, entry_id)
    try:
        await hass.async_add_executor_job(erase, path_of(hass, entry_id))
    except OSError as error:
        _LOGGER.warning("The timeline of a removed hub cannot be deleted: %s", error)
