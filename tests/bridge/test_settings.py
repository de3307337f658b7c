"""Settings, addresses and waiting times: what is wrong is named."""

from argparse import Namespace
import logging
from pathlib import Path

import pytest

from edge_bridge.address import endpoint, is_private
from edge_bridge.backoff import Backoff
from edge_bridge.errors import Cause, SettingsError
from edge_bridge.settings import BrokerSettings, load
from edge_bridge.state_folder import state_folder

GOOD = {"CAMERA_NARRATOR_URL": "http://ha.local:8123", "CAMERA_NARRATOR_TOKEN": "abc"}


def flags(**given: object) -> Namespace:
    """Return flags as the command line gives them."""
    names = ("url", "token_file", "name", "state", "log_level", "ca", "detector")
    empty = dict.fromkeys((*names, "mqtt_url", "mqtt_username", "mqtt_password_file"))
    return Namespace(**{**empty, "insecure": False, **given})


def test_environment_alone_is_enough(tmp_path: Path) -> None:
    """A container needs no flags."""
    settings = load(
        flags(),
        {
            **GOOD,
            "CAMERA_NARRATOR_NAME": "attic",
            "CAMERA_NARRATOR_STATE": str(tmp_path),
            "CAMERA_NARRATOR_LOG_LEVEL": "debug",
            "CAMERA_NARRATOR_INSECURE": "true",
        },
    )
    assert (settings.url, settings.token, settings.name) == ("http://ha.local:8123", "abc", "attic")
    assert (settings.state, settings.log_level, settings.insecure) == (
        tmp_path,
        logging.DEBUG,
        True,
    )
    assert "abc" not in repr(settings)


def test_flags_go_before_the_environment(tmp_path: Path) -> None:
    """What is typed wins; the token comes from a file."""
    token = tmp_path / "token"
    token.write_text(" from-a-file \n")
    settings = load(flags(url="https://a", token_file=str(token), name="b"), GOOD)
    assert (settings.url, settings.token, settings.name) == ("https://a", "from-a-file", "b")


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"CAMERA_NARRATOR_URL": ""}, "url"),
        ({"CAMERA_NARRATOR_URL": "ha.local:8123"}, "url"),
        ({"CAMERA_NARRATOR_URL": "ftp://ha.local"}, "url"),
        ({"CAMERA_NARRATOR_URL": "http://me:pass@ha.local"}, "url"),
        ({"CAMERA_NARRATOR_URL": "http://["}, "url"),
        ({"CAMERA_NARRATOR_URL": "http://ha home:8123"}, "url"),
        ({"CAMERA_NARRATOR_URL": "http://..:8123"}, "url"),
        ({"CAMERA_NARRATOR_URL": f"http://{'a' * 64}.local"}, "url"),
        ({"CAMERA_NARRATOR_TOKEN": ""}, "token"),
        ({"CAMERA_NARRATOR_TOKEN": "two words"}, "token"),
        ({"CAMERA_NARRATOR_TOKEN": "tökn"}, "token"),
        ({"CAMERA_NARRATOR_TOKEN_FILE": "/does/not/exist"}, "token-file"),
        ({"CAMERA_NARRATOR_NAME": "x" * 65}, "name"),
        ({"CAMERA_NARRATOR_LOG_LEVEL": "loud"}, "log-level"),
        ({"CAMERA_NARRATOR_CA": "/does/not/exist"}, "ca"),
        ({"CAMERA_NARRATOR_CA": str(Path(__file__).parent)}, "ca"),
        ({"CAMERA_NARRATOR_CA": __file__}, "ca"),
        ({"CAMERA_NARRATOR_INSECURE": "perhaps"}, "CAMERA_NARRATOR_INSECURE"),
        ({"CAMERA_NARRATOR_MQTT_URL": "192.168.1.2:1883"}, "mqtt-url"),
        ({"CAMERA_NARRATOR_MQTT_URL": "http://broker"}, "mqtt-url"),
        ({"CAMERA_NARRATOR_MQTT_URL": "mqtt://"}, "mqtt-url"),
        ({"CAMERA_NARRATOR_MQTT_URL": "mqtt://me:pass@broker"}, "mqtt-url"),
        ({"CAMERA_NARRATOR_MQTT_URL": "mqtt://broker:port"}, "mqtt-url"),
        ({"CAMERA_NARRATOR_MQTT_URL": "mqtt://[::1"}, "mqtt-url"),
        ({"CAMERA_NARRATOR_MQTT_URL": "mqtt://broker/prefix"}, "mqtt-url"),
        ({"CAMERA_NARRATOR_MQTT_URL": f"mqtt://{'a' * 64}"}, "mqtt-url"),
        (
            {"CAMERA_NARRATOR_MQTT_URL": "mqtt://b", "CAMERA_NARRATOR_MQTT_PASSWORD": "pass"},
            "mqtt-username",
        ),
        (
            {
                "CAMERA_NARRATOR_MQTT_URL": "mqtt://b",
                "CAMERA_NARRATOR_MQTT_PASSWORD_FILE": "/does/not/exist",
            },
            "mqtt-password-file",
        ),
    ],
)
def test_every_error_names_its_setting(changes: dict[str, str], key: str) -> None:
    """Key and problem, and never the value of a secret."""
    with pytest.raises(SettingsError) as caught:
        load(flags(), {**GOOD, **changes})
    assert caught.value.key == key
    assert str(caught.value).startswith(f"{key}: ")
    assert "pass" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("mqtt://broker", BrokerSettings(host="broker", port=1883)),
        (" mqtt://broker:1884/ ", BrokerSettings(host="broker", port=1884)),
        ("mqtts://[::1]", BrokerSettings(host="::1", port=8883, tls=True)),
    ],
)
def test_broker_from_its_address(url: str, broker: BrokerSettings) -> None:
    """Host, port and whether it is encrypted; shown again without anything else."""
    loaded = load(flags(mqtt_url=url), GOOD).mqtt
    assert loaded == broker
    assert broker.address.startswith(url.strip().rstrip("/"))


