"""What a hub keeps over a restart: written, read back, moved to another clock, and survived where it is broken."""

from collections.abc import Generator
from dataclasses import replace
import errno
from pathlib import Path
from typing import Any, override
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
import pytest

from custom_components.camera_narrator import const
from custom_components.camera_narrator.memory import MemoryStore
from custom_components.camera_narrator.pipeline.claim import Drift, LedgerEntry
from custom_components.camera_narrator.pipeline.clock import Clock
from custom_components.camera_narrator.pipeline.models import CameraMemory
from custom_components.camera_narrator.pipeline.vocabulary import EndReason, Label, Phase, Verdict
from custom_components.camera_narrator.providers.ladder import Rung
from custom_components.camera_narrator.providers.server_facts import ServerFacts
from tests.integration.house import CAMERA, NOON_S, camera_of, event, move_in

FILE = f"{const.DOMAIN}.hub_entry"
MEMORY = CameraMemory(
    narratives=((NOON_S - 60, "A van stops."), (NOON_S, "A person rings the bell.")),
    open_event=event(
        Phase.UPDATED,
        Label.PERSON,
        Label.PACKAGE,
        labelled=True,
        verdict=Verdict.SUBJECT,
        narrative="A person rings the bell.",
        continues="visit-0",
        frames=5,
        provider="a-model",
    ),
    last_event=event(Phase.ENDED, id="visit-0", reason=EndReason.QUIET),
    ledger=(
        LedgerEntry(
            number=3,
            subject=Label.PERSON,
            look="dark coat",
            where="at the door",
            moving=True,
            since_wall_s=NOON_S - 40,
            seen_wall_s=NOON_S - 5,
            expires_wall_s=NOON_S + 145,
            confidence=0.75,
            answers=2,
            told_wall_s=NOON_S - 60,
        ),
    ),
    writings=("DHL Express",),
    drift=Drift(audits=4, differed=1),
)

REAL = {name: getattr(Store, name) for name in ("_async_load", "_async_write_data")}
"""As Home Assistant has them: its tests keep all files in memory."""


@pytest.fixture
def disk(hass: HomeAssistant, hass_storage: dict[str, Any], tmp_path: Path) -> Generator[Path]:
    """Return the file that a hub's memory really is written to."""
    hass.config.config_dir = str(tmp_path)
    (tmp_path / ".storage").mkdir()
    with patch.multiple(Store, **REAL):
        yield tmp_path / ".storage" / FILE


class BootClock(Clock):
    """Stands at so many seconds after the boot of a machine, a minute after NOON_S."""

    def __init__(self, up_s: float) -> None:
        """Stand still."""
        self._up_s = up_s

    @override
    def monotonic(self) -> float:
        return self._up_s

    @override
    def wall(self) -> float:
        return NOON_S + 60


async def test_a_story_comes_back_as_it_was(hass: HomeAssistant) -> None:
    """Open event, last event, narratives and what is known of servers survive; a clock of the same boot gives the same times."""
    store = MemoryStore(hass, "hub_entry")
    store.remember(CAMERA, MEMORY)
    store.set("a-model@http://192.0.2.9/v1", {"rung": "json_object"})
    await store.flush()
    again = MemoryStore(hass, "hub_entry")
    await again.load()
    assert again.camera(CAMERA, BootClock(1060)) == MEMORY
    assert again.get("a-model@http://192.0.2.9/v1") == {"rung": "json_object"}


