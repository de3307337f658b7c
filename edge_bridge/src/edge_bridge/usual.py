"""What is usual of a stream's packets between key frames. Pure; numbers only.

A packet's size is compared with what is usual at its place in a group of pictures. Where the quantiser is known (H.264)
it counts twice, for an encoder that holds its rate answers movement with a coarser quantiser rather than with bytes: how
far it lies above what is usual at that place, and how the bytes compare with those of other packets that had the same
one and came, like this one, after a finer, an equal or a coarser one. After a finer picture there is little left to
code: where an encoder alternates between two steps, their sizes differ several times over.
"""

from bisect import bisect_right
import math
from typing import Final

LEAST_BYTES: Final = 64
"""Added to every size: headers and nothing else are 20 to 60 bytes, and twice as many bytes as none are still none."""
PLACES: Final = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192)
"""Where in a group the usual size is learned apart: the pictures right after a key frame repair it and are larger,
later ones change ever less."""
AT_ONCE: Final = 3
"""What is met for the first times is taken as it is; after that single packets must not carry the usual away."""
REST_MOST: Final = 2.0
"""In powers of two and in steps of the quantiser: the most that one packet's difference counts where it is learned."""

USUAL_S: Final = 12.0
"""So fast the usual size follows: slow against a visit, fast against dusk."""
FALLING_S: Final = 3.0
"""Packets smaller than usual come when something has ended, and then the usual was wrong."""
UNUSUAL_S: Final = 60.0
"""Rain that has set in is usual after some minutes; a visit is not."""
PLACE_WEIGHT: Final = 0.08
"""A place is met once a group: a dozen groups tell what is usual there."""

STEP_BITS: Final = 1 / 6
"""Six steps of the quantiser halve the bytes: so what no packet has shown yet is taken from the nearest that has."""
SAME_WEIGHT: Final = 0.03
SAME_FIRST: Final = 0.6
"""Of one packet in what is usual of its like: of the first ones more, then a second of packets tells."""
SAME_SPREAD_WEIGHT: Final = 0.06
STRANGE: Final = 0.3
"""So much wider is the spread, in powers of two, at a quantiser that was never seen; halved by the first packet."""

QUANTISER_S: Final = 20.0
"""So fast the usual quantiser follows: rate control takes some groups to settle after a visit."""
QUANTISER_WEIGHT: Final = 0.15
"""Of one group in what is usual at a place of it: there are few groups where they are long."""
QUANTISER_SPREAD: Final = 0.7
"""Steps: one up or down is the dither of rate control."""
QUANTISER_SPREAD_MOST: Final = 4.0
QUANTISER_SPREAD_WEIGHT: Final = 0.05
QUANTISER_SHARE: Final = 1.5
"""Against bytes: three steps coarser mean movement more surely than half as many bytes again."""
QUANTISER_MOST: Final = 3.0
"""Right after a key frame it may leap by ten steps."""

SPREAD_S: Final = 10.0
SPREAD_FIRST_S: Final = 1.0
SPREAD_FIRST_PACKETS: Final = 75
"""Three seconds, mostly: the first guess at the spread is put right fast."""
SPREAD_FIRST: Final = 0.25
SPREAD_LEAST: Final = 0.05
"""As a share: 5 % more or less is nothing even in a stream that is otherwise perfectly even."""
SPREAD_MOST: Final = 0.8
BOUND: Final = 3.0
"""Spreads that one packet can move the usual by, times its weight."""
HALF: Final = 0.674
"""Half of what is spread evenly lies within so many spreads."""
BITS: Final = 1.44
"""Of a small share, in powers of two."""


