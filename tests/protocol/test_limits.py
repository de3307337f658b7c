"""Every length has a limit, every code a place in the list, and versions are negotiated."""

import base64
import json
from types import ModuleType
from typing import Any

import pytest

JPEG = b"\xff\xd8\xff\xd9"


def _hello(**changes: Any) -> dict[str, Any]:
    return {
        "type": "hello",
        "protocol_min": 1,
        "protocol_max": 1,
        "version": "0.1.0",
        "bridge": "b",
        "epoch": "e",
        "clock_us": 1,
        **changes,
    }


def _frame(**changes: Any) -> dict[str, Any]:
    jpeg = base64.b64encode(JPEG).decode()
    return {"type": "frame", "camera": 1, "sequence": 1, "captured_us": 1, "jpeg": jpeg, **changes}


CAMERA = {"camera": "door", "counters": {"sampled": 0}}
TOO_MUCH = [
    _hello(name="n" * 65),
    _hello(bridge=""),
    _hello(epoch="e" * 65),
    _hello(name="a\nb"),
    _hello(capabilities=["x"] * 33),
    _hello(cameras=[CAMERA] * 257),
    _hello(cameras=[{**CAMERA, "camera": ""}]),
    _hello(clock_us=-1),
    _hello(clock_us=True),
    _hello(clock_us=1.5),
    _frame(sequence=2**32),
    _frame(camera=2**16),
    _frame(kind=3),
    _frame(jpeg="no base64!"),
    _frame(jpeg=base64.b64encode(b"\xff\xd8" + bytes(2**20) + b"\xff\xd9").decode()),
    _frame(jpeg=base64.b64encode(JPEG[:-1]).decode()),
    {"type": "watch", "camera": "door", "rate_fps": 11, "seconds": 5},
    {"type": "probe", "id": 1, "url": "u" * 2049},
    {"type": "probe", "id": 0, "url": "rtsp://a"},
    {"type": "refuse", "error": {"code": "in_use", "params": dict.fromkeys("abcdefghi", 1)}},
    {"type": "refuse", "error": {"code": "in_use", "params": {"host": "h" * 65}}},
    {"type": "refuse", "error": {"code": "in_use", "params": {"host": [1]}}},
    {
        "type": "activity",
        "camera": "door",
        "active": True,
        "since_us": 1,
        "revision": 1,
        "regions": [{"x": 0, "y": 0, "width": 1, "height": 1}] * 17,
    },
    {
        "type": "configure",
        "revision": 1,
        "cameras": [{"number": 0, "camera": "a", "source": "rtsp"}],
    },
    {
        "type": "configure",
        "revision": 1,
        "cameras": [{"number": 1, "camera": "a", "source": "tape"}],
    },
]


@pytest.mark.parametrize("message", TOO_MUCH, ids=lambda m: json.dumps(m)[:60])
def test_too_much_is_refused(protocol: ModuleType, message: dict[str, Any]) -> None:
    """A value beyond its limit is malformed, and the error names the field without its value."""
    with pytest.raises(protocol.ProtocolError) as error:
        protocol.parse(json.dumps(message))
    assert error.value.field.startswith(message["type"])


def test_a_whole_text_has_a_limit(protocol: ModuleType) -> None:
    """A text beyond the limit is refused before it is read."""
    with pytest.raises(protocol.ProtocolError, match="longer than"):
        protocol.parse('{"type":"ping","id":1,"pad":"' + "x" * protocol.MAX_TEXT_BYTES + '"}')


def test_the_largest_configuration_fits(protocol: ModuleType) -> None:
    """256 cameras with the longest of everything pass, and so does the largest frame as JSON."""
    cameras = tuple(
        protocol.CameraConfig(
            number=number,
            camera="c" * 64,
            source=protocol.Source.RTSP,
            url="u" * protocol.URL_MAX,
            username="n" * 256,
            password="p" * 256,
        )
        for number in range(1, protocol.MAX_CAMERAS + 1)
    )
    configure = protocol.Configure(revision=1, cameras=cameras)
    assert protocol.parse(configure.dumps()) == configure
    jpeg = b"\xff\xd8" + bytes(protocol.MAX_FRAME_BYTES - 4) + b"\xff\xd9"
    frame = protocol.Frame(camera=1, sequence=1, captured_us=1, jpeg=jpeg)
    assert protocol.parse(frame.dumps()) == frame
    assert protocol.Frame.unpack(frame.pack()) == frame


def test_codes_of_the_future_are_internal(protocol: ModuleType) -> None:
    """An error code that this version does not know still is an error."""
    error = protocol.WireError.read({"code": "eaten_by_cat"})
    assert error.code is protocol.ErrorCode.INTERNAL


def test_labels_of_the_future_are_passed_over(protocol: ModuleType) -> None:
    """A newer bridge may name more than this version knows; the rest of what it says counts."""
    box = {"x": 0.0, "y": 0.0, "width": 0.5, "height": 0.5}
    said = {"type": "activity", "camera": "a", "active": True, "since_us": 1, "revision": 1}
    labels = [{"label": name, "score": 0.5, "box": box} for name in ("drone", "person")]
    activity = protocol.parse(json.dumps({**said, "labels": labels}))
    assert [entry.label for entry in activity.labels] == [protocol.Label.PERSON]
    with pytest.raises(protocol.ProtocolError, match="label"):
        protocol.parse(json.dumps({**said, "labels": [{"label": 7, "score": 0.5, "box": box}]}))


def test_capabilities_of_the_future_are_ignored(protocol: ModuleType) -> None:
    """A newer bridge may say more of itself than this version understands."""
    hello = protocol.parse(json.dumps(_hello(capabilities=["thoughts", "probe"])))
    assert hello.capabilities == (protocol.Capability.PROBE,)


def test_types_of_the_future_are_unknown(protocol: ModuleType) -> None:
    """An unknown type is no error; its name is cut to what may be logged."""
    unknown = protocol.parse(json.dumps({"type": "weather\n" + "x" * 100}))
    assert unknown == protocol.Unknown(type="weather " + "x" * 56)


@pytest.mark.parametrize(
    ("low", "high", "agreed"), [(1, 1, 1), (1, 9, 1), (2, 9, None), (1000, 1000, None)]
)
def test_versions_are_negotiated(
    protocol: ModuleType, low: int, high: int, agreed: int | None
) -> None:
    """The highest common version is taken; without one there is none."""
    hello = protocol.parse(json.dumps(_hello(protocol_min=low, protocol_max=high)))
    assert protocol.negotiate(hello) == agreed


def test_text_parameters_are_made_printable(protocol: ModuleType) -> None:
    """What a server said goes over the wire only as short printable text."""
    error = protocol.WireError.of(
        protocol.ErrorCode.REFUSED, reason="no\x1b[31m" + "x" * 99, port=554
    )
    assert error.params == {"reason": "no [31m" + "x" * 57, "port": 554}
    assert protocol.WireError.read(error.written()) == error


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_numbers_are_finite(protocol: ModuleType, number: str) -> None:
    """JSON's escape hatches are closed."""
    with pytest.raises(protocol.ProtocolError):
        protocol.parse(f'{{"type":"status","cpu_percent":{number}}}')
