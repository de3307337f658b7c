"""Whether a stream's packets alone say that something has begun. Pure; numbers and capture times only.

An encoder spends bits on what changes. So the packets between key frames are compared with what is usual for this
stream, and what is unusual is added up: two to four packets of a real onset are enough. It is a hint to spend a decoder
on, never proof. Each false alarm makes the next one dearer by what it cost, and time makes it cheaper again: so false
alarms settle at a fixed share of the time, whatever the scene.
"""

import math
from typing import Final

from .usual import Usual

SETTLE_PACKETS: Final = 25
"""Before so many packets (one second, mostly) nothing is usual yet."""
SETTLE_US: Final = 3_000_000
"""Cameras raise their quality step by step in the first seconds of a session."""
GAP_US: Final = 2_000_000
"""After so long without packets the evidence of before is stale."""

DRIFT: Final = 1.0
"""Spreads that a packet may lie above the usual without adding evidence: about one of eight does by chance."""
EVIDENCE: Final = 8.0
"""Spreads above it, added up, that wake: two packets far above, four at two and a half spreads."""
ONE_SHARE: Final = 0.55
"""One packet brings at most this share of it: a clock's digits or a lost packet's repair is one packet."""
DECAY_PACKETS: Final = 20.0
"""Evidence fades in a second or so: many packets a little above the usual are the light changing."""

COST_SHARE: Final = 0.02
"""Share of the time that false alarms may keep a decoder busy where a scene never gives peace; most cause none."""
COST_CONFIRM_S: Final = 0.7
"""What a false alarm costs besides the catch-up: the decoding until it is known to be one."""
DEARER_PER_S: Final = 0.2
"""A false alarm after 3 s of catch-up doubles the evidence that the next one needs."""
DEARER_MOST: Final = math.log(2.5)
"""One false alarm late in a group of ten seconds must not make the hint deaf for the rest of the hour."""
AFTERWARDS_US: Final = 12_000_000
YOUNG_SHARE: Final = 0.15
"""After movement an encoder needs so long to find its rate: false alarms then say little of the scene."""
DEAREST: Final = math.log(40.0)
FIRST: Final = math.log(2.5)
"""An unknown stream has to prove that it can be trusted: minutes without a false alarm make it cheap."""
CHEAPER: Final = math.log(2.0)
"""A visit that it was first to see halves what the next one needs."""
CHEAPEST: Final = math.log(0.5)
"""What needs more is left to the key frames, and however quiet it is, chance must not wake."""


class PacketHint:
    """Learns one stream's usual packets and tells what is unusual."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._usuals = (Usual(), Usual())
        """Without a quantiser and with it: different measures, and a damaged header must not undo what was learned."""
        self._since_key = 0
        self._key_us = 0
        self._opened_us: int | None = None
        self._young_until_us = 0
        self._seen_us = 0
        self._evidence = 0.0
        self._dearness = FIRST
        self._waking: tuple[int, float] | None = None
        """When it woke, and how many seconds of packets there were to catch up with."""

    def offer(self, size_bytes: int, qp: int | None, *, key: bool, captured_us: int) -> bool:
        """Take the next packet; return whether something seems to have begun: decode from here."""
        elapsed_s = self._elapsed_s(captured_us)
        if key:
            self._since_key = 0
            self._key_us = captured_us
            return False
        self._since_key += 1
        if size_bytes <= 0:
            return False
        usual = self._usuals[qp is not None]
        above = usual.above(
            size_bytes,
            qp,
            since_key=self._since_key,
            elapsed_s=elapsed_s,
            learn=self._waking is None,
        )
        return usual.count >= SETTLE_PACKETS and self._add(above, captured_us)

    def settle(self, *, confirmed: bool | None, captured_us: int) -> None:
        """Take what became of the wake it caused: a false alarm makes the next one dearer; None: nobody looked."""
        waking, self._waking = self._waking, None
        self._evidence = 0.0
        if confirmed:
            self._young_until_us = max(self._young_until_us, captured_us + AFTERWARDS_US)
            self._dearness = max(CHEAPEST, self._dearness - CHEAPER)
        if waking is None or confirmed is not False:
            return
        woken_us, catch_up_s = waking
        cost_s = catch_up_s + max(COST_CONFIRM_S, (captured_us - woken_us) / 1e6)
        dearer = min(DEARER_MOST, DEARER_PER_S * cost_s)
        if captured_us < self._young_until_us:
            dearer *= YOUNG_SHARE
        self._dearness = min(DEAREST, self._dearness + dearer)

    def _elapsed_s(self, captured_us: int) -> float:
        if self._opened_us is None:
            self._opened_us = self._seen_us = captured_us
        elapsed_us, self._seen_us = max(0, captured_us - self._seen_us), captured_us
        if elapsed_us > GAP_US:
            self._evidence = 0.0
            elapsed_us = 0
        relief = DEARER_PER_S * COST_SHARE * elapsed_us / 1e6
        self._dearness = max(CHEAPEST, self._dearness - relief)
        return elapsed_us / 1e6

    def _add(self, above: float, captured_us: int) -> bool:
        opened_us = self._opened_us or 0
        if captured_us - opened_us < SETTLE_US or self._waking is not None:
            return False
        needed = EVIDENCE * math.exp(self._dearness)
        self._evidence *= 1 - 1 / DECAY_PACKETS
        self._evidence += max(-ONE_SHARE * needed, min(ONE_SHARE * needed, above - DRIFT))
        self._evidence = max(0.0, self._evidence)
        if self._evidence < needed:
            return False
        self._evidence = 0.0
        self._waking = (captured_us, max(0, captured_us - self._key_us) / 1e6)
        return True
