"""The bridge as an app: options and what a played Supervisor knows become settings, and it is told of the app."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import json
import logging
from pathlib import Path
from threading import Thread
from typing import Any, override

import pytest

from edge_bridge.__main__ import _parser
from edge_bridge.app import App, checked, found, own_token, variables
from edge_bridge.errors import SettingsError, StateError
from edge_bridge.settings import Settings, load
from edge_bridge.supervisor import Broker, Core, Supervisor

TOKEN = "of-the-supervisor"
NO_FLAGS = _parser().parse_args(["run"])
BROKER = {
    "addon": "core_mosquitto",
    "host": "core-mosquitto",
    "port": 1883,
    "ssl": False,
    "protocol": "3.1.1",
    "username": "addons",
    "password": "of-the-broker",
}


@dataclass
class PlayedSupervisor:
    """Answers as the Supervisor does."""

    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    away: int = 0
    """How many requests it still answers with 502."""
    waits: list[float] = field(default_factory=list)
    port: int = 0
    announced: list[Any] = field(default_factory=list)
    """What it was told."""

    def tell(self, path: str, data: dict[str, Any]) -> None:
        """Have data for a path."""
        self.answers[path] = (200, json.dumps({"result": "ok", "data": data}).encode())

    def refuse(self, path: str, message: str) -> None:
        """Have none for a path."""
        self.answers[path] = (400, json.dumps({"result": "error", "message": message}).encode())

    @property
    def client(self) -> Supervisor:
        """What asks it."""
        return Supervisor(TOKEN, host="127.0.0.1", port=self.port, wait=self.waits.append)


@pytest.fixture
def played() -> Iterator[PlayedSupervisor]:
    """A Supervisor with a Home Assistant and without a broker."""
    supervisor = PlayedSupervisor()
    supervisor.tell("/core/info", {"version": "2026.10.4", "port": 8123, "ssl": False})
    supervisor.refuse("/services/mqtt", "Service not enabled")
    supervisor.tell("/discovery", {"uuid": "0123456789abcdef0123456789abcdef"})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(*supervisor.answers[self.path])

        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            supervisor.announced.append((self.path, told))
            self.reply(*supervisor.answers[self.path])

        def reply(self, status: int, body: bytes) -> None:
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                status, body = 401, b"{}"
            if supervisor.away:
                supervisor.away -= 1
                status, body = HTTPStatus.BAD_GATEWAY, b"<html>"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        supervisor.port = server.server_port
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield supervisor
        server.shutdown()
        thread.join()


def options(folder: Path, **given: object) -> Path:
    """Write options as the Supervisor does."""
    path = folder / "options.json"
    path.write_text(json.dumps(given), encoding="utf-8")
    return path


def started(path: Path, played: PlayedSupervisor) -> tuple[App, Settings]:
    """Return the app, and what its bridge runs with."""
    app = found({}, path.parent / "bridge", path=path, supervisor=played.client)
    assert app is not None
    return app, load(NO_FLAGS, app.environment)


def test_no_app_no_questions(tmp_path: Path) -> None:
    """Where there are no options nothing is asked and nothing made."""
    assert found({}, tmp_path / "bridge", path=tmp_path / "options.json") is None
    assert list(tmp_path.iterdir()) == []


def test_options_and_the_house_become_settings(tmp_path: Path, played: PlayedSupervisor) -> None:
    """A token that is filled in is taken; empty options are none."""
    app, settings = started(options(tmp_path, token=" abc ", log_level="debug", name=None), played)
    assert (settings.url, settings.token) == ("http://homeassistant:8123", "abc")
    assert (settings.log_level, settings.insecure) == (logging.DEBUG, False)
    assert settings.name == "Bridge"
    assert not app.announced
    assert played.waits == []


def test_without_a_token_it_makes_one_and_tells_its_hash_alone(
    tmp_path: Path, played: PlayedSupervisor
) -> None:
    """At the next start it is the same; nobody else can read it."""
    app, settings = started(options(tmp_path), played)
    assert app.announced
    assert len(settings.token) >= 43
    app.announce("bridge-1", settings.token)
    hashed = sha256(settings.token.encode()).hexdigest()
    config = {"bridge": "bridge-1", "token_hash": hashed}
    assert played.announced == [("/discovery", {"service": "camera_narrator", "config": config})]
    assert (tmp_path / "bridge" / "token").stat().st_mode & 0o777 == 0o600
    assert started(options(tmp_path), played)[1].token == settings.token


def test_an_announcement_that_fails_keeps_no_bridge_from_serving(
    tmp_path: Path, played: PlayedSupervisor, caplog: pytest.LogCaptureFixture
) -> None:
    """It may have been added long ago; the log says what else can be done, without the token."""
    app, settings = started(options(tmp_path), played)
    played.refuse("/discovery", "No access")
    app.announce("bridge-1", settings.token)
    played.away = 1000
    app.announce("bridge-1", settings.token)
    assert len(caplog.messages) == 2
    assert all("was not told of this bridge" in message for message in caplog.messages)
    assert settings.token not in caplog.text


def test_a_token_that_cannot_be_kept_is_named(tmp_path: Path) -> None:
    """Made anew at each start it would be another bridge each time."""
    (tmp_path / "bridge").write_text("a file where the folder should be")
    with pytest.raises(StateError, match=r"^state: .*token cannot be used"):
        own_token(tmp_path / "bridge")


def test_home_assistant_with_a_certificate(tmp_path: Path, played: PlayedSupervisor) -> None:
    """Its certificate is not for its name inside, so any is taken there; an address of one's own is checked."""
    played.tell("/core/info", {"port": 443, "ssl": True})
    _, settings = started(options(tmp_path), played)
    assert (settings.url, settings.insecure) == ("https://homeassistant:443", True)
    _, settings = started(options(tmp_path, url="https://house.example/home", name="attic"), played)
    assert (settings.url, settings.insecure) == ("https://house.example/home", False)
    assert settings.name == "attic"


