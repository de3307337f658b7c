"""What listeners hear of a state, and how often."""

from datetime import timedelta

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.camera_narrator.coordinator import (
    SLOW_S,
    CameraCoordinator,
    CameraState,
    HubCoordinator,
    HubState,
)


async def _pass(hass: HomeAssistant, seconds: float) -> None:
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await hass.async_block_till_done()


async def test_a_change_is_told_at_once_and_an_equal_value_is_not(hass: HomeAssistant) -> None:
    """Listeners hear of what changed, and of nothing else."""
    coordinator = HubCoordinator(hass, HubState())
    heard: list[str | None] = []
    leave = coordinator.listen(lambda: heard.append(coordinator.state.problem))

    coordinator.update(problem="timeout", detail="15 s")
    coordinator.update(problem="timeout", detail="15 s")
    coordinator.update(problem=None, detail="")
    leave()
    coordinator.update(problem="refused")

    assert heard == ["timeout", None]


async def test_an_entity_that_breaks_keeps_nothing_from_the_others(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """Its defect is logged, and whoever changed the state never sees it."""
    coordinator = HubCoordinator(hass, HubState())
    heard: list[str | None] = []
    coordinator.listen(lambda: heard.append(str(1 / 0)))
    coordinator.listen(lambda: heard.append(coordinator.state.problem))

    coordinator.update(problem="timeout")

    assert heard == ["timeout"]
    assert "ZeroDivisionError" in caplog.text


async def test_measurements_are_told_once_a_minute(hass: HomeAssistant) -> None:
    """The first measurement is shown at once, later ones together, when the minute is over."""
    coordinator = CameraCoordinator(hass, CameraState())
    fast: list[int] = []
    slow: list[int] = []
    leave = [
        coordinator.listen(lambda: fast.append(coordinator.state.requests)),
        coordinator.listen(lambda: slow.append(coordinator.state.requests), slow=True),
    ]

    for requests in range(1, 5):
        coordinator.update(requests=requests)
    assert slow == [1]
    await _pass(hass, SLOW_S + 1)
    assert slow == [1, 4]
    await _pass(hass, 2 * SLOW_S + 2)
    assert slow == [1, 4]
    coordinator.update(requests=9)
    assert slow == [1, 4, 9]
    assert fast == []
    for one in leave:
        one()


async def test_measurements_follow_the_stream_at_once(hass: HomeAssistant) -> None:
    """Whether a rate is available changes with the connection, not a minute later."""
    coordinator = CameraCoordinator(hass, CameraState())
    heard: list[bool] = []
    leave = coordinator.listen(lambda: heard.append(coordinator.state.connected), slow=True)

    coordinator.update(source_fps=25.0)
    coordinator.update(connected=True)
    coordinator.update(connected=False)

    assert heard == [False, True, False]
    leave()


async def test_no_timer_outlives_the_last_listener(hass: HomeAssistant) -> None:
    """Entities that leave take the waiting minute with them: the test's own clean-up checks it."""
    coordinator = CameraCoordinator(hass, CameraState())
    heard: list[int] = []
    leave = coordinator.listen(lambda: heard.append(coordinator.state.tokens), slow=True)
    coordinator.update(tokens=1)
    coordinator.update(tokens=2)

    leave()
    await _pass(hass, SLOW_S + 1)

    assert heard == [1]
