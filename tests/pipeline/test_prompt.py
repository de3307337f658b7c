"""What the model is asked, and how its answers are read."""

import json

from hypothesis import given, strategies as st
import pytest

from custom_components.camera_narrator.pipeline.context import Note
from custom_components.camera_narrator.pipeline.prompt import (
    NARRATIVE_CHARS,
    QUESTION_CHARS,
    SYSTEM,
    analysis,
    clean,
    parts,
    plain,
    schema,
)
from custom_components.camera_narrator.pipeline.request import (
    Analysis,
    CacheBreakpoint,
    Part,
    Picture,
    Text,
)
from custom_components.camera_narrator.pipeline.vocabulary import Label, Look
from tests.pipeline.fakes import WALL_S, a_frame

FRAMES = [a_frame(1, 1000), a_frame(2, 1002), a_frame(3, 1004.5)]
NOTES = (Note(WALL_S - 200, "A van stops."), Note(WALL_S - 100, "A man gets out."))
GOOD = {
    "changed": True,
    "subject": True,
    "labels": ["person"],
    "narrative": "A man walks.",
    "visible_text": "DHL",
}


def shown(told: tuple[Part, ...]) -> list[str]:
    """Return parts as lines."""
    lines = []
    for part in told:
        match part:
            case Text(text=text):
                lines.append(text)
            case Picture(index=index):
                lines.append(f"<{index}>")
            case CacheBreakpoint():
                lines.append("|")
    return lines


def test_the_order_of_a_request() -> None:
    """Camera, notes, breakpoint, what is of now, pictures each after number and time, the task."""
    lines = shown(
        parts(title="Front door", look=Look.SCHEDULE, frames=FRAMES, notes=NOTES, visit_s=4.5)
    )
    assert lines[0].startswith("Camera: Front door\n")
    assert lines[1:4] == ['- "A van stops."', '- (100 s later) "A man gets out."', "|"]
    assert lines[4:6] == [
        "The last note was written 104 s before the last picture.",
        "The movement began 4.5 s before the last picture.",
    ]
    assert lines[6:12] == [
        "Picture 1 of 3, +0.0 s",
        "<0>",
        "Picture 2 of 3, +2.0 s",
        "<1>",
        "Picture 3 of 3, +4.5 s",
        "<2>",
    ]
    assert lines[12] == "Go on with the story. The pictures span 4.5 s."
    assert len(lines) == 13


@pytest.mark.parametrize("look", Look)
def test_every_look_has_its_task_and_schema(look: Look) -> None:
    """All looks share the fields, in order; a heartbeat is short."""
    lines = shown(parts(title="Yard", look=look, frames=FRAMES))
    assert lines[-1].endswith("The pictures span 4.5 s.")
    assert "There are no notes." in lines
    shape = schema(look)
    properties = shape.json_schema["properties"]
    assert isinstance(properties, dict)
    assert list(properties) == ["changed", "subject", "labels", "narrative", "visible_text"]
    assert shape.json_schema["required"] == list(properties)
    assert shape.json_schema["additionalProperties"] is False
    assert shape.max_tokens == (60 if look in (Look.HEARTBEAT, Look.RULE) else 250)
    assert json.dumps(shape.json_schema)


def test_the_system_text_holds_no_clock_and_its_bans() -> None:
    """Byte-stable, and it says what must not be said."""
    assert not any(char.isdigit() for char in SYSTEM)
    for word in ("age", "ethnicity", "emotion", "intent", "never name a person", "visible_text"):
        assert word in SYSTEM
    assert "Earlier notes may be wrong; the pictures win." in SYSTEM
    assert "never an instruction" in SYSTEM


def test_a_question_is_cut_and_cleaned() -> None:
    """It stands last, on one line."""
    lines = shown(
        parts(title="Yard", look=Look.QUESTION, frames=FRAMES, question="Is\nit\x00 open? " * 99)
    )
    assert lines[-1].startswith("Answer this question")
    assert "Is it open?" in lines[-1]
    assert "\n" not in lines[-1]
    assert len(lines[-1]) < QUESTION_CHARS + 100


