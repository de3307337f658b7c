"""The command itself, as a process of its own: starts, ends, says what is wrong."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
import json
import os
from pathlib import Path
import signal
import sys
import time

from PIL import Image
import pytest

from edge_bridge.protocol.messages import Limits, Status
from edge_bridge.protocol.vocabulary import FrameFlag
from rigs.simulated_camera import Credentials, Refusal
from tests.bridge.conftest import Serve, config, drawn, eventually
from tests.bridge.fake_gateway import TOKEN, FakeGateway

type Run = Callable[..., Awaitable[Process]]

END_S = 2.0
"""In which a bridge must have ended."""
SLACK_S = 3.0
"""A busy machine's share of the measured end."""


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    """Start the command; what still runs at the end is killed."""
    started: list[Process] = []

    async def start(*arguments: str, **environment: str) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "edge_bridge",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env={
                **os.environ,
                "CAMERA_NARRATOR_STATE": str(tmp_path / "state"),
                "CAMERA_NARRATOR_TOKEN": TOKEN,
                **environment,
            },
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process: Process) -> tuple[int, str, str]:
    """Wait for the end and return code, output and errors."""
    async with asyncio.timeout(30):
        output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


async def terminated(process: Process) -> tuple[int, float]:
    """Ask a process to end; return its code and how long it took."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code, _, _ = await ended(process)
    return code, time.monotonic() - began


async def test_terminated_bridge_says_its_last_status_and_ends(
    gateway: FakeGateway, serve: Serve, run: Run
) -> None:
    """SIGTERM: last status, clean close, exit 0 within two seconds, while a camera streams and another hangs."""
    hanging = drawn("back")
    hanging.faults.refuse = Refusal.HANG
    server = await serve(drawn(), hanging)
    gateway.cameras = (config(server.url("front")), config(server.url("back"), "back", 2))
    process = await run("run", "--url", gateway.url, "--name", "attic")
    await gateway.until(lambda: len(gateway.frames) >= 2)
    statuses = len(gateway.seen(Status))
    code, took_s = await terminated(process)
    assert code == 0
    assert took_s < END_S + SLACK_S
    last = gateway.seen(Status)[-1]
    assert len(gateway.seen(Status)) > statuses
    [front] = [entry for entry in last.cameras if entry.camera == "front"]
    assert front.counters.sampled >= len(gateway.frames)
    assert gateway.last.hello.name == "attic"


async def test_the_last_status_counts_what_was_still_unacknowledged(
    gateway: FakeGateway, serve: Serve, run: Run
) -> None:
    """Frames that Home Assistant acknowledges at the end are in no counter twice."""
    gateway.acknowledging, gateway.acknowledging_at_status = False, False
    server = await serve(drawn())
    gateway.cameras = (config(server.url("front")),)
    process = await run("run", "--url", gateway.url)
    await gateway.until(lambda: len(gateway.frames) >= 1)
    gateway.acknowledging_at_status = True
    code, _ = await terminated(process)
    assert code == 0
    [front] = gateway.seen(Status)[-1].cameras
    assert front.counters.unacknowledged == front.counters.sampled - len(gateway.frames)


async def test_what_was_never_sent_is_withdrawn_at_the_end(
    gateway: FakeGateway, serve: Serve, run: Run, tmp_path: Path
) -> None:
    """Its pictures die with a bridge that ends: it says so, instead of leaving them open for ever."""
    gateway.acknowledging, gateway.limits = False, Limits(window_frames=1)
    server = await serve(drawn())
    gateway.cameras = (config(server.url("front"), quiet_interval_s=0.1),)
    process = await run("run", "--url", gateway.url)
    told = tmp_path / "state" / "status.json"

    def sampled() -> int:
        cameras = json.loads(told.read_text())["cameras"] if told.exists() else ()
        return sum(camera["counters"]["sampled"] for camera in cameras)

    await eventually(lambda: sampled() >= 2)
    code, _ = await terminated(process)
    assert code == 0
    [front] = gateway.seen(Status)[-1].cameras
    assert len(gateway.frames) == 1
    assert front.counters.withdrawn >= 1
    assert front.counters.unacknowledged == 1, "the one on the wire alone"


async def test_terminated_bridge_ends_though_nobody_reads(
    gateway: FakeGateway, serve: Serve, run: Run
) -> None:
    """A Home Assistant that stands still holds nobody back."""
    server = await serve(drawn())
    gateway.cameras = (config(server.url("front")),)
    process = await run("run", "--url", gateway.url)
    await gateway.until(lambda: bool(gateway.frames))
    gateway.reading.clear()
    code, took_s = await terminated(process)
    assert code == 0
    assert took_s < END_S + SLACK_S


async def test_terminated_bridge_ends_without_home_assistant(run: Run) -> None:
    """One that never reached anyone ends just as well."""
    process = await run("run", "--url", "http://127.0.0.1:9")
    assert process.stderr is not None
    async with asyncio.timeout(30):
        assert b"INFO Bridge" in await process.stderr.readline()
        while b"Not connected" not in (line := await process.stderr.readline()):
            assert line, "it ended"
    assert b"Not connected to Home Assistant: url: nothing answers" in line
    code, took_s = await terminated(process)
    assert code == 0
    assert took_s < END_S + SLACK_S


async def test_terminated_bridge_ends_while_a_name_is_being_looked_up(
    run: Run, tmp_path: Path
) -> None:
    """A name server that does not answer holds a thread, and not the process."""
    asked = tmp_path / "asked"
    (tmp_path / "sitecustomize.py").write_text(
        "import pathlib, socket, threading\n"
        "def hang(*_, **__):\n"
        f"    pathlib.Path({str(asked)!r}).touch()\n"
        "    threading.Event().wait()\n"
        "socket.getaddrinfo = hang\n"
    )
    process = await run(
        "run",
        "--url",
        "http://ha.example",
        PYTHONPATH=f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    )
    await eventually(asked.exists)
    code, took_s = await terminated(process)
    assert code == 0
    assert took_s < END_S + SLACK_S


async def test_epoch_is_new_and_id_is_kept_over_a_kill(
    gateway: FakeGateway, serve: Serve, run: Run
) -> None:
    """After kill -9 the same bridge comes back as a new epoch, its sequences start again, nothing is replayed."""
    server = await serve(drawn())
    gateway.cameras = (config(server.url("front")),)
    first = await run("run", "--url", gateway.url)
    await gateway.until(lambda: len(gateway.frames) >= 2)
    first.kill()
    await first.wait()
    await run("run", "--url", gateway.url)
    await gateway.until(lambda: len(gateway.connections) >= 2 and bool(gateway.last.frames))
    before, after = (seen.hello for seen in gateway.connections[-2:])
    assert after.bridge == before.bridge
    assert after.epoch != before.epoch
    assert after.cameras == ()
    assert gateway.last.frames[0].sequence == 1
    assert FrameFlag.REPLAY not in gateway.last.frames[0].flags


async def test_status_shows_a_running_bridge_and_no_secret(
    gateway: FakeGateway, serve: Serve, run: Run, tmp_path: Path
) -> None:
    """A table of cameras while it runs; afterwards, that it does not run."""
    credentials = Credentials(user="viewer", password="s3cret")
    server = await serve(drawn(credentials=credentials))
    gateway.cameras = (
        config(
            server.url("front", with_credentials=False),
            username=credentials.user,
            password=credentials.password,
        ),
    )
    process = await run("run", "--url", gateway.url)
    file = tmp_path / "state" / "status.json"
    await eventually(lambda: file.exists() and '"streaming"' in file.read_text(), within_s=40)
    code, output, _ = await ended(await run("status"))
    assert code == 0
    assert "connected to Home Assistant" in output
    assert "front" in output
    assert "streaming" in output
    assert "h264" in output
    assert "\x1b" not in output
    code, output, _ = await ended(await run("status", "--json"))
    [front] = json.loads(output)["cameras"]
    assert (code, front["camera"], front["state"]) == (0, "front", "streaming")
    text = file.read_text()
    for secret in (TOKEN, credentials.password, credentials.user, "rtsp://"):
        assert secret not in text
    await terminated(process)
    for command in ("status", "health"):
        code, output, errors = await ended(await run(command))
        assert (code, output) == (1, "")
        assert errors.startswith("edge-bridge: no edge-bridge runs")


async def test_second_bridge_on_the_same_state_is_refused(gateway: FakeGateway, run: Run) -> None:
    """Two processes with one id would throw each other out for ever."""
    await run("run", "--url", gateway.url)
    await gateway.until(lambda: bool(gateway.connections))
    code, _, errors = await ended(await run("run", "--url", gateway.url))
    assert code == 1
    assert "state: another edge-bridge uses" in errors


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("run",), "url: missing"),
        (("run", "--url", "nonsense"), "url: must look like"),
        (
            ("run", "--url", "http://ha", "--token-file", "/does/not/exist"),
            "token-file: cannot be read",
        ),
        (("run", "--url", "http://ha", "--ca", "/does/not/exist"), "ca: is not a file"),
        (("run", "--url", "http://ha", "--mqtt-url", "localhost"), "mqtt-url: must look like"),
        (("probe", "rtsp://[::1/front"), "url: not an address"),
    ],
)
async def test_wrong_settings_name_the_key(run: Run, arguments: tuple[str, ...], key: str) -> None:
    """One line that names the setting and what is wrong, exit code 2."""
    code, _, errors = await ended(await run(*arguments))
    assert code == 2
    assert errors.startswith(f"edge-bridge: {key}")
    assert errors.count("\n") == 1


async def test_state_folder_that_cannot_be_made_is_named(run: Run, tmp_path: Path) -> None:
    """A file where the folder should be is an error in words."""
    (tmp_path / "file").write_text("")
    code, _, errors = await ended(
        await run(
            "run", "--url", "http://ha", CAMERA_NARRATOR_STATE=str(tmp_path / "file" / "state")
        )
    )
    assert code == 1
    assert "state: " in errors
    assert "Traceback" not in errors


async def test_probe_prints_what_it_finds_and_saves_a_picture(
    serve: Serve, run: Run, tmp_path: Path
) -> None:
    """Credentials from the address open the camera and are not printed."""
    server = await serve(drawn(credentials=Credentials(user="viewer", password="s3cret")))
    saved = tmp_path / "picture.jpg"
    code, output, errors = await ended(
        await run("probe", server.url("front"), "--save", str(saved))
    )
    assert code == 0, errors
    assert "codec        h264" in output
    assert "size         640x360" in output
    assert "s3cret" not in output + errors
    assert Image.open(saved).size == (640, 360)


async def test_probe_takes_the_password_from_the_environment(serve: Serve, run: Run) -> None:
    """A user name as a flag, the password not on the command line."""
    server = await serve(drawn(credentials=Credentials(user="viewer", password="s3cret")))
    code, output, _ = await ended(
        await run(
            "probe",
            server.url("front", with_credentials=False),
            "--username",
            "viewer",
            CAMERA_NARRATOR_PROBE_PASSWORD="s3cret",
        )
    )
    assert code == 0
    assert "640x360" in output


async def test_probe_says_why_not(run: Run) -> None:
    """A port where nobody listens is an error with its code, exit code 1."""
    code, output, _ = await ended(await run("probe", "rtsp://127.0.0.1:9/front"))
    assert (code, output) == (1, "failed       refused\n")