def test_an_address_of_ones_own_needs_no_supervisor_for_it(
    tmp_path: Path, played: PlayedSupervisor
) -> None:
    """The option is the way out where the Supervisor does not tell the address."""
    played.refuse("/core/info", "System is not ready")
    with pytest.raises(SettingsError, match=r"^url: .*fill in the option") as caught:
        started(options(tmp_path), played)
    assert caught.value.key == "url"
    _, settings = started(options(tmp_path, url="http://10.0.0.2:8123"), played)
    assert settings.url == "http://10.0.0.2:8123"


def test_a_supervisor_that_is_away_is_waited_for(tmp_path: Path, played: PlayedSupervisor) -> None:
    """It updates itself; the app that starts meanwhile comes up all the same."""
    played.away = 3
    assert started(options(tmp_path), played)[1].url == "http://homeassistant:8123"
    assert len(played.waits) == 3


def test_a_supervisor_that_stays_away_is_named(tmp_path: Path, played: PlayedSupervisor) -> None:
    """The waiting ends after half a minute or so, in one line."""
    played.away = 1000
    with pytest.raises(SettingsError, match=r"^url: the Supervisor does not answer \(\w+\)$"):
        started(options(tmp_path), played)
    assert 20 <= sum(played.waits) <= 60


def test_the_broker_that_the_supervisor_knows(played: PlayedSupervisor) -> None:
    """Its credentials are taken and not shown; without one there is none."""
    assert played.client.broker() is None
    played.tell("/services/mqtt", BROKER)
    broker = played.client.broker()
    assert broker == Broker(
        host="core-mosquitto", port=1883, tls=False, username="addons", password="of-the-broker"
    )
    assert "of-the-broker" not in repr(broker)


def test_variables_need_no_network() -> None:
    """Options, address and broker in, variables out."""
    broker = Broker(host="house.example", port=8883, tls=True, username="me", password="p")
    assert variables({"token": "abc", "log_level": "info"}, Core(port=80, tls=False), broker) == {
        "CAMERA_NARRATOR_NAME": "Bridge",
        "CAMERA_NARRATOR_TOKEN": "abc",
        "CAMERA_NARRATOR_LOG_LEVEL": "info",
        "CAMERA_NARRATOR_URL": "http://homeassistant:80",
        "CAMERA_NARRATOR_MQTT_URL": "mqtts://house.example:8883",
        "CAMERA_NARRATOR_MQTT_USERNAME": "me",
        "CAMERA_NARRATOR_MQTT_PASSWORD": "p",
    }


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"token": 7}, "token"),
        ({"token": "abc", "log_level": "loud"}, "log_level"),
        ({"token": "abc", "name": ["attic"]}, "name"),
        ({"token": "abc", "url": "homeassistant"}, "url"),
    ],
)
def test_every_error_names_its_option(given: dict[str, object], name: str) -> None:
    """As it is called in the app's configuration, and without its value."""
    with pytest.raises(SettingsError) as caught:
        checked(given)
    assert caught.value.key == name
    assert str(caught.value).startswith(f"{name}: ")
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", b"\xff"])
def test_options_that_are_none_are_named(tmp_path: Path, text: str | bytes) -> None:
    """A file cut short does not end in a traceback."""
    path = tmp_path / "options.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError, match=r"^options: "):
        found({}, tmp_path, path=path)
