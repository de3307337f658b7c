"""`edge-bridge status` and `edge-bridge health`: the file, the table in any width, the live screen, the check."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
import fcntl
from itertools import pairwise
import json
import os
from pathlib import Path
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from typing import Any

import pytest

from edge_bridge.errors import StateError
from edge_bridge.health import STALLED_S, illness
from edge_bridge.protocol.camera import CameraStatus, Counters
from edge_bridge.protocol.vocabulary import ErrorCode, StreamState
from edge_bridge.protocol.wire_error import WireError
from edge_bridge.state_folder import STALE_S, StateFolder
from edge_bridge.status_table import ERROR_WORDS, table
from tests.bridge.conftest import eventually

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def camera(key: str, **changes: Any) -> dict[str, Any]:
    """Return a camera as the status file has it."""
    given: dict[str, Any] = {
        "state": StreamState.STREAMING,
        "source_fps": 25.0,
        "sent_fps": 0.1,
        "bytes_per_s": 4321.0,
        "key_interval_s": 2.0,
        "codec": "h264",
        "width": 1920,
        "height": 1080,
        "cpu_ms_per_s": 12.3,
        "age_ms": 85.4,
        "counters": Counters(sampled=100),
        **changes,
    }
    written = CameraStatus(camera=key, **given).written()
    parsed: dict[str, Any] = json.loads(json.dumps(written))
    return parsed


def status(*cameras: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return what a bridge writes."""
    return {
        "name": "attic",
        "connected": True,
        "problem": None,
        "uptime_s": 11_520,
        "cpu_percent": 12.4,
        "memory_bytes": 84 * 2**20,
        "waiting_bytes": 40_000,
        "cameras": list(cameras),
        **changes,
    }


HOUSE = status(
    camera("front_door", mode="continuous", sent_fps=1.0, bytes_per_s=31_000.0),
    camera(
        "garage",
        state=StreamState.FAILED,
        error=WireError.of(ErrorCode.UNAUTHORIZED),
        age_ms=None,
        key_interval_s=None,
        codec="",
        width=0,
        height=0,
    ),
    camera(
        "garden",
        codec="hevc",
        width=3840,
        height=2160,
        age_ms=1740.0,
        skipped=7,
        pacing_step=2,
        pacing_reason="send_buffer",
        counters=Counters(sampled=90, replaced=12, overflowed=1),
    ),
)


def rows(text: str) -> list[str]:
    """Return the table's own lines, titles first."""
    return text.partition("\n\n")[2].splitlines()


def test_table_says_all_where_there_is_room() -> None:
    """Every column with its unit, codes in words, drops by their reason, pacing where there is some."""
    lines = table(HOUSE).splitlines()
    assert lines[:2] == [
        "attic: connected to Home Assistant",
        "3 cameras (1 failed), up 3 h 12 min, CPU 12 % of a core, memory 84 MB, 39 kB of pictures wait",
    ]
    titles, front, garage, garden = rows(table(HOUSE))
    assert " ".join(titles.split()) == (
        "camera state codec size fps group mode sent fps kB/s age CPU paced drops"
    )
    assert " ".join(front.split()) == (
        "front_door streaming h264 1920x1080 25.0 2.0 s continuous 1.00 31.0 85 ms 1.2 % - -"
    )
    assert "failed: user name or password refused" in garage
    assert garden.endswith("-2 slow link  12 replaced, 1 overflowed, 7 skipped")
    assert " 1.7 s " in garden


def test_numbers_stand_below_each_other() -> None:
    """Columns of numbers end where their title ends."""
    titles, *cameras = rows(table(HOUSE))
    for title in (" fps", "sent fps", "kB/s", "CPU"):
        end = titles.index(title) + len(title)
        assert {line[end : end + 2] for line in cameras} == {"  "}, title
        assert all(line[end - 1] != " " for line in cameras), title


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 100, 120, 160, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """What matters least goes first; camera and state always stay."""
    text = table(HOUSE, width=width, colour=True)
    lines = ESCAPES.sub("", text).splitlines()
    assert max(map(len, lines)) <= width
    titles = rows(ESCAPES.sub("", text))[0]
    assert titles.startswith("camera")
    assert "state" in titles or width < 30


def test_columns_go_by_worth() -> None:
    """On eighty columns it is seen what is sent; on more, what the stream is like."""
    house = status(camera("front"), camera("back"))
    titles = [rows(table(house, width=width))[0].split() for width in (40, 60, 80, 200)]
    assert titles[0] == ["camera", "state", "sent", "fps", "kB/s", "age"]
    assert "codec" not in titles[1]
    for fewer, more in pairwise(titles):
        assert set(fewer) < set(more)
    assert "paced" not in titles[-1]


def test_a_table_that_is_too_high_says_so() -> None:
    """As many cameras as there are lines for, and how many are left out."""
    house = status(*(camera(f"camera_{number}") for number in range(30)))
    lines = table(house, width=80, height=12).splitlines()
    assert len(lines) <= 12
    assert lines[-1] == f"and {30 - (len(lines) - 5)} more"


