"""The story so far."""

import pytest

from custom_components.camera_narrator.pipeline.context import (
    NOTE_CHARS,
    NOTES_MAX,
    Context,
    without_writing,
)


def texts(context: Context) -> list[str]:
    """Return the notes' words."""
    return [note.text for note in context.notes]


def test_notes_are_appended_and_cut_in_one_step() -> None:
    """From three to nine they only grow; the tenth leaves the last three."""
    context = Context()
    sizes = []
    for number in range(1, 17):
        before = texts(context)
        context.add(number, f"{number}")
        sizes.append(len(context.notes))
        if len(before) < NOTES_MAX:
            assert texts(context)[:-1] == before
    assert sizes == [1, 2, 3, 4, 5, 6, 7, 8, 9, 3, 4, 5, 6, 7, 8, 9]
    assert texts(context)[-1] == "16"


def test_notes_survive_a_restart() -> None:
    """What is stored makes the same context, bounded."""
    context = Context()
    context.add(1.0, "A van.")
    context.add(2.0, "It leaves.")
    assert Context(context.narratives).notes == context.notes
    assert len(Context(tuple((float(n), "x") for n in range(20))).notes) == NOTES_MAX


def test_a_note_is_bounded() -> None:
    """A model that rambles does not fill the prompt; nothing is not a note."""
    context = Context()
    context.add(1, "word " * 500)
    context.add(2, "")
    assert [len(text) for text in texts(context)] == [NOTE_CHARS]


@pytest.mark.parametrize(
    ("narrative", "writing", "kept"),
    [
        ("A van with DHL Express on it.", "DHL Express", "A van with [writing] on it."),
        ('A sign says "obey, ME now".', "Obey me\nnow", 'A sign says "[writing] now".'),
        ("House 12.", "12", "House 12."),
        ("A van.", "", "A van."),
        ("A (b) [c] sign", "(b) [c] sign", "A [writing]"),
    ],
)
def test_writing_of_the_scene_is_taken_out(narrative: str, writing: str, kept: str) -> None:
    """Whatever its case and punctuation; short marks are part of a sentence."""
    assert without_writing(narrative, writing) == kept
