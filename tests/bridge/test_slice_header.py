"""The quantiser read from packets of a real encoder, and from garbage."""

from collections.abc import Iterator
from fractions import Fraction
import time

import av
from hypothesis import given, strategies as st
import numpy as np
import pytest

from edge_bridge.slice_header import SliceHeaders

SIZE = (160, 96)
"""Width, height."""


def packets(params: str, *, pixels: str = "yuv420p", count: int = 30) -> list[tuple[bytes, bool]]:
    """Encode moving noise with x264 as Annex B; return the packets and whether they are key pictures."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height = SIZE
    codec.pix_fmt = pixels
    codec.time_base, codec.framerate = Fraction(1, 25), Fraction(25)
    codec.options = {"preset": "medium", "x264-params": f"{params}:keyint=12:scenecut=0"}
    random = np.random.default_rng(3)
    still = random.integers(0, 255, (SIZE[1], SIZE[0], 3)).astype(np.uint8)
    made = []
    for number in range(count):
        rgb = np.roll(still, number, axis=1) // 2 + random.integers(0, 40, still.shape).astype(
            np.uint8
        )
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pixels)
        frame.pts = number
        made += codec.encode(frame)
    made += codec.encode(None)
    return [(bytes(packet), packet.is_keyframe) for packet in made]


def read(stream: list[tuple[bytes, bool]]) -> Iterator[int | None]:
    """Return what is read of each picture but the key pictures, which x264 gives a finer quantiser."""
    headers = SliceHeaders()
    for data, key in stream:
        if key:
            headers.learn(data)
            assert headers.qp(data) is not None
        else:
            yield headers.qp(memoryview(data))


@pytest.mark.parametrize("qp", [0, 12, 23, 37, 51])
@pytest.mark.parametrize(
    "params",
    [
        "bframes=0",
        "bframes=0:cabac=0",
        "bframes=0:ref=4:weightp=2:slices=3",
        "bframes=0:aud=1:nal-hrd=vbr:vbv-maxrate=90000:vbv-bufsize=90000",
        "bframes=0:cqm=jvt",
        "bframes=0:tff=1:ref=3",
        "bframes=0:fake-interlaced=1",
        "bframes=0:intra-refresh=1",
        "bframes=3:b-pyramid=strict:weightb=1:direct=temporal:pbratio=1",
        "bframes=3:b-pyramid=normal:tff=1:pbratio=1",
    ],
)
def test_quantiser_is_the_encoders(params: str, qp: int) -> None:
    """Whatever the encoder's tools, the constant quantiser it was given is read from every picture."""
    # Without the transform's shortcut at 0, the header tells the number that was asked for.
    found = set(read(packets(f"qp={qp}:aq-mode=0:{params}")))
    assert found == {qp}


@pytest.mark.parametrize("pixels", ["yuv444p", "gray", "yuv420p10le", "yuv422p"])
def test_other_formats(pixels: str) -> None:
    """High profiles: four chroma formats, scaling lists, more than eight bits."""
    offset = 12 if "10" in pixels else 0
    found = set(read(packets("qp=30:aq-mode=0:bframes=0:ref=2:weightp=2:cqm=jvt", pixels=pixels)))
    assert found == {30 - offset} or found == {30}


def test_rate_control_shows() -> None:
    """Under constant bit rate the quantiser is what changes; it lies within the codec's range."""
    stream = packets("bitrate=60:vbv-maxrate=60:vbv-bufsize=30:bframes=0", count=60)
    found = [qp for qp in read(stream) if qp is not None]
    assert len(found) == len([1 for _, key in stream if not key])
    assert len(set(found)) > 2
    assert all(0 <= qp <= 51 for qp in found)


def test_messages_before_the_picture_are_passed_over() -> None:
    """A vendor's message longer than the header's usual place hides nothing."""
    headers = SliceHeaders()
    stream = packets("qp=28:aq-mode=0:bframes=0")
    headers.learn(stream[0][0])
    message = b"\x00\x00\x01\x06\x05" + bytes([200]) + b"x" * 900 + b"\x80"
    assert headers.qp(message + stream[1][0]) == 28


def test_unknown_is_none() -> None:
    """Without parameter sets, without a picture and in another codec nothing is known."""
    headers = SliceHeaders()
    stream = packets("qp=28:bframes=0")
    assert headers.qp(stream[1][0]) is None
    headers.learn(stream[0][0])
    assert headers.qp(b"") is None
    assert headers.qp(b"\x00\x00\x00\x01\x02\x01\xd0\x09" * 20) is None
    assert headers.qp(stream[1][0][4:]) is None
    assert headers.qp(stream[1][0]) is not None


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=120),
            st.tuples(
                st.sampled_from([0x61, 0x41, 0x65, 0x67, 0x68, 0x06, 0x09]), st.binary(max_size=90)
            ).map(lambda unit: b"\x00\x00\x01" + bytes([unit[0]]) + unit[1]),
        ),
        max_size=6,
    )
)
def test_garbage_never_raises(pieces: list[bytes]) -> None:
    """Whatever comes, the answer is a quantiser of the codec's range or none."""
    headers = SliceHeaders()
    for piece in pieces:
        headers.learn(piece)
    for piece in [*pieces, b"".join(pieces)]:
        found = headers.qp(piece)
        assert found is None or -36 <= found <= 51


@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 3))
def test_damaged_parameter_sets_never_raise(at: int, value: int, packet: int) -> None:
    """A flipped byte in real data gives a quantiser of the range or none."""
    stream = STREAM
    damaged = bytearray(stream[0][0])
    damaged[at % len(damaged)] = value
    headers = SliceHeaders()
    headers.learn(bytes(damaged))
    found = headers.qp(stream[packet][0])
    assert found is None or -36 <= found <= 51


STREAM = packets("qp=28:bframes=0:ref=3:weightp=2", count=4)


def test_costs_little() -> None:
    """A packet costs some microseconds: hundreds of cameras send thousands a second."""
    headers = SliceHeaders()
    stream = packets("bitrate=200:bframes=0:ref=1:weightp=0")
    headers.learn(stream[0][0])
    views = [memoryview(data) for data, key in stream if not key] * 40
    best_us = 1000.0
    for _ in range(3):
        began = time.process_time_ns()
        for view in views:
            headers.qp(view)
        best_us = min(best_us, (time.process_time_ns() - began) / 1000 / len(views))
    # Measured at 4; a machine ten times slower still passes.
    assert best_us < 50