def test_wide_characters_take_two_columns() -> None:
    """Names in other scripts keep the table straight."""
    titles, wide, _ = rows(table(status(camera("玄関"), camera("front"))))
    assert wide.index("streaming") == titles.index("state") - 2


def test_colour_only_where_it_is_asked_for() -> None:
    """States are told apart by colour on a terminal, by words everywhere."""
    assert "\x1b" not in table(HOUSE)
    painted = table(HOUSE, colour=True)
    assert "\x1b[32mstreaming\x1b[0m" in painted
    assert "\x1b[31mfailed: user name or password refused\x1b[0m" in painted
    assert ESCAPES.sub("", painted).split() == table(HOUSE).split()


def test_every_code_has_words() -> None:
    """No code of the wire reaches a person as it is."""
    assert set(ERROR_WORDS) == set(ErrorCode)
    assert all(words[0].islower() and "_" not in words for words in ERROR_WORDS.values())


def test_table_of_a_bridge_without_connection() -> None:
    """The reason stands in the first line; no cameras is said."""
    text = table({"name": "attic", "connected": False, "problem": "token: unknown", "cameras": []})
    assert text.splitlines()[0] == "attic: not connected to Home Assistant (token: unknown)"
    assert text.splitlines()[-1] == "no cameras"


def test_table_names_what_was_given_up_and_the_broker() -> None:
    """Dropped answers, messages that were not understood, and a broker that refuses have their lines."""
    mqtt = {"broker": "mqtt://b:1883", "connected": False, "problem": "mqtt-username: no"}
    text = table(status(dropped_replies=2, unknown_messages=3, mqtt=mqtt))
    lines = text.splitlines()
    assert lines[2] == "MQTT: mqtt://b:1883 not connected (mqtt-username: no)"
    assert lines[3].startswith("2 replies dropped")
    assert lines[4].startswith("3 messages of a newer Home Assistant")
    mqtt = {"broker": "mqtt://b:1883", "connected": True, "topic": "house/bridge/attic"}
    text = table(status(mqtt=mqtt))
    assert text.splitlines()[2] == "MQTT: mqtt://b:1883, topics under house/bridge/attic"


# -- the file ------------------------------------------------------------------------------------------------------


def test_table_says_whether_a_detector_is_in_use() -> None:
    """And why not; what it costs and what it had no time for; nothing of a bridge that says nothing of it."""
    lines = {
        "detector: not in use, it is turned off": {"problem": "it is turned off"},
        "detector: in use, nothing to look at yet": {"problem": None, "looks": 0, "skipped": 0},
        "detector: 7 looks of 18 ms": {"problem": None, "looks": 7, "skipped": 0, "look_ms": 18.2},
        "detector: 7 looks of 18 ms, 3 given up for lack of time": {
            "problem": None,
            "looks": 7,
            "skipped": 3,
            "look_ms": 18.2,
        },
    }
    for line, told in lines.items():
        assert line in table(status(detector=told)).splitlines()
    assert "detector" not in table(status())


def test_status_left_behind_is_not_a_running_bridge(tmp_path: Path) -> None:
    """A file that a killed bridge left says so by its age; a broken one says so too."""
    folder = StateFolder(tmp_path)
    folder.write_status({"cameras": []})
    now_s = time.monotonic()
    assert folder.read_status(now_s)["cameras"] == []
    with pytest.raises(StateError, match="not running"):
        folder.read_status(now_s + STALE_S + 1)
    with pytest.raises(StateError, match="no edge-bridge runs"):
        # The machine was started anew since.
        folder.read_status(now_s - 60)
    for text, words in (("{", "cannot be read"), ("[]", "is not one"), ("{}", "is not one")):
        (tmp_path / "status.json").write_text(text)
        with pytest.raises(StateError, match=words):
            folder.read_status(now_s)


def test_status_of_a_killed_bridge_goes_with_the_next_start(tmp_path: Path) -> None:
    """Nobody takes the old one's for the new one's."""
    StateFolder(tmp_path).write_status({"cameras": []})
    StateFolder(tmp_path).hold()
    with pytest.raises(StateError, match="no edge-bridge runs"):
        StateFolder(tmp_path).read_status(time.monotonic())


def test_place_on_mqtt_is_kept(tmp_path: Path) -> None:
    """Prefix and number outlive the process; nonsense in their file is none."""
    folder = StateFolder(tmp_path)
    assert folder.mqtt_place() == (None, False)
    folder.keep_mqtt_place("house", numbered=True)
    assert StateFolder(tmp_path).mqtt_place() == ("house", True)
    (tmp_path / "mqtt.json").write_text('{"prefix": 1}')
    assert folder.mqtt_place() == (None, False)


# -- the commands --------------------------------------------------------------------------------------------------


