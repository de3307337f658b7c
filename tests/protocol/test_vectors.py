"""The golden vectors: what version 1 looks like on the wire, for ever. A change here is a new version."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "vectors" / "v1"
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
NAMES = (
    "hello",
    "welcome",
    "refuse",
    "configure",
    "configured",
    "probe",
    "probed",
    "activity",
    "ack",
    "watch",
    "status",
    "ping",
    "pong",
    "frame",
)


def message(protocol: ModuleType, name: str) -> Any:
    """Return the message of a vector, no field at its default."""
    error = protocol.WireError.of(protocol.ErrorCode.UNAUTHORIZED, status=401, realm="Front")
    counters = protocol.Counters(
        sampled=120, replaced=3, overflowed=2, withdrawn=1, unacknowledged=4
    )
    mask = ((0.0, 0.0), (0.25, 0.0), (0.125, 0.375))
    config = protocol.CameraConfig(
        number=2,
        camera="front_door",
        source=protocol.Source.RTSP,
        url="rtsp://192.0.2.7:554/stream1",
        username="viewer",
        password="secret",
        transport=protocol.Transport.UDP,
        rate_fps=2.0,
        quiet_interval_s=5.0,
        height_px=720,
        quality=80,
        masks=(mask,),
        zones=(((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)),),
        ignored=(((0.9, 0.0), (1.0, 0.0), (1.0, 0.25)),),
    )
    received = protocol.Received(camera="front_door", live=117, replay=110, settled=90)
    region = protocol.Region(x=0.25, y=0.5, width=0.125, height=0.375)
    build = {
        "hello": lambda: protocol.Hello(
            protocol_min=1,
            protocol_max=2,
            version="0.1.0",
            bridge="0f3c5d7e9b1a4c2d",
            epoch="6a7b8c9d0e1f2a3b",
            name="Attic",
            capabilities=tuple(protocol.Capability),
            clock_us=123456789012,
            cameras=(
                protocol.CameraHello(
                    camera="front_door",
                    counters=counters,
                    active=True,
                    acknowledged=110,
                    settled=90,
                    run_id="run-7",
                ),
            ),
        ),
        "welcome": lambda: protocol.Welcome(
            protocol=1,
            run_id="run-8",
            limits=protocol.Limits(max_frame_bytes=524288, window_frames=32),
            mqtt_prefix="camera_narrator",
            revision=5,
            cameras=(config,),
            received=(received,),
        ),
        "refuse": lambda: protocol.Refuse(
            error=protocol.WireError.of(protocol.ErrorCode.IN_USE), retry=False
        ),
        "configure": lambda: protocol.Configure(revision=6, cameras=(config,)),
        "configured": lambda: protocol.Configured(
            revision=6, errors=(protocol.CameraError(camera="front_door", error=error),)
        ),
        "probe": lambda: protocol.Probe(
            id=9,
            url="rtsp://192.0.2.7:554/stream1",
            username="viewer",
            password="secret",
            transport=protocol.Transport.UDP,
            masks=(mask,),
        ),
        "probed": lambda: protocol.Probed(
            id=9,
            error=error,
            codec="h264",
            width=1920,
            height=1080,
            fps=25.0,
            key_interval_s=2.0,
            audio=True,
            first_frame_ms=312.5,
            one_session=True,
            sub_stream=True,
        ),
        "activity": lambda: protocol.Activity(
            camera="front_door",
            active=True,
            since_us=123456000000,
            score=0.75,
            regions=(region,),
            labels=(protocol.Detection(label=protocol.Label.PERSON, score=0.625, box=region),),
            revision=41,
        ),
        "ack": lambda: protocol.Ack(cameras=(received,)),
        "watch": lambda: protocol.Watch(camera="front_door", rate_fps=2.0, seconds=30.0),
        "status": lambda: protocol.Status(
            cameras=(
                protocol.CameraStatus(
                    camera="front_door",
                    state=protocol.StreamState.FAILED,
                    error=error,
                    source_fps=25.0,
                    sent_fps=1.0,
                    bytes_per_s=48000.0,
                    decode_ms=6.5,
                    key_interval_s=2.0,
                    codec="h264",
                    width=1920,
                    height=1080,
                    mode=protocol.DecodeMode.CONTINUOUS,
                    cpu_ms_per_s=12.5,
                    age_ms=80.5,
                    skipped=7,
                    pacing_step=2,
                    pacing_reason=protocol.PacingReason.SEND_BUFFER,
                    counters=counters,
                ),
            ),
            cpu_percent=12.5,
            memory_bytes=104857600,
        ),
        "ping": lambda: protocol.Ping(id=77),
        "pong": lambda: protocol.Pong(id=77, clock_us=123456789012),
        "frame": lambda: frame(protocol),
    }
    return build[name]()


def frame(protocol: ModuleType, *, kind: int = 1) -> Any:
    """Return the frame of the vectors."""
    preview = kind == protocol.KIND_PREVIEW
    return protocol.Frame(
        kind=kind,
        flags=protocol.FrameFlag(0 if preview else 31),
        camera=0 if preview else 2,
        sequence=9 if preview else 4000000000,
        captured_us=123456789012,
        width=854,
        height=480,
        activity=0 if preview else 191,
        novelty=0 if preview else 128,
        jpeg=JPEG,
    )


@pytest.mark.parametrize("name", NAMES)
def test_text_vectors(protocol: ModuleType, name: str) -> None:
    """Every message is written as it always was, and what was always written is still read."""
    wire = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    expected = message(protocol, name)
    assert expected.dumps() == wire
    assert protocol.parse(wire) == expected


@pytest.mark.parametrize(("name", "kind"), [("frame", 1), ("preview", 2)])
def test_binary_vectors(protocol: ModuleType, name: str, kind: int) -> None:
    """The binary header stays where it is, byte for byte."""
    wire = (FOLDER / f"{name}.bin").read_bytes()
    expected = frame(protocol, kind=kind)
    assert expected.pack() == wire
    assert protocol.Frame.unpack(wire) == expected


def test_every_message_has_a_vector(protocol: ModuleType) -> None:
    """No message without a vector, and no vector without its message."""
    assert set(NAMES) == set(protocol.MESSAGES)
    assert {path.name for path in FOLDER.iterdir()} == {
        *(f"{name}.json" for name in NAMES),
        "frame.bin",
        "preview.bin",
    }
