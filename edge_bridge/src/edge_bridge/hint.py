"""Whether a stream's packets alone say that something has begun. Pure; numbers and capture times only.

An encoder spends bits on what changes. So the packets between key frames are compared with what is usual for this
stream at the same place of a group of pictures, and what is unusual is added up: two to four packets of a real onset
are enough. It is a hint to spend a decoder on, never proof. Each false alarm makes the next one dearer by what it
cost, and time makes it cheaper again: so false alarms settle at a fixed share of the time, whatever the scene.

Where the quantiser is known (H.264), a packet is compared with what is usual at its quantiser: under constant bit rate
the encoder answers movement with a coarser quantiser rather than with bytes. What no packet has shown yet is taken from
the nearest quantiser that one has; six steps of it halve the bytes.
"""

from bisect import bisect_right
import math
from typing import Final

SETTLE_PACKETS: Final = 25
"""Before so many packets (one second, mostly) nothing is usual yet."""
SETTLE_US: Final = 3_000_000
"""Cameras raise their quality step by step in the first seconds of a session."""
GAP_US: Final = 2_000_000
"""After so long without packets the evidence of before is stale."""

PLACES: Final = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192)
"""Where in a group the usual size is learned apart: the pictures right after a key frame repair it and are larger,
later ones change ever less."""
PLACE_AT_ONCE: Final = 3
USUAL_S: Final = 12.0
"""So fast the usual size follows: slow against a visit, fast against dusk."""
PLACE_WEIGHT: Final = 0.08
"""A place is met once a group: a dozen groups tell what is usual there."""
FALLING_S: Final = 3.0
"""Packets smaller than usual come when something has ended, and then the usual was wrong."""
UNUSUAL_S: Final = 60.0
"""Rain that has set in is usual after some minutes; a visit is not."""
QP_WEIGHT: Final = 0.05
"""Of one packet in what is usual at its quantiser: a second of packets tells."""
SPREAD_S: Final = 10.0
SPREAD_FIRST_S: Final = 1.0
SPREAD_FIRST_PACKETS: Final = 75
"""Three seconds, mostly: the first guess at the spread is put right fast."""
SPREAD_FIRST: Final = 0.25
SPREAD_LEAST: Final = 0.03
"""In powers of two: 2 % more or less is nothing even in a stream that is otherwise perfectly even."""
SPREAD_MOST: Final = 0.8

DRIFT: Final = 1.0
"""Spreads that a packet may lie above the usual without adding evidence: about one of eight does by chance."""
EVIDENCE: Final = 4.5
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
YOUNG_US: Final = 20_000_000
AFTERWARDS_US: Final = 12_000_000
YOUNG_SHARE: Final = 0.3
"""An encoder needs so long to find its rate, after opening and after movement: false alarms say little of the scene."""
DEAREST: Final = math.log(40.0)
CHEAPEST: Final = math.log(0.5)
"""What needs more is left to the key frames, and however quiet it is, chance must not wake."""


class PacketHint:
    """Learns one stream's usual packets and tells what is unusual."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._usual = 0.0
        self._places = [0.0] * (len(PLACES) + 1)
        self._met = [0] * (len(PLACES) + 1)
        self._quantised: dict[int, float] = {}
        self._spread = SPREAD_FIRST
        self._count = 0
        self._since_key = 0
        self._key_us = 0
        self._opened_us: int | None = None
        self._young_until_us = 0
        self._seen_us = 0
        self._with_qp = False
        self._evidence = 0.0
        self._dearness = 0.0
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
        if (qp is not None) != self._with_qp:
            # Another measure: what was usual says nothing any more.
            self._with_qp = qp is not None
            self._count = 0
        return self._add(self._learn(math.log2(size_bytes), qp, elapsed_s), captured_us)

    def settle(self, *, confirmed: bool, captured_us: int) -> None:
        """Take what became of the wake it caused: a false alarm makes the next one dearer."""
        waking, self._waking = self._waking, None
        self._evidence = 0.0
        if confirmed:
            self._young_until_us = max(self._young_until_us, captured_us + AFTERWARDS_US)
        if waking is None or confirmed:
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
            self._young_until_us = captured_us + YOUNG_US
        elapsed_us, self._seen_us = max(0, captured_us - self._seen_us), captured_us
        if elapsed_us > GAP_US:
            self._evidence = 0.0
            elapsed_us = 0
        relief = DEARER_PER_S * COST_SHARE * elapsed_us / 1e6
        self._dearness = max(CHEAPEST, self._dearness - relief)
        return elapsed_us / 1e6

    def _learn(self, bits: float, qp: int | None, elapsed_s: float) -> float:
        """Learn from a packet; return how many spreads it lies above the usual."""
        self._count += 1
        place = bisect_right(PLACES, self._since_key)
        if self._count == 1:
            self._usual = bits
            self._places = [0.0] * len(self._places)
            self._met = [0] * len(self._met)
            self._quantised = {}
            self._spread = SPREAD_FIRST
        coarser = 0.0 if qp is None else self._at(qp)
        rest = bits - self._usual - self._places[place] - coarser
        # As a share: twice the bytes are as far above the usual as none would be below it.
        above = (math.exp2(min(rest, 4.0)) - 1.0) / self._spread
        # The first packets count equally, so that a second is enough; then time decides.
        first = 1.0 / self._count
        # What goes on while something was woken for is not the quiet that is to be learned.
        unusual = above > 3 or self._waking is not None
        time_s = FALLING_S if above < -3 else UNUSUAL_S if unusual else USUAL_S
        bounded = max(-3.0, min(3.0, above)) * self._spread * 1.44
        self._usual += bounded * max(first, 1 - math.exp(-elapsed_s / time_s))
        if self._waking is None:
            self._place(place, max(-2.0, min(2.0, rest)), bounded)
            if qp is not None:
                self._quantised[qp] = coarser + bounded * QP_WEIGHT
        self._widen(above, elapsed_s)
        return above

    def _place(self, place: int, rest: float, bounded: float) -> None:
        """Learn what is usual at a place of the group: at once where nothing is known, then bit by bit."""
        self._met[place] += 1
        if self._met[place] <= PLACE_AT_ONCE and place < len(PLACES):
            self._places[place] += rest / self._met[place]
        else:
            self._places[place] += bounded * max(PLACE_WEIGHT, 1.0 / self._met[place]) / 2

    def _at(self, qp: int) -> float:
        """Return by how much packets of this quantiser differ from the usual."""
        known = self._quantised.get(qp)
        if known is None:
            nearest = min(self._quantised, key=lambda other: abs(other - qp), default=qp)
            known = self._quantised.get(nearest, 0.0) - (qp - nearest) / 6
        return known

    def _widen(self, above: float, elapsed_s: float) -> None:
        """Let half of the packets lie within two thirds of a spread, whatever the others do."""
        if self._waking is None:
            time_s = SPREAD_FIRST_S if self._count < SPREAD_FIRST_PACKETS else SPREAD_S
            step = min(0.2, elapsed_s / time_s)
            self._spread *= math.exp(step if abs(above) > 0.674 else -step)
        self._spread = min(SPREAD_MOST, max(SPREAD_LEAST, self._spread))

    def _add(self, above: float, captured_us: int) -> bool:
        opened_us = self._opened_us or 0
        if self._count < SETTLE_PACKETS or captured_us - opened_us < SETTLE_US:
            return False
        if self._waking is not None:
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
