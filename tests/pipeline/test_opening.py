"""What is told of an answer before it is complete."""

import json

from hypothesis import given, strategies as st
import pytest

from custom_components.camera_narrator.pipeline.errors import Fault, ProviderError
from custom_components.camera_narrator.pipeline.opening import opening, sentence
from custom_components.camera_narrator.pipeline.partial_json import PartialObject
from custom_components.camera_narrator.pipeline.request import Partial
from custom_components.camera_narrator.pipeline.vocabulary import Label, Phase, Verdict
from tests.pipeline.fakes import Step, saying
from tests.pipeline.scene import narrated

DECIDED = {"changed": True, "subject": True, "labels": ["person"]}
FIRST = "A man walks to the door."
WHOLE = f"{FIRST} He puts down a parcel."
CUT = ProviderError(Fault.UNREACHABLE, "the connection broke off", retryable=True)


def begins(*words: str) -> tuple[tuple[float, Partial], ...]:
    """Return an answer that has decided after a second, and tells its first sentence half a second later."""
    partials = [(1.0, Partial(fields=DECIDED))]
    partials += [(0.5, Partial(fields=DECIDED, sentence=text)) for text in words]
    return tuple(partials)


async def test_who_is_there_is_told_before_the_words() -> None:
    """Labels and verdict come with the fields that decide them, the first sentence when it ends, then all of it."""
    async with narrated() as scene:
        answer = saying(WHOLE, labels=frozenset({Label.PERSON}))
        scene.provider.steps = [Step(begins=begins(FIRST), seconds=0.5, answer=answer)]
        onset_s = await scene.onset()
        await scene.active(3)
        told = list(zip(scene.sink.event_times, scene.sink.events, strict=True))
        assert [(at_s - onset_s, event.phase, event.narrative) for at_s, event in told] == [
            (0.5, Phase.STARTED, None),
            (1.0, Phase.UPDATED, None),
            (1.5, Phase.UPDATED, FIRST),
            (2.0, Phase.UPDATED, WHOLE),
        ]
        assert told[1][1].labels == {Label.PERSON}
        assert told[1][1].verdict is Verdict.SUBJECT
        assert [one.text for one in scene.sink.narratives] == [FIRST, WHOLE]
        assert scene.sink.memory.narratives[-1][1] == WHOLE


async def test_only_the_whole_answer_consumes_pictures_and_joins_the_story() -> None:
    """What has been told early is in no note and no counter until the answer is complete."""
    async with narrated() as scene:
        scene.provider.steps = [Step(begins=begins(FIRST), seconds=60.0, answer=saying(WHOLE))]
        await scene.onset()
        await scene.active(3)
        assert scene.sink.narratives[-1].text == FIRST
        assert scene.sink.memory.narratives == ()
        assert scene.outcomes().analysed == 0
        assert scene.outcomes().in_flight == 4


async def test_a_stream_that_breaks_after_its_first_sentence() -> None:
    """The failure is no narrative: the sentence stands, its pictures are shown again, and the next answer goes on."""
    async with narrated() as scene:
        scene.provider.steps = [
            Step(begins=begins(FIRST), seconds=0.2, error=CUT),
            Step(seconds=1.0, answer=saying(WHOLE)),
        ]
        await scene.onset()
        await scene.active(2)
        assert [event.narrative for event in scene.sink.events] == [None, None, FIRST]
        assert scene.sink.failures[-1] is not None
        shown = [frame.identity for frame in scene.provider.asked[0].chunk.frames]
        assert scene.outcomes().analysed == 0
        await scene.active(6)
        again = [frame.identity for frame in scene.provider.asked[1].chunk.frames]
        assert set(shown) & set(again)
        assert [one.text for one in scene.sink.narratives][:2] == [FIRST, WHOLE]
        assert scene.sink.failures[-1] is None


