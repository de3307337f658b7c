"""The bridge as a process that may do little: no root, nothing to write, nothing to listen on, nothing to tell."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
import json
import os
from pathlib import Path
import shutil
import stat
import subprocess
import sys

import pytest

from edge_bridge.protocol.messages import Probe, Probed, Status
from edge_bridge.protocol.vocabulary import ErrorCode
from edge_bridge.state_folder import StateFolder
from rigs.simulated_camera import Credentials
from tests.bridge.conftest import Serve, config, drawn, eventually
from tests.bridge.fake_gateway import TOKEN, FakeGateway
from tests.bridge.test_streams import fails, streams

type Run = Callable[..., Awaitable[Process]]

NOBODY = 65534
LISTENING = "0A"
"""In /proc/net/tcp."""
READ_ONLY = (
    'mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,bind,ro / && exec "$@"'
)
"""All of the machine but the folder $0."""


def confined(state: Path) -> list[str]:
    """Return what takes from a command all that this machine can take: root, capabilities, a writable disk."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return []
    # To read the interpreter, which may be in root's own folder, and nothing else.
    only = "-all,+dac_read_search"
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    command += ["--no-new-privs", f"--inh-caps={only}", f"--ambient-caps={only}"]
    command += [f"--bounding-set={only}"]
    read_only = ["unshare", "--mount", "sh", "-c", READ_ONLY, str(state)]
    works = subprocess.run([*read_only, "true"], check=False, capture_output=True).returncode == 0
    return [*(read_only if works else []), *command]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The folder that outlives the process; its user's own."""
    folder = tmp_path / "state"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    return folder


