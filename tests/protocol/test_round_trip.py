"""Every message comes back from the wire as it went, in both copies, and both copies are one."""

from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st
import pytest

from custom_components.camera_narrator.protocol.frame import Frame
from tests.protocol.copies import (
    BRIDGE,
    INTEGRATION,
    PACKAGES,
    folder,
)
from tests.protocol.strategies import messages, records


def test_the_copies_are_identical() -> None:
    """The two copies have the same files, and these are the same byte for byte."""
    one, other = (
        {path.name: path.read_bytes() for path in folder(package).glob("*.py")}
        for package in PACKAGES
    )
    assert len(one) > 5
    assert one == other


def test_every_message_has_its_tag() -> None:
    """The table of messages holds every kind of message that the module defines."""
    defined = {
        kind
        for kind in vars(INTEGRATION).values()
        if isinstance(kind, type)
        and issubclass(kind, INTEGRATION.Message)
        and kind is not INTEGRATION.Message
    }
    assert set(INTEGRATION.MESSAGES.values()) == defined
    assert all(kind.type == tag for tag, kind in INTEGRATION.MESSAGES.items())


@given(message=messages(INTEGRATION))
def test_text_comes_back(message: Any) -> None:
    """What one half writes, the other reads as the same."""
    text = message.dumps()
    assert INTEGRATION.parse(text) == message
    assert INTEGRATION.parse(text.encode()) == message
    assert BRIDGE.parse(text).dumps() == text  # type: ignore[union-attr]


@given(frame=records(INTEGRATION, Frame))
def test_binary_comes_back(frame: Frame) -> None:
    """A frame is the same as binary and as JSON."""
    packed = frame.pack()
    assert INTEGRATION.Frame.unpack(packed) == frame
    assert INTEGRATION.parse(frame.dumps()) == frame
    assert len(packed) == 22 + len(frame.jpeg)


@given(message=messages(INTEGRATION), more=st.dictionaries(st.text(min_size=1), st.integers()))
def test_unknown_keys_are_ignored(message: Any, more: dict[str, int]) -> None:
    """What a newer version adds does not disturb this one."""
    assert type(message).read({**more, **message.written()}) == message


@given(data=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_frame_or_an_error(protocol: ModuleType, data: bytes) -> None:
    """Binary garbage raises ProtocolError and nothing else."""
    try:
        frame = protocol.Frame.unpack(data)
    except protocol.ProtocolError:
        return
    assert frame.jpeg.startswith(b"\xff\xd8")


@given(text=st.text(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_message_or_an_error(protocol: ModuleType, text: str) -> None:
    """Textual garbage raises ProtocolError and nothing else."""
    with pytest.raises(protocol.ProtocolError):
        protocol.parse(text if text.strip() else "x")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(message=messages(INTEGRATION), data=st.data())
def test_a_message_with_a_broken_field_is_an_error_or_whole(
    message: Any, data: st.DataObject
) -> None:
    """Whatever stands in one of its fields, a message is read whole or refused by the field's name."""
    written = message.written()
    name = data.draw(st.sampled_from(sorted(written)))
    written[name] = data.draw(JSON)
    blamed = ""
    try:
        read = type(message).read(written)
    except INTEGRATION.ProtocolError as error:
        blamed = error.field
    assert f".{name}" in blamed if blamed else type(message).read(read.written()) == read


@given(message=messages(INTEGRATION), cut=st.floats(0, 1))
def test_a_truncated_message_is_an_error(message: Any, cut: float) -> None:
    """A text that ends too early never passes."""
    text = message.dumps()
    with pytest.raises(INTEGRATION.ProtocolError):
        INTEGRATION.parse(text[: int(cut * (len(text) - 1))])


def test_secrets_are_not_shown() -> None:
    """The camera's password and the pictures stay out of what is printed of a message."""
    probe = INTEGRATION.Probe(id=1, url="rtsp://192.0.2.1/", password="hunter2")
    config = INTEGRATION.CameraConfig(
        number=1, camera="door", source=INTEGRATION.Source.RTSP, password="hunter2"
    )
    frame = INTEGRATION.Frame(camera=1, sequence=1, captured_us=1, jpeg=b"\xff\xd8hunter2\xff\xd9")
    assert "hunter2" not in f"{probe} {config} {frame}"
