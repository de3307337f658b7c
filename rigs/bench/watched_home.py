"""A real Home Assistant that also tells how late its event loop is, and how much it weighs."""

from pathlib import Path
import re
from typing import Any, Final, override

from rigs.home_assistant import HomeAssistant
from rigs.home_assistant_client import HomeAssistantClient

_DOMAIN: Final = "loop_watch"
_MANIFEST: Final = '{"domain": "loop_watch", "name": "Loop watch", "version": "1.0.0"}'
_COMPONENT: Final = '''
"""Notes how late the event loop is; the action `loop_watch.report` returns it and begins anew."""
from homeassistant.core import SupportsResponse


async def async_setup(hass, config):
    late_ms, every_s = [], 0.005

    def look(due_s):
        now_s = hass.loop.time()
        late_ms.append(1000 * max(0.0, now_s - due_s))
        hass.loop.call_at(now_s + every_s, look, now_s + every_s)

    async def report(call):
        told = sorted(late_ms)
        late_ms.clear()
        return {"n": len(told), "p99": told[int(len(told) * 0.99)] if told else 0.0}

    due_s = hass.loop.time() + every_s
    hass.loop.call_at(due_s, look, due_s)
    hass.services.async_register("loop_watch", "report", report, supports_response=SupportsResponse.ONLY)
    return True
'''


class WatchedHome(HomeAssistant):
    """The same, with a recorder and a watch of the loop."""

    @override
    def _lay_down(self) -> None:
        super()._lay_down()
        folder = self.folder / "custom_components" / _DOMAIN
        folder.mkdir(exist_ok=True)
        (folder / "manifest.json").write_text(_MANIFEST, "utf-8")
        (folder / "__init__.py").write_text(_COMPONENT, "utf-8")
        with (self.folder / "configuration.yaml").open("a", encoding="utf-8") as file:
            file.write(f"{_DOMAIN}:\n")

    @property
    def database(self) -> Path:
        """The recorder's."""
        return self.folder / "home-assistant_v2.db"

    def weight_mb(self) -> float:
        """Return the proportional share of its memory."""
        told = Path(f"/proc/{self._pid}/smaps_rollup").read_text("ascii")
        found = re.search(r"^Pss:\s+(\d+) kB", told, re.MULTILINE)
        return int(found[1]) / 1000 if found else 0.0

    def cpu_s(self) -> float:
        """Return the processor time it has used."""
        return 0.0 if self.process is None else self.process.cpu_s()

    async def lateness(self, client: HomeAssistantClient) -> tuple[int, float]:
        """Return how often the loop was looked at since the last call, and its p99 in ms."""
        said: dict[str, Any] = await client.call(_DOMAIN, "report", {}, response=True)
        return int(said["n"]), float(said["p99"])

    @property
    def _pid(self) -> int:
        return 0 if self.process is None else self.process.pid