def test_login_of_the_broker_is_kept_and_not_shown(tmp_path: Path) -> None:
    """The password from the environment or, before that, from a file; spaces belong to it."""
    variables = {
        **GOOD,
        "CAMERA_NARRATOR_MQTT_URL": "mqtt://broker",
        "CAMERA_NARRATOR_MQTT_USERNAME": "me",
        "CAMERA_NARRATOR_MQTT_PASSWORD": "s3cret",
    }
    broker = load(flags(), variables).mqtt
    assert broker is not None
    assert (broker.username, broker.password) == ("me", "s3cret")
    assert "s3cret" not in repr(broker)
    file = tmp_path / "password"
    file.write_text(" of a file \n")
    broker = load(flags(mqtt_password_file=str(file)), variables).mqtt
    assert broker is not None
    assert broker.password == " of a file "
    assert load(flags(), GOOD).mqtt is None


def test_state_folder_has_a_place_without_settings() -> None:
    """Flag, environment, XDG, home: the first that is there."""
    assert state_folder("/a", {"CAMERA_NARRATOR_STATE": "/b"}) == Path("/a")
    assert state_folder(None, {"CAMERA_NARRATOR_STATE": "/b"}) == Path("/b")
    assert state_folder(None, {"XDG_STATE_HOME": "/c"}) == Path("/c/camera-narrator")
    assert state_folder(None, {}).name == "camera-narrator"


@pytest.mark.parametrize(
    ("typed", "dialled"),
    [
        ("http://ha:8123", "http://ha:8123/api/camera_narrator/bridge"),
        (" https://ha/ ", "https://ha/api/camera_narrator/bridge"),
        ("https://house.example/home/", "https://house.example/home/api/camera_narrator/bridge"),
        ("http://ha:8123/api/camera_narrator/bridge", "http://ha:8123/api/camera_narrator/bridge"),
        ("http://ha:8123/?a=b#c", "http://ha:8123/api/camera_narrator/bridge"),
    ],
)
def test_endpoint_from_what_a_person_types(typed: str, dialled: str) -> None:
    """Base paths stay, the rest is added once."""
    assert str(endpoint(typed)) == dialled


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("127.0.0.1", True),
        ("192.168.1.2", True),
        ("10.0.0.1", True),
        ("::1", True),
        ("8.8.8.8", False),
    ],
)
async def test_private_addresses(host: str, private: bool) -> None:
    """The house's own networks are private, the rest of the world is not."""
    assert await is_private(host) is private


def no_jitter() -> float:
    """Return the longest wait."""
    return 0.0


def test_first_tries_come_close_and_later_ones_every_five_seconds() -> None:
    """Half a second four times, then growing to five; a connection that stood starts anew."""
    backoff = Backoff(0, no_jitter)
    delays = [backoff.delay_s(Cause.UNREACHABLE, 0) for _ in range(20)]
    assert delays[:4] == [0.5, 0.5, 0.5, 0.5]
    assert delays == sorted(delays)
    assert delays[-1] == 5
    backoff.connected()
    assert backoff.delay_s(Cause.CLOSED, 0) == 0.5


def test_home_assistant_that_starts_is_met_soon() -> None:
    """Long waits are for silence: once something answers that it is not ready, the tries come close again."""
    backoff = Backoff(0, no_jitter)
    silent = [backoff.delay_s(Cause.UNREACHABLE, 0) for _ in range(20)]
    starting = [backoff.delay_s(Cause.NOT_READY, 0) for _ in range(20)]
    assert silent == starting


def test_unknown_token_is_tried_often_while_someone_may_be_pairing() -> None:
    """Every two seconds in the first quarter of an hour, then in minutes that double to an hour."""
    backoff = Backoff(100, no_jitter)
    assert [backoff.delay_s(Cause.UNAUTHORIZED, now) for now in (100, 500, 999)] == [2, 2, 2]
    delays = [backoff.delay_s(Cause.UNAUTHORIZED, 1001) for _ in range(8)]
    assert delays == [120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_a_bridge_that_announced_itself_is_there_when_somebody_adds_it() -> None:
    """However late that is; a token that was taken back is still no matter of pairing."""
    backoff = Backoff(100, no_jitter, announced=True)
    assert backoff.delay_s(Cause.UNAUTHORIZED, 500) == 2
    assert [backoff.delay_s(Cause.UNAUTHORIZED, 90_000) for _ in range(8)] == [30] * 8
    assert backoff.delay_s(Cause.FORBIDDEN, 90_000) == 120


def test_refused_token_is_tried_in_minutes_from_the_start() -> None:
    """A token that was taken back is no matter of pairing."""
    assert Backoff(0, no_jitter).delay_s(Cause.FORBIDDEN, 1) == 120


def test_jitter_spreads_and_never_lengthens() -> None:
    """Many bridges do not come back in one instant."""
    assert Backoff(0, lambda: 1.0).delay_s(Cause.UNREACHABLE, 0) == pytest.approx(0.4)


def test_the_detector_is_looked_for_where_it_is_said() -> None:
    """The flag goes before the environment; without either it is the cache's."""
    given = {**GOOD, "CAMERA_NARRATOR_DETECTOR": "/srv/model", "XDG_CACHE_HOME": "/cache"}
    assert load(flags(), given).detector == Path("/srv/model")
    assert load(flags(detector="off"), given).detector is None
    found = load(flags(detector="auto"), given).detector
    assert found is not None
    assert found.name.endswith(".tflite")
