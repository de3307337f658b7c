"""What a server says is left of its limits, from the headers of its answers. Pure."""

from .request import Quota
from .spending import NOTHING, Cost


class Remaining:
    """The newest word on requests and tokens left, less what has left since."""

    def __init__(self) -> None:
        """Begin without a word."""
        self._quota: Quota | None = None
        self._told_s = 0.0
        self._left = NOTHING

    def tell(self, quota: Quota, flying: Cost, now_s: float) -> None:
        """Take an answer's headers; what flies now may not be counted in them."""
        self._quota, self._told_s, self._left = quota, now_s, flying

    def leave(self, cost: Cost) -> None:
        """Count a request that starts."""
        self._left = self._left.plus(cost)

    def opens_s(self, cost: Cost, now_s: float) -> float:
        """Return from when on a request is within what is left."""
        quota = self._quota
        if quota is None:
            return now_s
        left, told_s = self._left, self._told_s
        return max(
            now_s,
            told_s
            + _fills_s(
                quota.requests,
                left.requests + cost.requests,
                quota.requests_limit,
                quota.requests_reset_s,
            ),
            told_s
            + _fills_s(
                quota.tokens, left.tokens + cost.tokens, quota.tokens_limit, quota.tokens_reset_s
            ),
        )


def _fills_s(left: int | None, needed: int, limit: int | None, reset_s: float | None) -> float:
    """Return after how long there is enough: a bucket with a known size fills evenly until its reset."""
    if left is None or reset_s is None or needed <= left:
        return 0.0
    if limit is None or limit <= left:
        return reset_s
    return min(1.0, (needed - left) / (limit - left)) * reset_s
