"""The built-in describer says what the activity shows, in words that follow from it, and nothing more."""

from dataclasses import replace
from pathlib import Path
import subprocess
import sys

import pytest

from custom_components.camera_narrator.pipeline.models import (
    ActivityState,
    Detection,
    Frame,
    Region,
    Span,
)
from custom_components.camera_narrator.pipeline.request import Chunk, Partial, Schema, Usage
from custom_components.camera_narrator.pipeline.vocabulary import Label, Look
from custom_components.camera_narrator.providers.builtin import NAME, BuiltinProvider

FOLDER = Path(__file__).parents[2] / "custom_components" / "camera_narrator"
LEFT = Region(x=0.1, y=0.4, width=0.1, height=0.2)
FURTHER_LEFT_OF_MIDDLE = Region(x=0.2, y=0.4, width=0.1, height=0.2)
LOWER_RIGHT = Region(x=0.8, y=0.75, width=0.1, height=0.2)
MIDDLE = Region(x=0.45, y=0.4, width=0.1, height=0.2)
SPECK = Region(x=0.5, y=0.5, width=0.05, height=0.05)
NEAR = Region(x=0.2, y=0.2, width=0.6, height=0.6)


def state(
    at_s: float, *regions: Region, since_s: float = 0.0, active: bool = True
) -> ActivityState:
    return ActivityState(active=active, since_s=since_s, received_s=at_s, regions=regions)


def frame(at_s: float, *, active: bool = True) -> Frame:
    return Frame(
        camera="yard",
        epoch="e",
        sequence=int(at_s * 10),
        captured_s=at_s,
        captured_wall_s=at_s,
        received_s=at_s,
        width=854,
        height=480,
        active=active,
        jpeg=b"not looked at",
    )


def chunk(
    look: Look,
    *activity: ActivityState,
    to_s: float = 6.0,
    from_s: float = 0.0,
    visit_s: float | None = None,
    frames: tuple[Frame, ...] | None = None,
) -> Chunk:
    return Chunk(
        camera="yard",
        title="Yard",
        look=look,
        frames=frames if frames is not None else (frame(to_s, active=False),),
        system="",
        parts=(),
        schema=Schema(name="narration", json_schema={}, max_tokens=250),
        span=Span(from_s=from_s, to_s=to_s, from_wall_s=from_s, to_wall_s=to_s),
        activity=activity,
        visit_s=to_s if visit_s is None else visit_s,
    )


async def ask(of: Chunk) -> Partial:
    answers = [partial async for partial in BuiltinProvider().analyse(of)]
    assert len(answers) == 1
    return answers[0]


async def say(of: Chunk) -> str:
    analysis = (await ask(of)).analysis
    assert analysis is not None
    return analysis.narrative


@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        (
            chunk(Look.ONSET, state(0, LEFT), state(6, FURTHER_LEFT_OF_MIDDLE)),
            "Movement on the left, moving right, for 6 s.",
        ),
        (
            chunk(Look.ONSET, state(0, LEFT), state(6, LOWER_RIGHT)),
            "Movement from the left to the lower right, for 6 s.",
        ),
        (chunk(Look.NOVELTY, state(0, MIDDLE)), "Movement in the middle, for 6 s."),
        (
            chunk(Look.SCHEDULE, state(10, MIDDLE), from_s=8.0, to_s=14.0, visit_s=14.0),
            "Still movement in the middle, for 14 s so far.",
        ),
        (
            chunk(Look.SCHEDULE, state(0, LEFT, MIDDLE, NEAR)),
            "Movement in 3 places, most of it in the middle, for 6 s.",
        ),
        (chunk(Look.ONSET, state(0, SPECK)), "Slight movement in the middle, for 6 s."),
        (chunk(Look.ONSET, state(0, NEAR)), "Large movement in the middle, for 6 s."),
        (
            chunk(Look.SCHEDULE, state(0, LEFT), state(4, since_s=4.0, active=False)),
            "Movement on the left, for 4 s, then quiet for 2 s.",
        ),
        (
            chunk(
                Look.CLOSING,
                state(0, LEFT),
                state(12, LOWER_RIGHT),
                state(14, since_s=14.0, active=False),
                to_s=20.0,
            ),
            "Movement for 14 s, from the left to the lower right.",
        ),
        (
            chunk(
                Look.CLOSING,
                state(19, since_s=14.0, active=False),
                from_s=16.0,
                to_s=20.0,
                visit_s=20.0,
            ),
            "Movement for 14 s.",
        ),
        (
            chunk(Look.CATCH_UP, frames=(frame(1.0), frame(4.0), frame(6.0, active=False))),
            "There was movement for 3 s.",
        ),
        (chunk(Look.ONSET, frames=(frame(1.0), frame(3.0)), to_s=3.0), "Movement, for 3 s."),
        (
            chunk(Look.QUESTION, state(6, since_s=-180.0, active=False)),
            "Nothing has moved for 3 min.",
        ),
        (chunk(Look.QUESTION, to_s=0.0), "Nothing moves."),
    ],
)
async def test_sentences_follow_from_facts(of: Chunk, sentence: str) -> None:
    """Place, way, size, number and duration each show in the words, and the same facts in the same words."""
    assert await say(of) == sentence
    assert await say(of) == sentence


