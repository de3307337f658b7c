"""A line that was silent is used again at once; the other waits are with the settings' tests."""

from edge_bridge.backoff import SILENT_LIFE_S, SILENT_S, Backoff
from edge_bridge.errors import Cause


def no_jitter() -> float:
    """Return the longest wait."""
    return 0.0


def test_silence_is_asked_often_for_some_minutes() -> None:
    """Some tries a second while a router restarts, then as for all else, and often again after any answer."""
    backoff = Backoff(0, no_jitter)
    assert {backoff.delay_s(Cause.SILENT, second) for second in range(int(SILENT_LIFE_S))} == {
        SILENT_S
    }
    long = [backoff.delay_s(Cause.SILENT, SILENT_LIFE_S + second) for second in range(20)]
    assert long == sorted(long)
    assert long[-1] == 5
    backoff.delay_s(Cause.NOT_READY, 1000)
    assert backoff.delay_s(Cause.SILENT, 1001) == SILENT_S