async def test_later_words_are_told_once_they_are_complete() -> None:
    """A visit that has its words gets no half ones: each answer writes one state."""
    async with narrated() as scene:
        complete = Partial(fields={**DECIDED, "narrative": WHOLE})
        scene.provider.steps = [
            Step(answer=saying("Somebody.")),
            Step(begins=(*begins(FIRST), (0.5, complete)), seconds=0.5, answer=saying(WHOLE)),
        ]
        onset_s = await scene.onset()
        await scene.active(8)
        assert [one.text for one in scene.sink.narratives] == ["Somebody.", WHOLE]
        at_s = next(
            at_s
            for at_s, event in zip(scene.sink.event_times, scene.sink.events, strict=True)
            if event.narrative == WHOLE
        )
        assert at_s - onset_s == 4.0 + 2.0


async def test_a_name_opens_an_event_as_soon_as_it_is_decided() -> None:
    """Where an event needs a name of the model's, it starts with the name, not with the words' end."""
    async with narrated(only_for=frozenset({Label.PERSON})) as scene:
        answer = saying(WHOLE, labels=frozenset({Label.PERSON}))
        scene.provider.steps = [Step(begins=begins(FIRST), seconds=5.0, answer=answer)]
        onset_s = await scene.onset()
        await scene.active(7)
        assert scene.sink.phases[0] is Phase.STARTED
        assert scene.sink.event_times[0] == onset_s + 1.0
        assert scene.sink.phases.count(Phase.STARTED) == 1


async def test_an_answer_under_way_is_not_told_of_the_next_visit() -> None:
    """Words that are still coming when their visit has ended wait for their end."""
    async with narrated() as scene:
        scene.provider.default = Step(
            begins=((40.0, Partial(fields=DECIDED, sentence=FIRST)),),
            seconds=1.0,
            answer=saying(WHOLE),
        )
        await scene.visit(6)
        await scene.onset()
        await scene.active(10)
        assert FIRST not in [event.narrative for event in scene.sink.events]


@pytest.mark.parametrize(
    "fields",
    [
        {"changed": True, "subject": True},
        {"changed": False, "subject": False, "labels": []},
        {"changed": True, "subject": "yes", "labels": []},
        {"changed": True, "subject": True, "labels": "person"},
    ],
)
def test_what_decides_nothing_is_no_opening(fields: dict[str, object]) -> None:
    """Nothing is told early of what is incomplete or out of shape, and nothing is withdrawn early."""
    assert opening(Partial(fields=fields)) is None


def test_an_opening_is_as_plain_as_the_whole() -> None:
    """Markup is taken out of early words, too, and unknown labels are dropped."""
    told = opening(
        Partial(fields={**DECIDED, "labels": ["person", "ghost"]}, sentence="A <b>man</b>\u202e.")
    )
    assert told is not None
    assert told.analysis.narrative == "A man ."
    assert told.analysis.labels == {Label.PERSON}
    assert not told.whole


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("A man walks to the door. He ", "A man walks to the door."),
        ("A man walks to the door.", ""),
        ("A man walks approx. 3 m to", ""),
        ("A man of St. Paul walks. Then", "A man of St. Paul walks."),
        ("Ein Mann ist gekommen! Er", "Ein Mann ist gekommen!"),
        ("\u4e00" * 16 + "\u3002" + "\u4e00", "\u4e00" * 16 + "\u3002"),
    ],
)
def test_a_sentence_ends_where_the_next_begins(text: str, first: str) -> None:
    """A full stop alone may be an abbreviation or the last of all."""
    assert sentence(DECIDED, text) == first


def test_no_sentence_before_it_is_known_who_is_there() -> None:
    """A server that writes the words first waits with them for the rest."""
    assert sentence({"changed": True}, f"{FIRST} He") == ""


@given(st.text(max_size=60), st.booleans())
def test_words_that_are_coming_are_a_beginning_of_them(text: str, ascii_only: bool) -> None:
    """Wherever the pieces end, also within an escape, what is read is how the text begins."""
    written = json.dumps({"a": "x", "narrative": text}, ensure_ascii=ascii_only)
    partial = PartialObject()
    known = ""
    for char in written:
        partial.feed(char)
        coming = partial.coming("narrative")
        # Half of a surrogate pair becomes whole with its other half.
        assert text.startswith(coming.rstrip("".join(map(chr, range(0xD800, 0xE000)))))
        assert not partial.coming("a") or known == ""
        known = max(known, coming, key=len)
    assert known.rstrip("\ud83d") == text or len(known) >= len(text) - 1
