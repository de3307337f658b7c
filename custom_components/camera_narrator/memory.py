"""What a hub keeps over a restart: each camera's story and open event, and what it learned of its model server."""

from collections.abc import Mapping
from dataclasses import asdict
import logging
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .pipeline.claim import Drift, LedgerEntry
from .pipeline.clock import Clock
from .pipeline.models import CameraMemory, Event, Span
from .pipeline.rule import RuleState
from .pipeline.spending import Cost, Spent
from .pipeline.vocabulary import EndReason, Label, Origin, Phase, Verdict

_LOGGER = logging.getLogger(__name__)

VERSION = 1
SAVE_DELAY_S = 0.0
"""The changes of one turn of the loop are one write; nothing is held back, for a crash would tell a visit twice."""

UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""What reading a file raises that another version or another hand wrote."""


class MemoryStore:
    """One small private file per hub, written atomically."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Name the file; nothing is read yet."""
        self._store: Store[dict[str, Any]] = Store(
            hass, VERSION, f"{DOMAIN}.{entry_id}", private=True, atomic_writes=True
        )
        self._cameras: dict[str, dict[str, Any]] = {}
        self._servers: dict[str, dict[str, object]] = {}
        self._spent: dict[str, Any] = {}
        self._fallback_spent: dict[str, Any] = {}
        self._sent_out: dict[str, Any] = {}

    async def load(self) -> None:
        """Read the file; a story that cannot be read is forgotten, for new ones are worth more."""
        try:
            stored = await self._store.async_load() or {}
            self._cameras = dict(stored.get("cameras", {}))
            # Before they held more, servers were kept by their rung alone.
            rungs = dict(stored.get("rungs", {}))
            self._servers = {server: {"rung": rung} for server, rung in rungs.items()}
            self._servers |= {
                server: dict(facts) for server, facts in stored.get("servers", {}).items()
            }
            self._spent = dict(stored.get("spent", {}))
            self._fallback_spent = dict(stored.get("fallback_spent", {}))
            self._sent_out = dict(stored.get("sent_out", {}))
        except (HomeAssistantError, NotImplementedError, OSError, *UNREADABLE) as error:
            _LOGGER.warning(
                "%s cannot be read (%s); the stories so far are forgotten", self._store.path, error
            )

    def camera(self, subentry_id: str, clock: Clock) -> CameraMemory | None:
        """Return what is known of a camera, its times moved to this run's monotonic clock."""
        stored = self._cameras.get(subentry_id)
        if stored is None:
            return None
        try:
            return _memory(stored, clock)
        except UNREADABLE as error:
            _LOGGER.warning(
                "%s: the story of camera %s cannot be read (%s: %s) and is forgotten",
                self._store.path,
                subentry_id,
                type(error).__name__,
                error,
            )
            del self._cameras[subentry_id]
            return None

    @callback
    def remember(self, subentry_id: str, memory: CameraMemory) -> None:
        """Keep a camera's memory; written within a moment, never waited for."""
        self._cameras[subentry_id] = {
            "narratives": [list(entry) for entry in memory.narratives],
            "open_event": _event_out(memory.open_event),
            "last_event": _event_out(memory.last_event),
            "rules": {key: asdict(state) for key, state in memory.rules.items()},
            "ledger": [asdict(entry) for entry in memory.ledger],
            "writings": list(memory.writings),
            "drift": asdict(memory.drift),
        }
        self._save()

    @callback
    def forget(self, subentry_id: str) -> None:
        """Drop a removed camera."""
        if self._cameras.pop(subentry_id, None) is not None:
            self._save()

    @property
    def servers(self) -> Mapping[str, Mapping[str, object]]:
        """Return what is known of all model servers that were asked so far."""
        return self._servers

    def get(self, server: str) -> Mapping[str, object] | None:
        """Return what is known of a model on a server."""
        return self._servers.get(server)

    @callback
    def set(self, server: str, facts: Mapping[str, object]) -> None:
        """Keep what is known of it."""
        if self._servers.get(server) != facts:
            self._servers[server] = dict(facts)
            self._save()

    @property
    def spent(self) -> Spent:
        """Return what the hub spent on the last day that it asked anything."""
        return _spent_in(self._spent)

    @callback
    def spend(self, spent: Spent) -> None:
        """Keep what a day has cost so far, with what is under way."""
        if (kept := _spent_out(spent)) != self._spent:
            self._spent = kept
            self._save()

    @property
    def fallback_spent(self) -> Spent:
        """Return the same of the second model server."""
        return _spent_in(self._fallback_spent)

    @callback
    def spend_fallback(self, spent: Spent) -> None:
        """Keep what that one has cost so far."""
        if (kept := _spent_out(spent)) != self._fallback_spent:
            self._fallback_spent = kept
            self._save()

    @property
    def sent_out(self) -> tuple[str, int]:
        """Return the last day on which pictures left the house, and how many did."""
        try:
            return str(self._sent_out["day"]), int(self._sent_out["pictures"])
        except UNREADABLE:
            return "", 0

    @callback
    def send_out(self, day: str, pictures: int) -> None:
        """Keep how many pictures have left the house on a day."""
        self._sent_out = {"day": day, "pictures": pictures}
        self._save()

    async def flush(self) -> None:
        """Write now."""
        await self._store.async_save(self._content())

    async def remove(self) -> None:
        """Delete the file."""
        await self._store.async_remove()

    def _save(self) -> None:
        self._store.async_delay_save(self._content, SAVE_DELAY_S)

    def _content(self) -> dict[str, Any]:
        return {
            "cameras": dict(self._cameras),
            "servers": dict(self._servers),
            "spent": dict(self._spent),
            "fallback_spent": dict(self._fallback_spent),
            "sent_out": dict(self._sent_out),
        }


