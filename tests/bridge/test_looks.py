"""The detector's thread: it answers later and holds nobody up."""

from collections.abc import Iterator, Sequence
from pathlib import Path
import queue
import threading
import time
from typing import override

from av.video.frame import VideoFrame
import pytest

from edge_bridge.encoder import Encoder
from edge_bridge.labels import Labeller
from edge_bridge.look_queue import LOOK_US, Eye
from edge_bridge.looks import FAILURES, Look, Looks, Seen, looks_with
from edge_bridge.protocol.area import Detection, Polygon, Region
from edge_bridge.protocol.vocabulary import Label

WAIT_S = 10
PERSON = Detection(label=Label.PERSON, score=0.6, box=Region(x=0.1, y=0.1, width=0.2, height=0.5))
MOTION = (Region(x=0.0, y=0.0, width=0.5, height=0.5),)


class SlowLabeller(Labeller):
    """Looks when it is let, and sees what it is told to see."""

    def __init__(self) -> None:
        super().__init__(Encoder(), Path("model"))
        self.go = threading.Semaphore(0)
        self.begun: queue.Queue[int] = queue.Queue()
        self.error: Exception | None = None

    @override
    def detect(
        self,
        frame: VideoFrame,
        *,
        masks: tuple[Polygon, ...] = (),
        focus: Sequence[Region] = (),
    ) -> tuple[Detection, ...]:
        self.begun.put(frame.width)
        assert self.go.acquire(timeout=WAIT_S)
        if self.error is not None:
            raise self.error
        return (PERSON,)


@pytest.fixture
def labeller() -> SlowLabeller:
    return SlowLabeller()


@pytest.fixture
def looks(labeller: SlowLabeller) -> Iterator[Looks]:
    made = Looks(labeller)
    yield made
    labeller.go.release(10)
    made.stop()
    made.join(time.monotonic() + WAIT_S)


def look(seen: queue.Queue[Seen], captured_us: int = 0, width: int = 64) -> Look:
    """A picture whose width tells which it is."""
    return Look(
        frame=VideoFrame(width, 64, "yuv420p"),
        captured_us=captured_us,
        regions=MOTION,
        focus=MOTION,
        masks=(),
        tell=seen.put,
    )


def test_an_offer_returns_at_once_and_the_answer_follows(
    looks: Looks, labeller: SlowLabeller
) -> None:
    """What was seen comes with the time of the picture and what moved in it, once the look is over."""
    front = Eye()
    seen: queue.Queue[Seen] = queue.Queue()
    looks.offer(front, look(seen, captured_us=5))
    assert labeller.begun.get(timeout=WAIT_S) == 64
    assert seen.empty()
    labeller.go.release()
    assert seen.get(timeout=WAIT_S) == Seen(detections=(PERSON,), regions=MOTION, captured_us=5)
    looks.stop()
    looks.join(time.monotonic() + WAIT_S)
    assert looks.status()["looks"] == 1


def test_while_it_looks_newer_pictures_take_the_place_of_older_ones(
    looks: Looks, labeller: SlowLabeller
) -> None:
    """The one in the middle is skipped and counted."""
    front = Eye()
    seen: queue.Queue[Seen] = queue.Queue()
    looks.offer(front, look(seen, width=16))
    assert labeller.begun.get(timeout=WAIT_S) == 16
    assert not looks.due(front, LOOK_US - 1)
    assert looks.due(front, LOOK_US)
    looks.offer(front, look(seen, LOOK_US, width=32))
    looks.offer(front, look(seen, 2 * LOOK_US, width=48))
    labeller.go.release(2)
    assert labeller.begun.get(timeout=WAIT_S) == 48
    assert [seen.get(timeout=WAIT_S).captured_us for _ in range(2)] == [0, 2 * LOOK_US]
    assert looks.status()["skipped"] == 1


def test_one_look_that_fails_is_one_look_less(looks: Looks, labeller: SlowLabeller) -> None:
    """A picture that nobody can scale does not end the detector for all cameras."""
    front, back = Eye(), Eye()
    seen: queue.Queue[Seen] = queue.Queue()
    labeller.error = ValueError("a size of zero")
    looks.offer(front, look(seen))
    labeller.go.release()
    labeller.begun.get(timeout=WAIT_S)
    looks.offer(back, look(seen, captured_us=7))
    labeller.begun.get(timeout=WAIT_S)
    labeller.error = None
    labeller.go.release()
    assert seen.get(timeout=WAIT_S).captured_us == 7
    assert looks.problem is None


def test_a_detector_that_breaks_down_is_out_of_use(
    looks: Looks, labeller: SlowLabeller, caplog: pytest.LogCaptureFixture
) -> None:
    """After some failures in a row it says so once, takes nothing more, and nobody else notices."""
    front = Eye()
    seen: queue.Queue[Seen] = queue.Queue()
    labeller.error = ValueError("the runtime is another one")
    for _ in range(FAILURES):
        looks.offer(front, look(seen))
        labeller.go.release()
        labeller.begun.get(timeout=WAIT_S)
    looks.stop()
    looks.join(time.monotonic() + WAIT_S)
    assert looks.status() == {"problem": "it broke down: ValueError"}
    assert not looks.due(front, 10 * LOOK_US)
    looks.offer(front, look(seen, 10 * LOOK_US))
    assert seen.empty()
    assert [record.message for record in caplog.records] == [
        *["Detector: a look failed"] * FAILURES,
        "Detector: no longer in use, it broke down: ValueError",
    ]


def test_an_end_leaves_no_thread(looks: Looks, labeller: SlowLabeller) -> None:
    """Whether it was looking, waiting or had never begun."""
    front = Eye()
    before = threading.active_count()
    seen: queue.Queue[Seen] = queue.Queue()
    looks.offer(front, look(seen))
    labeller.go.release()
    seen.get(timeout=WAIT_S)
    assert threading.active_count() == before + 1
    looks.stop()
    looks.join(time.monotonic() + WAIT_S)
    assert threading.active_count() == before
    unused = Looks(labeller)
    unused.stop()
    assert not unused.due(front, 0)


def test_forgotten_cameras_are_not_looked_at(looks: Looks, labeller: SlowLabeller) -> None:
    """A camera that was taken away leaves no picture behind."""
    front, back, gone = Eye(), Eye(), Eye()
    seen: queue.Queue[Seen] = queue.Queue()
    looks.offer(front, look(seen, width=16))
    assert labeller.begun.get(timeout=WAIT_S) == 16
    looks.offer(gone, look(seen, width=32))
    looks.forget(gone)
    looks.offer(back, look(seen, width=48))
    labeller.go.release(2)
    assert labeller.begun.get(timeout=WAIT_S) == 48


def test_without_a_model_nothing_is_looked_at(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason is in the log once and in the status; pictures are never due."""
    front = Eye()
    caplog.set_level("INFO")
    looks = looks_with(tmp_path / "model", Encoder())
    reason = f"no model at {tmp_path / 'model'}; `edge-bridge detector` fetches it"
    assert looks.status() == {"problem": reason}
    assert not looks.due(front, 0)
    assert looks_with(None, Encoder()).problem == "it is turned off"
    assert [record.message for record in caplog.records] == [
        f"Detector: not in use, {reason}",
        "Detector: not in use, it is turned off",
    ]