class Usual:
    """Learns one stream's usual packets and tells how far one lies above them."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.count = 0
        """Packets that were learned from."""
        self._bits = 0.0
        self._spread = SPREAD_FIRST
        self._places = [_Place() for _ in range(len(PLACES) + 1)]
        self._like: dict[tuple[int, int], _Like] = {}
        """By quantiser, and whether that of the picture before was coarser, equal or finer."""
        self._quantiser = 0.0
        self._last_qp: int | None = None

    def above(
        self, size_bytes: int, qp: int | None, *, since_key: int, elapsed_s: float, learn: bool
    ) -> float:
        """Return how many spreads a packet lies above the usual, and learn from it.

        What goes on while something was woken for is not the quiet that is to be learned: then the general level alone
        follows, and slowly.
        """
        bits = math.log2(size_bytes + LEAST_BYTES)
        self.count += 1
        if self.count == 1:
            self._bits, self._quantiser = bits, float(qp or 0)
        at = bisect_right(PLACES, since_key)
        place = self._places[at]
        like = None if qp is None else self._alike(qp, first=since_key == 1)
        spread, rest = self._spread, bits - self._bits - place.bits
        if like is not None:
            spread = max(spread, like.spread) + STRANGE / (1 + like.count)
            rest -= like.bits
        # As a share: twice the bytes are as far above the usual as none would be below it.
        above = (math.exp2(min(rest, 4.0)) - 1.0) / spread
        bounded = max(-BOUND, min(BOUND, above)) * spread * BITS
        time_s = FALLING_S if above < -BOUND else USUAL_S if learn and above <= BOUND else UNUSUAL_S
        # The first packets count equally, so that a second is enough; then time decides.
        self._bits += bounded * max(1.0 / self.count, 1 - math.exp(-elapsed_s / time_s))
        coarser = 0.0 if qp is None else self._coarser(qp, place, elapsed_s, learn=learn)
        if learn:
            # The last place has no end: what is usual there is the usual.
            place.learn(rest, bounded, at_once=at < len(PLACES))
            if like is not None:
                like.learn(rest, bounded, above)
            self._widen(above, elapsed_s)
        return above + QUANTISER_SHARE * coarser

    def _alike(self, qp: int, *, first: bool) -> _Like:
        """Return what is usual of packets like this one, as far as is known."""
        last, self._last_qp = self._last_qp, qp
        change = 2 if first or last is None else (qp > last) - (qp < last)
        like = self._like.get((qp, change))
        if like is None:
            bits = 0.0
            if self._like:
                near = min(self._like, key=lambda o: 4 * abs(o[0] - qp) + abs(o[1] - change))
                bits = self._like[near].bits - (qp - near[0]) * STEP_BITS
            like = self._like[qp, change] = _Like(bits, self._spread)
        return like

    def _coarser(self, qp: int, place: _Place, elapsed_s: float, *, learn: bool) -> float:
        """Return how many spreads the quantiser lies above the usual, none where below; learn from it."""
        rest = qp - self._quantiser - place.quantiser
        above = rest / place.quantiser_spread
        bounded = max(-REST_MOST, min(REST_MOST, rest))
        time_s = QUANTISER_S if learn else UNUSUAL_S
        self._quantiser += bounded * max(1.0 / self.count, 1 - math.exp(-elapsed_s / time_s))
        if learn:
            place.learn_quantiser(rest, bounded, above)
        return max(0.0, min(QUANTISER_MOST, above))

    def _widen(self, above: float, elapsed_s: float) -> None:
        """Let half of the packets lie within two thirds of a spread, whatever the others do."""
        time_s = SPREAD_FIRST_S if self.count < SPREAD_FIRST_PACKETS else SPREAD_S
        step = min(0.2, elapsed_s / time_s)
        spread = self._spread * math.exp(step if abs(above) > HALF else -step)
        self._spread = min(SPREAD_MOST, max(SPREAD_LEAST, spread))


class _Place:
    """What is usual at a place of the group, against what is usual of the stream."""

    __slots__ = ("_met", "bits", "quantiser", "quantiser_spread")

    def __init__(self) -> None:
        self.bits = 0.0
        self.quantiser = 0.0
        self.quantiser_spread = QUANTISER_SPREAD
        self._met = 0

    def learn(self, rest: float, bounded: float, *, at_once: bool) -> None:
        """Learn a size: at once where nothing is known, then bit by bit."""
        self._met += 1
        if self._met <= AT_ONCE and at_once:
            self.bits += max(-REST_MOST, min(REST_MOST, rest)) / self._met
        else:
            self.bits += bounded * max(PLACE_WEIGHT, 1.0 / self._met) / 2

    def learn_quantiser(self, rest: float, bounded: float, above: float) -> None:
        """Learn a quantiser; called before the size is learned."""
        met = self._met + 1
        if met <= AT_ONCE:
            self.quantiser += rest / met
        else:
            self.quantiser += bounded * max(QUANTISER_WEIGHT, 1.0 / met) / 2
        step = QUANTISER_SPREAD_WEIGHT if abs(above) > HALF else -QUANTISER_SPREAD_WEIGHT
        spread = self.quantiser_spread * math.exp(step)
        self.quantiser_spread = min(QUANTISER_SPREAD_MOST, max(QUANTISER_SPREAD, spread))


class _Like:
    """What is usual of packets with one quantiser after a finer, an equal or a coarser one."""

    __slots__ = ("bits", "count", "spread")

    def __init__(self, bits: float, spread: float) -> None:
        self.bits = bits
        self.spread = spread
        self.count = 0

    def learn(self, rest: float, bounded: float, above: float) -> None:
        """Learn a size."""
        self.count += 1
        step = max(-REST_MOST, min(REST_MOST, rest)) if self.count <= AT_ONCE else bounded
        self.bits += step * max(SAME_WEIGHT, SAME_FIRST / self.count)
        wider = SAME_SPREAD_WEIGHT if abs(above) > HALF else -SAME_SPREAD_WEIGHT
        self.spread = min(SPREAD_MOST, max(SPREAD_LEAST, self.spread * math.exp(wider)))
