"""The camera simulator is what the bridge is tested against, so it is tested against PyAV itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
import io
from itertools import pairwise
from pathlib import Path

import aiohttp
import av
import numpy as np
from PIL import Image
import pytest

from rigs.camera import parse_camera
from rigs.camera_control import ControlServer, apply
from rigs.code_source import CodeSettings, CodeSource
from rigs.footage_strip import find_visits, measure, render, string
from rigs.picture_code import Code, read_code, read_code_from_chroma
from rigs.rtsp_server import RtspServer
from rigs.simulated_camera import Credentials, Faults, Refusal, SimulatedCamera
from rigs.transcoding import write_pictures
from rigs.video_source import FileSource, SourceError
from rigs.visits import VisitPlan, Visits


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A decoded frame: what the tests look at."""

    size: tuple[int, int]
    shown_s: float
    code: Code | None
    rgb: np.ndarray


def watch(url: str, transport: str = "tcp", count: int = 12) -> list[Seen]:
    """Look at a camera until this many frames have come, or the stream ends."""
    options = {
        "rtsp_transport": transport,
        "analyzeduration": "0",
        "probesize": "32",
        "fpsprobesize": "0",
        "timeout": "2000000",
    }
    seen: list[Seen] = []
    with av.open(url, options=options) as container:
        for frame in container.decode(video=0):
            planes = frame.to_ndarray(format="yuv420p")
            rows, width = frame.height, frame.width
            blue, red = planes[rows:].reshape(2, rows // 2, width // 2)
            rgb = frame.to_ndarray(format="rgb24")
            code = read_code_from_chroma(blue, red)
            shown_s = 0.0 if frame.time is None else frame.time
            seen.append(Seen(size=(width, rows), shown_s=shown_s, code=code, rgb=rgb))
            if len(seen) == count:
                break
    return seen


def code_camera(**options: object) -> SimulatedCamera:
    """Make a camera that burns codes, at a rate that keeps tests short."""
    settings = CodeSettings(camera=7, fps=25)
    visits = Visits(VisitPlan(first_s=0.4, length_s=0.4, every_s=0.8))
    return SimulatedCamera("front", CodeSource(settings, visits), **options)  # type: ignore[arg-type]


def write_clip(path: Path, *, width: int = 320, height: int = 240, fps: int = 25) -> Path:
    """Write one second in which every picture is a little brighter."""

    def pictures() -> Iterator[np.ndarray]:
        for number in range(fps):
            yield np.full((height * 3 // 2, width), 60 + number, np.uint8)

    assert list(write_pictures(path, pictures(), fps))[-1] == fps
    return path


@asynccontextmanager
async def serving(camera: SimulatedCamera) -> AsyncIterator[RtspServer]:
    """Serve one camera."""
    server = RtspServer([camera])
    await server.start()
    try:
        yield server
    finally:
        await server.close()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_every_frame_arrives_once_and_in_order(transport: str) -> None:
    """Both transports deliver every picture, and its code says which one it is."""
    camera = code_camera()
    async with serving(camera) as server:
        seen = await asyncio.to_thread(watch, server.url("front"), transport)
    sequences = [frame.code.sequence for frame in seen if frame.code]
    assert sequences == list(range(sequences[0], sequences[0] + 12))
    assert {frame.code.camera for frame in seen if frame.code} == {7}
    assert camera.bytes_sent > 0


async def test_visits_are_in_the_pictures_as_they_are_in_the_books() -> None:
    """What a picture says of visits is what the source has written down."""
    camera = code_camera()
    async with serving(camera) as server:
        seen = await asyncio.to_thread(watch, server.url("front"), count=30)
    assert isinstance(camera.source, CodeSource)
    drawn = {visit.number: visit for visit in camera.source.visits.drawn}
    codes = [frame.code for frame in seen if frame.code]
    assert {code.active for code in codes} == {True, False}
    for code in codes:
        if code.active:
            ended_ms = drawn[code.visit].ended_ms or code.captured_ms + 1
            assert drawn[code.visit].started_ms <= code.captured_ms < ended_ms


async def test_a_changing_code_changes_no_luma() -> None:
    """A detector that compares luma sees nothing move while there is no visit."""
    camera = SimulatedCamera("front", CodeSource(CodeSettings(camera=1, fps=25)))
    async with serving(camera) as server:
        seen = await asyncio.to_thread(watch, server.url("front"))
    planes = [np.asarray(Image.fromarray(frame.rgb).convert("L"), np.int16) for frame in seen]
    steps = [np.abs(b - a).max() for a, b in pairwise(planes)]
    assert max(steps) < 8
    assert len({frame.code for frame in seen}) == len(seen)


@pytest.mark.parametrize("size", [(854, 480), (640, 360), (426, 240), (320, 180)])
async def test_codes_survive_downscaling_and_jpeg(size: tuple[int, int]) -> None:
    """The code is read from JPEG at quality 60 at any size the bridge sends."""
    async with serving(code_camera()) as server:
        (frame,) = await asyncio.to_thread(watch, server.url("front"), count=1)
    coded = io.BytesIO()
    Image.fromarray(frame.rgb).resize(size, Image.Resampling.BOX).save(coded, "JPEG", quality=60)
    assert read_code(np.asarray(Image.open(coded))) == frame.code is not None


async def test_a_clip_loops_with_continuous_time(tmp_path: Path) -> None:
    """Where a clip begins anew, the stream's clock goes on evenly."""
    source = FileSource(write_clip(tmp_path / "clip.mp4"))
    async with serving(SimulatedCamera("front", source, shift_s=0.5)) as server:
        seen = await asyncio.to_thread(watch, server.url("front"), count=40)
    steps = [b.shown_s - a.shown_s for a, b in pairwise(seen)]
    assert steps == pytest.approx([1 / 25] * 39, abs=0.002)


@pytest.mark.parametrize("digest", [True, False], ids=["digest", "basic"])
async def test_only_the_right_password_opens(digest: bool) -> None:
    """Both kinds of authentication let the right password in and no other."""
    login = Credentials(user="user", password="secret", digest=digest)
    async with serving(code_camera(credentials=login)) as server:
        assert len(await asyncio.to_thread(watch, server.url("front"), count=2)) == 2
        wrong = server.url("front").replace("secret", "guess")
        for url in (wrong, server.url("front", with_credentials=False)):
            with pytest.raises(av.error.HTTPUnauthorizedError):
                await asyncio.to_thread(watch, url)


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal.NOT_FOUND, av.error.HTTPNotFoundError),
        (Refusal.UNAUTHORIZED, av.error.HTTPUnauthorizedError),
        (Refusal.UNAVAILABLE, av.error.HTTPServerError),
        (Refusal.HANG, av.FFmpegError),
    ],
)
async def test_refusals(refusal: Refusal, error: type[Exception]) -> None:
    """DESCRIBE is refused the way cameras refuse it."""
    camera = code_camera()
    camera.faults = Faults(refuse=refusal)
    async with serving(camera) as server:
        with pytest.raises(error):
            await asyncio.to_thread(watch, server.url("front"))


