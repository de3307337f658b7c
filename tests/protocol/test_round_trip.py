"""Every message comes back from the wire as it went, in both copies, and both copies are one."""

from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st
import pytest

from custom_components.camera_narrator import protocol as integration_copy
from edge_bridge import protocol as bridge_copy
from tests.protocol.strategies import messages, records


def test_the_copies_are_identical() -> None:
    """The two copies are the same, byte for byte."""
    one, other = (
        Path(copy.__file__ or "").read_bytes() for copy in (integration_copy, bridge_copy)
    )
    assert one == other


def test_every_message_has_its_tag() -> None:
    """The table of messages holds every kind of message that the module defines."""
    defined = {
        kind
        for kind in vars(integration_copy).values()
        if isinstance(kind, type)
        and issubclass(kind, integration_copy.Message)
        and kind is not integration_copy.Message
    }
    assert set(integration_copy.MESSAGES.values()) == defined
    assert all(kind.type == tag for tag, kind in integration_copy.MESSAGES.items())


@given(message=messages(integration_copy))
def test_text_comes_back(message: Any) -> None:
    """What one half writes, the other reads as the same."""
    text = message.dumps()
    assert integration_copy.parse(text) == message
    assert integration_copy.parse(text.encode()) == message
    assert bridge_copy.parse(text).dumps() == text  # type: ignore[union-attr]


@given(frame=records(integration_copy, integration_copy.Frame))
def test_binary_comes_back(frame: integration_copy.Frame) -> None:
    """A frame is the same as binary and as JSON."""
    packed = frame.pack()
    assert integration_copy.Frame.unpack(packed) == frame
    assert integration_copy.parse(frame.dumps()) == frame
    assert len(packed) == 22 + len(frame.jpeg)


@given(message=messages(integration_copy), more=st.dictionaries(st.text(min_size=1), st.integers()))
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


@given(message=messages(integration_copy), data=st.data())
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
    except integration_copy.ProtocolError as error:
        blamed = error.field
    assert f".{name}" in blamed if blamed else type(message).read(read.written()) == read


@given(message=messages(integration_copy), cut=st.floats(0, 1))
def test_a_truncated_message_is_an_error(message: Any, cut: float) -> None:
    """A text that ends too early never passes."""
    text = message.dumps()
    with pytest.raises(integration_copy.ProtocolError):
        integration_copy.parse(text[: int(cut * (len(text) - 1))])


def test_secrets_are_not_shown() -> None:
    """The camera's password and the pictures stay out of what is printed of a message."""
    probe = integration_copy.Probe(id=1, url="rtsp://192.0.2.1/", password="hunter2")
    config = integration_copy.CameraConfig(
        number=1, camera="door", source=integration_copy.Source.RTSP, password="hunter2"
    )
    frame = integration_copy.Frame(
        camera=1, sequence=1, captured_us=1, jpeg=b"\xff\xd8hunter2\xff\xd9"
    )
    assert "hunter2" not in f"{probe} {config} {frame}"