def _spent_out(spent: Spent) -> dict[str, Any]:
    cost = spent.cost
    return {
        "day": spent.day,
        "requests": cost.requests,
        "tokens": cost.tokens,
        "usd": round(cost.usd, 9),
    }


def _spent_in(stored: Mapping[str, Any]) -> Spent:
    try:
        cost = Cost(
            requests=int(stored["requests"]),
            tokens=int(stored["tokens"]),
            usd=float(stored["usd"]),
        )
        return Spent(day=str(stored["day"]), cost=cost)
    except UNREADABLE:
        return Spent()


def _memory(stored: Mapping[str, Any], clock: Clock) -> CameraMemory:
    behind_s = clock.wall() - clock.monotonic()
    return CameraMemory(
        narratives=tuple((float(at), str(text)) for at, text in stored["narratives"]),
        open_event=_event_in(stored["open_event"], behind_s),
        last_event=_event_in(stored["last_event"], behind_s),
        rules={key: _rule_in(state) for key, state in stored.get("rules", {}).items()},
        ledger=tuple(_entry_in(entry) for entry in stored.get("ledger", ())),
        writings=tuple(str(text) for text in stored.get("writings", ())),
        drift=_drift_in(stored.get("drift", {})),
    )


def _entry_in(stored: Mapping[str, Any]) -> LedgerEntry:
    told = stored["told_wall_s"]
    return LedgerEntry(
        number=int(stored["number"]),
        subject=Label(stored["subject"]),
        look=str(stored["look"]),
        where=str(stored["where"]),
        moving=bool(stored["moving"]),
        since_wall_s=float(stored["since_wall_s"]),
        seen_wall_s=float(stored["seen_wall_s"]),
        expires_wall_s=float(stored["expires_wall_s"]),
        confidence=float(stored["confidence"]),
        answers=int(stored["answers"]),
        told_wall_s=None if told is None else float(told),
    )


def _drift_in(stored: Mapping[str, Any]) -> Drift:
    return Drift(audits=int(stored.get("audits", 0)), differed=int(stored.get("differed", 0)))


def _rule_in(stored: Mapping[str, Any]) -> RuleState:
    holds = stored["holds"]
    return RuleState(
        question=str(stored["question"]),
        holds=None if holds is None else bool(holds),
        votes=tuple(bool(vote) for vote in stored["votes"]),
        answered_wall_s=float(stored["answered_wall_s"]),
        fired_wall_s=float(stored["fired_wall_s"]),
    )


def _event_out(event: Event | None) -> dict[str, Any] | None:
    if event is None:
        return None
    return {
        "id": event.id,
        "camera": event.camera,
        "phase": event.phase,
        "from": event.span.from_wall_s,
        "to": event.span.to_wall_s,
        "labels": sorted(event.labels),
        "labelled": event.labelled,
        "verdict": event.verdict,
        "narrative": event.narrative,
        "origin": event.origin,
        "reason": event.reason,
        "continues": event.continues,
        "frames": event.frames,
        "provider": event.provider,
        "rule": event.rule,
        "sign": event.sign,
    }


def _event_in(stored: Mapping[str, Any] | None, behind_s: float) -> Event | None:
    if stored is None:
        return None
    start, end = float(stored["from"]), float(stored["to"])
    return Event(
        id=stored["id"],
        camera=stored["camera"],
        phase=Phase(stored["phase"]),
        span=Span(from_s=start - behind_s, to_s=end - behind_s, from_wall_s=start, to_wall_s=end),
        labels=frozenset(Label(label) for label in stored["labels"]),
        labelled=stored["labelled"],
        verdict=Verdict(stored["verdict"]) if stored["verdict"] else None,
        narrative=stored["narrative"],
        origin=Origin(stored.get("origin", Origin.ACTIVITY)),
        reason=EndReason(stored["reason"]) if stored["reason"] else None,
        continues=stored["continues"],
        frames=stored["frames"],
        provider=stored["provider"],
        rule=stored.get("rule"),
        sign=bool(stored.get("sign", False)),
    )