PERSON, VEHICLE, ANIMAL = Label.PERSON, Label.VEHICLE, Label.ANIMAL


def named(
    at_s: float, *things: tuple[Label, Region], beside: tuple[Region, ...] = ()
) -> ActivityState:
    """Return a state in which a detector named things, all of which move, and what moves beside them."""
    detections = tuple(Detection(label=label, score=0.8, box=box) for label, box in things)
    regions = (*(box for _, box in things), *beside)
    return replace(state(at_s, *regions), detections=detections)


@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        (
            chunk(Look.ONSET, named(0, (PERSON, LEFT)), named(6, (PERSON, FURTHER_LEFT_OF_MIDDLE))),
            "A person on the left, moving right, for 6 s.",
        ),
        (
            chunk(Look.ONSET, named(0, (PERSON, LEFT)), named(6, (PERSON, LOWER_RIGHT))),
            "A person from the left to the lower right, for 6 s.",
        ),
        (
            chunk(Look.SCHEDULE, named(0, (PERSON, LEFT), (PERSON, LEFT))),
            "Two people on the left, for 6 s.",
        ),
        (
            chunk(
                Look.SCHEDULE, named(0, (PERSON, LEFT), (PERSON, MIDDLE), (VEHICLE, LOWER_RIGHT))
            ),
            "Two people on the left and in the middle and a vehicle in the lower right, for 6 s.",
        ),
        (
            chunk(Look.NOVELTY, named(0, (ANIMAL, MIDDLE), beside=(LOWER_RIGHT,))),
            "An animal in the middle and movement in the lower right, for 6 s.",
        ),
        (
            chunk(Look.SCHEDULE, named(10, (VEHICLE, MIDDLE)), from_s=8.0, to_s=14.0, visit_s=14.0),
            "Still a vehicle in the middle, for 14 s so far.",
        ),
        (
            chunk(
                Look.CLOSING,
                named(0, (PERSON, LEFT)),
                named(12, (PERSON, LOWER_RIGHT)),
                state(14, since_s=14.0, active=False),
                to_s=20.0,
            ),
            "A person for 14 s, from the left to the lower right.",
        ),
        (
            chunk(
                Look.CLOSING,
                named(0, (PERSON, LEFT)),
                named(12, (PERSON, MIDDLE), (ANIMAL, LEFT)),
                state(14, since_s=14.0, active=False),
                to_s=20.0,
            ),
            "A person and an animal for 14 s.",
        ),
        (
            chunk(Look.CATCH_UP, named(0, (PERSON, LEFT), (PERSON, MIDDLE)), to_s=3.0),
            "There were two people for 3 s.",
        ),
    ],
)
async def test_what_the_detector_named_is_told(of: Chunk, sentence: str) -> None:
    """Who, how many and where, and movement where it named nothing; the labels are those of its words."""
    analysis = (await ask(of)).analysis
    assert analysis is not None
    assert analysis.narrative == sentence
    assert analysis.subject
    assert analysis.labels == {seen.label for moment in of.activity for seen in moment.detections}


@pytest.mark.parametrize("look", [Look.SCHEDULE, Look.HEARTBEAT, Look.CATCH_UP])
async def test_says_nothing_where_nothing_moved(look: Look) -> None:
    """A quiet span brings no words, so that nothing is published."""
    partial = await ask(chunk(look, state(6, since_s=-60.0, active=False)))
    assert partial.analysis is not None
    assert not partial.analysis.changed
    assert partial.analysis.narrative == ""


async def test_claims_nothing_it_cannot_know() -> None:
    """One final partial without subject, labels or cost; never the word for what moves."""
    partial = await ask(chunk(Look.ONSET, state(0, NEAR)))
    assert partial.final
    assert partial.analysis is not None
    assert partial.analysis.changed
    assert partial.analysis.subject is None
    assert partial.analysis.labels == frozenset()
    assert partial.usage == Usage(input_tokens=0, output_tokens=0)
    assert not {"person", "vehicle", "animal", "package"} & set(partial.analysis.narrative.split())


def test_is_named_and_wants_no_heartbeats() -> None:
    """It says who it is, names nothing by itself, and asks for no look that cannot bring words."""
    assert BuiltinProvider().name == NAME
    assert not BuiltinProvider().heartbeats
    assert not BuiltinProvider().names_subjects


def test_needs_nothing_but_the_standard_library() -> None:
    """The describer loads in a process with nothing installed, and brings neither Home Assistant nor openai."""
    code = (
        "import sys, types\n"
        "package = types.ModuleType('camera_narrator')\n"
        f"package.__path__ = [{str(FOLDER)!r}]\n"
        "sys.modules['camera_narrator'] = package\n"
        "import camera_narrator.providers.builtin\n"
        "own = {'camera_narrator'} | set(sys.stdlib_module_names)\n"
        "print(*{name.partition('.')[0] for name in sys.modules} - own - {'__main__'})\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