async def test_a_frozen_camera_keeps_its_connection_silent() -> None:
    """Freezing ends no connection: the viewer runs into its own timeout."""
    camera = code_camera()
    camera.faults = Faults(freeze=True)
    async with serving(camera) as server:
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(watch, server.url("front"))


async def test_away_and_back_on_the_same_port() -> None:
    """An absent camera refuses connections, ends the ones it had, and comes back."""
    async with serving(code_camera()) as server:
        url = server.url("front")
        watching = asyncio.create_task(asyncio.to_thread(watch, url, count=10_000))
        await server.cameras["front"].until_sent(1)
        server.go_away()
        assert 0 <= len(await watching) < 10_000
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(watch, url)
        await server.come_back()
        assert len(await asyncio.to_thread(watch, url, count=3)) == 3


async def test_a_swapped_source_changes_size_in_mid_stream(tmp_path: Path) -> None:
    """The new source follows in the same session, announced by its parameter sets alone."""
    small = FileSource(write_clip(tmp_path / "small.mp4"))
    camera = SimulatedCamera("front", small)
    large = write_clip(tmp_path / "large.mp4", width=480, height=360)
    async with serving(camera) as server:
        watching = asyncio.create_task(asyncio.to_thread(watch, server.url("front"), count=40))
        await camera.until_sent(10)
        await apply(camera, {"source": str(large)})
        sizes = [frame.size for frame in await watching]
    assert (sizes[0], sizes[-1]) == ((320, 240), (480, 360))


async def test_the_control_port_changes_a_running_camera() -> None:
    """Faults and visits are set over HTTP, and nonsense is refused in words."""
    camera = parse_camera("front=code,fps=25,user=u,password=p,auth=basic,shift=2", 3, {})
    async with serving(camera) as server, aiohttp.ClientSession() as session:
        control = ControlServer(server)
        await control.start()
        address = f"http://127.0.0.1:{control.port}/"
        wanted = {"drop": 0.5, "refuse": "404", "visit": True}
        async with session.post(address + "front", json=wanted) as response:
            known = (await response.json())["cameras"]["front"]
        async with session.post(address + "front", json={"colour": 1}) as response:
            assert (response.status, await response.text()) == (400, "colour: no such setting")
        async with session.post(address, json={"away": True}) as response:
            assert (await response.json())["away"] is True
        await control.close()
    assert known["faults"]["drop"] == 0.5
    assert camera.faults.refuse is Refusal.NOT_FOUND
    assert camera.position_s == 2.0


def test_what_is_no_camera_video_is_refused(tmp_path: Path) -> None:
    """A file that no camera could send says so before anything starts."""
    (tmp_path / "notes.mp4").write_text("not a video")
    with pytest.raises(SourceError, match="not a readable video"):
        FileSource(tmp_path / "notes.mp4")


def test_visits_are_found_and_strung_on_quiet_stretches() -> None:
    """Between two visits of a clip lies the quiet asked for, and no seam moves."""
    fps = 10
    still = np.full((144, 96), 100, np.uint8)  # 96 x 96 in yuv420p
    pictures = [still.copy() for _ in range(200)]
    for first in (40, 120):
        for step in range(40):
            pictures[first + step][20:60, step : step + 30] = 200
    visits = find_visits(measure([picture[:96] for picture in pictures]), fps)
    assert len(visits) == 2
    strip = string(visits, fps, lead_s=1.0, quiet_s=5.0)
    shown = list(render(strip, pictures))
    moved = measure([picture[:96] for picture in shown])
    edges = [0.0] + [side for span in strip.visits for side in (span.start_s, span.end_s)]
    for start_s, end_s in zip(edges[::2], edges[1::2], strict=False):
        assert max(moved[round(start_s * fps) : round(end_s * fps)]) == 0.0
    assert strip.visits[1].start_s - strip.visits[0].end_s == pytest.approx(5.0)