def command(folder: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Return a command line and the environment of it."""
    environment = {**os.environ, "CAMERA_NARRATOR_STATE": str(folder), "TERM": "xterm"}
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        environment.pop(name, None)
    return [sys.executable, "-m", "edge_bridge", *arguments], environment


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with pipes for a terminal."""
    line, environment = command(folder, *arguments)
    return subprocess.run(
        line, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_healthy_is_who_writes_and_decodes(tmp_path: Path) -> None:
    """Neither Home Assistant nor a camera nor a broker that is away makes it ill; a decoder that hangs does."""
    failed = camera("a", state=StreamState.FAILED, error=WireError.of(ErrorCode.REFUSED))
    ill_of_nothing = status(failed, connected=False, stalled_s=0.2, mqtt={"connected": False})
    assert illness(ill_of_nothing) is None
    StateFolder(tmp_path).write_status(ill_of_nothing)
    healthy = run(tmp_path, "health")
    assert (healthy.returncode, healthy.stdout) == (0, "healthy\n")
    StateFolder(tmp_path).write_status(status(stalled_s=STALLED_S + 1))
    stalled = run(tmp_path, "health")
    assert stalled.returncode == 1
    assert stalled.stderr == "edge-bridge: decoding has stood still for 61 s\n"
    (tmp_path / "status.json").unlink()
    gone = run(tmp_path, "health")
    assert gone.returncode == 1
    assert "no edge-bridge runs" in gone.stderr


def test_health_and_status_load_no_libav() -> None:
    """What is run every half a minute on a small box must cost little."""
    code = (
        "import sys; from edge_bridge.__main__ import main; main(['health', '--state', '/none']);"
        "print(*(sys.modules.keys() & {'av', 'numpy', 'aiohttp', 'asyncio', 'paho'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_status_into_a_pipe_is_printed_once_without_colour(tmp_path: Path) -> None:
    """A script gets the whole table, or all that is known as JSON."""
    StateFolder(tmp_path).write_status(HOUSE)
    assert run(tmp_path, "status").stdout == table(HOUSE) + "\n"
    known = json.loads(run(tmp_path, "status", "--json").stdout)
    assert known["cameras"] == HOUSE["cameras"]
    assert known.keys() >= {"pid", "written"}


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.said = ""
        self._master = master

    def read(self) -> str:
        """Return all that was written so far."""
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # nothing now, or the other side has closed it
                return self.said
            self.said += data.decode()

    def press(self, key: bytes) -> None:
        """Press a key."""
        os.write(self._master, key)


@contextmanager
def terminal(
    folder: Path, *arguments: str, width: int = 80, **environment: str
) -> Iterator[Terminal]:
    """Run a command on a terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    os.set_blocking(master, False)
    line, base = command(folder, *arguments)

    def own_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        line,
        env={**base, **environment},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=own_terminal,  # noqa: PLW1509  # one call into the kernel, which takes no lock
    )
    os.close(slave)
    try:
        yield Terminal(master, process)
    finally:
        process.kill()
        process.wait()
        os.close(master)


type End = Callable[[Terminal], None]


@pytest.mark.parametrize(
    "end",
    [
        lambda shown: shown.press(b"q"),
        lambda shown: shown.press(b"\x03"),
        lambda shown: shown.process.send_signal(signal.SIGTERM),
    ],
    ids=["q", "Ctrl-C", "SIGTERM"],
)
async def test_status_on_a_terminal_stays_and_is_drawn_anew(tmp_path: Path, end: End) -> None:
    """In place, on another screen, with what is new, and the terminal is left as it was."""
    folder = StateFolder(tmp_path)
    folder.write_status(status(camera("front")))
    with terminal(tmp_path, "status") as shown:
        await eventually(lambda: "front" in shown.read())
        assert shown.said.startswith("\x1b[?1049h\x1b[?25l\x1b[H")
        assert "\x1b[2J" not in shown.said
        assert "\x1b[32mstreaming" in shown.said
        folder.write_status(status(camera("back")))
        await eventually(lambda: "back" in shown.read())
        folder.clear_status()
        await eventually(lambda: "no edge-bridge runs" in shown.read())
        end(shown)
        assert await asyncio.to_thread(shown.process.wait, 30) == 0
        assert shown.read().endswith("\x1b[?25h\x1b[?1049l")
        assert "Traceback" not in shown.said
        pictures = shown.said.replace("\r", "").split("\x1b[H")
        lines = [ESCAPES.sub("", line) for picture in pictures for line in picture.splitlines()]
        assert max(map(len, lines)) <= 80


async def test_status_once_on_a_terminal_fits_it(tmp_path: Path) -> None:
    """Printed like any other output, cut to the width, without colour where none is wanted."""
    StateFolder(tmp_path).write_status(HOUSE)
    with terminal(tmp_path, "status", "--once", width=60, NO_COLOR="1") as shown:
        await asyncio.to_thread(shown.process.wait, 30)
        assert shown.read().replace("\r", "") == table(HOUSE, width=60) + "\n"