async def test_what_an_older_version_knew_of_servers_counts(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    """Once only the rung was kept, as a word: it is still the one to begin with."""
    stored = {"cameras": {}, "rungs": {"a@http://192.0.2.9/v1": "json_object"}}
    hass_storage[FILE] = {"version": 1, "key": FILE, "data": stored}
    store = MemoryStore(hass, "hub_entry")
    await store.load()
    assert ServerFacts.read(store.get("a@http://192.0.2.9/v1")) == ServerFacts(rung=Rung.OBJECT)


async def test_what_an_older_version_told_is_known(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    """A story from before there were ledger and audits is read, and nobody is taken to be there."""
    store = MemoryStore(hass, "hub_entry")
    store.remember(CAMERA, MEMORY)
    await store.flush()
    kept = hass_storage[FILE]["data"]["cameras"][CAMERA]
    for newer in ("ledger", "writings", "drift"):
        del kept[newer]
    again = MemoryStore(hass, "hub_entry")
    await again.load()
    assert again.camera(CAMERA, BootClock(1060)) == replace(
        MEMORY, ledger=(), writings=(), drift=Drift()
    )


async def test_times_move_to_the_clock_of_this_boot(hass: HomeAssistant) -> None:
    """Monotonic times mean nothing after a reboot; the wall times stay, and distances with them."""
    store = MemoryStore(hass, "hub_entry")
    store.remember(CAMERA, MEMORY)
    memory = store.camera(CAMERA, BootClock(20))
    assert memory is not None
    assert memory.open_event is not None
    span = memory.open_event.span
    assert (span.from_s, span.to_s) == (20 - 60, 20 - 60 + 4)
    assert (span.from_wall_s, span.to_wall_s) == (NOON_S, NOON_S + 4)
    assert replace(memory, open_event=None, last_event=None).narratives == MEMORY.narratives


async def test_a_removed_camera_is_forgotten(hass: HomeAssistant) -> None:
    """Another camera of the same subentry's place never gets its story."""
    store = MemoryStore(hass, "hub_entry")
    store.remember(CAMERA, MEMORY)
    store.forget(CAMERA)
    await store.flush()
    again = MemoryStore(hass, "hub_entry")
    await again.load()
    assert again.camera(CAMERA, BootClock(1060)) is None


async def test_a_removed_hub_leaves_no_file(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    """Stories are about people: they go with the hub."""
    entry = await move_in(hass)
    camera_of(entry).remember(MEMORY)
    await entry.runtime_data.memory.flush()
    assert FILE in hass_storage
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert FILE not in hass_storage


@pytest.mark.parametrize(
    "stored",
    [
        {"version": 1, "data": {"cameras": {CAMERA: {"narratives": [[1, "a"]]}}}},
        {"version": 1, "data": {"cameras": {CAMERA: "a story"}, "rungs": {}}},
        {"version": 1, "data": {"cameras": [1, 2]}},
        {"version": 1, "data": ["a list"]},
        {"version": 0, "data": {"stories": {}}},
        {"version": 99, "data": {"cameras": {}}},
        {"cameras": {}},
        {
            "version": 1,
            "data": {
                "cameras": {
                    CAMERA: {
                        "narratives": [],
                        "open_event": {"id": "visit-1", "from": 1, "to": "noon"},
                        "last_event": None,
                    }
                }
            },
        },
    ],
    ids=["half", "text", "list", "no-object", "older", "newer", "no-version", "event"],
)
async def test_a_file_of_another_shape_does_not_prevent_the_setup(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    stored: dict[str, Any],
) -> None:
    """The hub starts without the story, says so once, and writes a good file the next time."""
    hass_storage[FILE] = {"minor_version": 1, "key": FILE, **stored}
    entry = await move_in(hass)
    assert entry.state is ConfigEntryState.LOADED
    assert camera_of(entry).source.memory == CameraMemory()
    assert caplog.text.count("cannot be read") == 1
    camera_of(entry).remember(MEMORY)
    await entry.runtime_data.memory.flush()
    assert hass_storage[FILE]["version"] == 1
    assert hass_storage[FILE]["data"]["cameras"][CAMERA]["open_event"]["id"] == "visit-1"


async def test_a_file_that_is_no_json_does_not_prevent_the_setup(
    hass: HomeAssistant, disk: Path
) -> None:
    """A crash of the machine may leave anything; Home Assistant puts it aside and the hub starts."""
    disk.write_text('{"version": 1, "da', "utf-8")
    entry = await move_in(hass)
    assert entry.state is ConfigEntryState.LOADED
    assert camera_of(entry).source.memory == CameraMemory()
    assert [path.name for path in disk.parent.glob(f"{FILE}.corrupt*")]
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_full_disk_is_survived(
    hass: HomeAssistant, disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The story goes on, the log names the file, and the next write that finds room holds everything."""
    store = MemoryStore(hass, "hub_entry")
    store.remember(CAMERA, MEMORY)
    full = OSError(errno.ENOSPC, "No space left on device")
    with patch("homeassistant.util.file.AtomicWriter.open", side_effect=full):
        await store.flush()
    assert f"Error writing config for {FILE}: [Errno 28] No space left on device" in caplog.text
    assert not disk.exists()
    await store.flush()
    assert MEMORY.narratives[1][1] in disk.read_text("utf-8")
    assert disk.stat().st_mode & 0o077 == 0