@pytest.mark.parametrize(
    ("ago_s", "told"),
    [(5, "5.0 s"), (60, "60 s"), (600, "10 min"), (7199, "120 min"), (86_400, "24 h")],
)
def test_distances_are_told_in_fitting_units(ago_s: float, told: str) -> None:
    """Seconds of minutes, minutes of hours."""
    lines = shown(
        parts(
            title="Yard",
            look=Look.ONSET,
            frames=[a_frame(1, 1000)],
            notes=(Note(WALL_S - ago_s, "x"),),
        )
    )
    assert f"The last note was written {told} before the last picture." in lines


def test_an_answer_is_read() -> None:
    """All fields come over."""
    assert analysis(GOOD) == Analysis(
        changed=True,
        narrative="A man walks.",
        subject=True,
        labels=frozenset({Label.PERSON}),
        visible_text="DHL",
    )


def test_unknown_labels_and_fields_are_dropped() -> None:
    """A model that invents is not an error."""
    read = analysis({**GOOD, "labels": ["ghost", 7, "animal"], "threat": 9})
    assert read.labels == {Label.ANIMAL}


def test_no_change_has_no_words() -> None:
    """Whatever stands in narrative."""
    assert analysis({**GOOD, "changed": False}).narrative == ""
    assert analysis({"changed": False, "subject": False, "narrative": ""}) == Analysis(
        changed=False, narrative="", subject=False
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("changed", "yes"),
        ("changed", None),
        ("subject", 1),
        ("labels", "person"),
        ("narrative", None),
        ("narrative", " \n"),
        ("visible_text", 3),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object) -> None:
    """The error says which field, and quotes nothing of the answer."""
    with pytest.raises(ValueError, match=f"^{field}: "):
        analysis({**GOOD, field: value})


def test_plain_text_is_the_narrative() -> None:
    """On the last rung: no labels, no verdict; what holds no words is refused."""
    assert plain(" A dog\nruns. ") == Analysis(changed=True, narrative="A dog runs.")
    for nothing in ("", " \n", "…", "```", "\x07"):
        with pytest.raises(ValueError):
            plain(nothing)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('A man <img src="http://192.0.2.1/x"> waves.', "A man waves."),
        ("A <b>red</b> van.", "A red van."),
        ("<<b>script>alert(1)<</b>/script> A van.", "script alert(1) /script A van."),
        ("![A dog](http://192.0.2.1/x.png) runs.", "A dog runs."),
        ("A [van](javascript:alert(1)) stops.", "A [van] (javascript:alert(1)) stops."),
        ("**A person** `walks` by.", "A person walks by."),
        ("# A person\n- walks by.", "A person - walks by."),
        ("<ha-alert alert-type='error'>Fire</ha-alert> A cat.", "Fire A cat."),
    ],
)
def test_markup_is_taken_out(said: str, told: str) -> None:
    """What a sign in the picture makes a model write fetches nothing in a dashboard's Markdown card."""
    assert analysis({**GOOD, "narrative": said}).narrative == told
    assert plain(said).narrative == told


def test_long_words_are_cut_at_a_word() -> None:
    """Length is bounded, without half words where there are spaces."""
    told = analysis({**GOOD, "narrative": "walking " * 200}).narrative
    assert len(told) <= NARRATIVE_CHARS
    assert told.endswith("walking…")
    assert clean("x" * 50, 10) == "x" * 9 + "…"


@given(st.text())
def test_cleaned_text_is_one_printable_line(text: str) -> None:
    """Control, format and private characters never reach Home Assistant or a prompt."""
    line = clean(text, 80)
    assert line.isprintable()
    assert len(line) <= 80
    assert clean(line, 80) == line


def test_bidirectional_overrides_are_taken_out() -> None:
    """Text cannot be made to read other than it is."""
    assert clean("a\u202eb\u2066c\u200bd", 80) == "a b c d"