@pytest.fixture
async def run(state: Path) -> AsyncIterator[Run]:
    """Start the command behind others; what still runs at the end is killed."""
    started: list[Process] = []

    async def start(*arguments: str, behind: list[str]) -> Process:
        process = await asyncio.create_subprocess_exec(
            *behind,
            sys.executable,
            "-m",
            "edge_bridge",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            cwd="/",
            env={
                **os.environ,
                "CAMERA_NARRATOR_STATE": str(state),
                "CAMERA_NARRATOR_TOKEN": TOKEN,
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def said(process: Process) -> str:
    """End a process and return all it wrote."""
    process.terminate()
    async with asyncio.timeout(30):
        output, errors = await process.communicate()
    return (output + errors).decode()


def sockets(pid: int, protocol: str) -> list[list[str]]:
    """Return the rows of /proc/net of a process's own sockets."""
    own = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            own.add(str(entry.readlink()))
    rows = Path(f"/proc/{pid}/net/{protocol}").read_text().splitlines()[1:]
    return [row.split() for row in rows if f"socket:[{row.split()[9]}]" in own]


def written_files(pid: int) -> set[Path]:
    """Return the ordinary files that a process holds open for writing."""
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            if stat.S_ISREG(entry.stat().st_mode) and entry.lstat().st_mode & stat.S_IWUSR:
                found.add(entry.readlink())
    return found


async def test_without_root_and_with_a_read_only_disk_it_streams_and_listens_on_nothing(
    gateway: FakeGateway, serve: Serve, run: Run, state: Path
) -> None:
    """It needs its state folder and connections outwards: no other file, no capability, no open port."""
    server = await serve(drawn())
    gateway.cameras = (config(server.url("front")),)
    process = await run("run", "--url", gateway.url, behind=confined(state))
    await gateway.until(lambda: len(gateway.frames) >= 3, within_s=40)
    await eventually((state / "status.json").exists)
    assert sockets(process.pid, "tcp"), "its connections are found"
    listening = [
        row for kind in ("tcp", "tcp6") for row in sockets(process.pid, kind) if row[3] == LISTENING
    ]
    assert listening == []
    assert sockets(process.pid, "udp") + sockets(process.pid, "udp6") == []
    assert {path.parent for path in written_files(process.pid)} <= {state}
    identity = Path(f"/proc/{process.pid}/status").read_text()
    assert f"Uid:\t{os.geteuid() or NOBODY}\t" in identity or "setpriv" not in confined(state)
    assert "Traceback" not in await said(process)


async def test_a_state_folder_that_became_read_only_costs_the_status_alone(
    gateway: FakeGateway, serve: Serve, run: Run, state: Path
) -> None:
    """The bridge keeps its id, sends, and says once what is wrong."""
    bridge_id = StateFolder(state).hold()
    state.chmod(0o555)
    server = await serve(drawn())
    gateway.cameras = (config(server.url("front")),)
    process = await run("run", "--url", gateway.url, behind=confined(state))
    await gateway.until(lambda: len(gateway.frames) >= 20, within_s=40)
    assert gateway.last.hello.bridge == bridge_id
    told = await said(process)
    assert told.count(f"State folder {state} cannot be written (Permission denied)") == 1
    assert "Traceback" not in told
    state.chmod(0o755)


async def test_a_full_disk_costs_the_status_alone(
    gateway: FakeGateway, serve: Serve, run: Run, state: Path
) -> None:
    """No byte can be written any more: the bridge keeps its id, sends, and says so."""
    bridge_id = StateFolder(state).hold()
    server = await serve(drawn())
    gateway.cameras = (config(server.url("front")),)
    full = ["sh", "-c", 'ulimit -f 0 && exec "$@"', "sh"]
    process = await run("run", "--url", gateway.url, behind=full)
    await gateway.until(lambda: len(gateway.frames) >= 20, within_s=40)
    assert gateway.last.hello.bridge == bridge_id
    told = await said(process)
    assert told.count(f"State folder {state} cannot be written") == 1
    assert "Traceback" not in told


async def test_a_first_start_on_a_full_disk_says_why_it_ends(run: Run, state: Path) -> None:
    """Without a place for its id a bridge would be another one after each start."""
    full = ["sh", "-c", 'ulimit -f 0 && exec "$@"', "sh"]
    process = await run("run", "--url", "http://ha", behind=full)
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().startswith(f"edge-bridge: state: {state} cannot be used (")


SECRET, WRONG, IN_ADDRESS = "s3cret+Pass/w0rd", "wr0ng+Pass/w0rd", "addr3ss-Passw0rd"
USER = "viewer-of-the-yard"


async def test_credentials_are_in_nothing_that_it_writes(
    gateway: FakeGateway, serve: Serve, run: Run, state: Path
) -> None:
    """Right and wrong ones, in fields and in addresses, at the most talkative: not in log, status, wire or errors."""
    right = Credentials(user=USER, password=SECRET)
    simple = Credentials(user=USER, password=IN_ADDRESS, digest=False)
    server = await serve(
        drawn("good", credentials=right),
        drawn("typed", credentials=simple),
        drawn("bad", credentials=right),
    )

    def address(camera: str) -> str:
        return server.url(camera, with_credentials=False)

    inside = f"{USER}:{IN_ADDRESS}@"
    missing = f"rtsp://127.0.0.1:{server.port}/missing?password={WRONG}"
    gone = f"http://{inside}127.0.0.1:9/{IN_ADDRESS}"
    gateway.cameras = (
        config(address("good"), "good", 1, username=USER, password=SECRET),
        config(address("typed").replace("://", f"://{inside}"), "typed", 2),
        config(address("bad"), "bad", 3, username=USER, password=WRONG),
        config(gone, "gone", 4),
        config(missing, "missing", 5, username=USER, password=SECRET),
        config(f"file://{inside}host/x", "file", 6, password=SECRET),
    )
    process = await run("run", "--url", gateway.url, "--log-level", "debug", behind=[])
    for camera, code in (
        ("bad", ErrorCode.UNAUTHORIZED),
        ("gone", ErrorCode.REFUSED),
        ("missing", ErrorCode.NOT_FOUND),
    ):
        await gateway.until(fails(gateway, code, camera), within_s=40)
    for camera in ("good", "typed"):
        await gateway.until(streams(gateway, camera))
    for number, (url, password) in enumerate(
        ((address("good"), SECRET), (address("bad"), WRONG), (gone, WRONG)), 1
    ):
        await gateway.send(Probe(id=number, url=url, username=USER, password=password))
    await gateway.until(lambda: len(gateway.seen(Probed)) == 3)
    await gateway.send_text(json.dumps({"type": "configure", "revision": 2, "cameras": SECRET}))
    await gateway.until(lambda: len(gateway.connections) >= 2)
    file = state / "status.json"
    await eventually(lambda: file.exists() and '"streaming"' in file.read_text(), within_s=40)
    status = await run("status", behind=[])
    shown, problems = await status.communicate()
    everything = "\n".join(
        (
            file.read_text(),
            (shown + problems).decode(),
            *(message.dumps() for seen in gateway.connections for message in seen.messages),
            *(path.read_text() for path in state.iterdir() if path.is_file()),
            await said(process),
        )
    )
    assert "Camera bad: unauthorized" in everything
    assert gateway.seen(Status)
    for secret in (SECRET, WRONG, IN_ADDRESS, USER, TOKEN):
        for spelling in (
            secret,
            json.dumps(secret)[1:-1],
            secret.replace("+", "%2B").replace("/", "%2F"),
        ):
            assert spelling not in everything
