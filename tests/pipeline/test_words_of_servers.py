"""What models and servers say is made fit for use: thoughts taken out, secrets blotted, refusals known."""

import pytest

from custom_components.camera_narrator.providers.redaction import MAX_CHARACTERS, redacted
from custom_components.camera_narrator.providers.refusal import is_refusal
from custom_components.camera_narrator.providers.thoughts import Thoughts, without_thoughts

KEY = "sk-proj-Q8vN2xT7Lm4Zk1Wb"


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("<think>Is it {a} cat?</think>\n\nA cat.", "\n\nA cat."),
        ("\n<thinking>Hm.</thinking>A cat.", "A cat."),
        ("A cat. <think>No tag here.</think>", "A cat. <think>No tag here.</think>"),
        ("<thin air>", "<thin air>"),
        ("<thi", "<thi"),
        ("<think>For ever", ""),
        ("  ", ""),
        ('{"a": "<think>"}', '{"a": "<think>"}'),
    ],
)
def test_thoughts_are_taken_out_wherever_the_stream_is_cut(said: str, answer: str) -> None:
    """A tag may come in two pieces, cut anywhere, or a character at a time."""
    cuts = [[said[:at], said[at:]] for at in range(len(said) + 1)] + [list(said)]
    for pieces in cuts:
        thoughts = Thoughts()
        kept = "".join(thoughts.feed(piece) for piece in pieces) + thoughts.rest()
        assert kept == answer, pieces


def test_space_without_end_is_not_kept() -> None:
    """A server that sends nothing but space for minutes costs no memory."""
    thoughts = Thoughts()
    for _ in range(1000):
        assert thoughts.feed(" \n" * 100) == ""
    assert thoughts._held == ""
    assert thoughts.feed("A cat.") == "A cat."


def test_a_lost_opening_tag_hides_no_thoughts() -> None:
    """Some templates put the opening tag into the prompt."""
    assert without_thoughts("Is it a cat?</think>\nA cat.") == "A cat."


@pytest.mark.parametrize(
    "echo",
    [
        f"Incorrect API key provided: {KEY}.",
        f'{{"key": "{KEY}"}}',
        f"key={KEY[:10]}...",
        "Incorrect API key: sk-pr******************1Wb.",
        f"Authorization: Bearer {KEY}",
        f"...{KEY[-6:]} is expired",
    ],
)
def test_echoed_keys_are_blotted(echo: str) -> None:
    """A server that repeats the key, whole, in part or masked, does not get it into a message."""
    shown = redacted(echo, (KEY, "", ""))
    assert not any(KEY[at : at + 6] in shown for at in range(len(KEY) - 5))
    assert "1Wb" not in shown


def test_credentials_pictures_and_pages_stay_out() -> None:
    """An address loses its credentials, a data URI its data, a page its length and lines."""
    shown = redacted(
        "no route to http://ann:pw@gpu:1/v1 for data:image/jpeg;base64," + "QUJD" * 400,
        ("pw",),
    )
    assert shown == "no route to http://gpu:1/v1 for …"
    page = redacted("<p>\n\x1b[31mBad\n" * 100, ())
    assert len(page) <= MAX_CHARACTERS
    assert page.isprintable()


def test_plain_words_stay_as_they_are() -> None:
    """What a server says for people arrives."""
    said = "This model's maximum context length is 4096 tokens"
    assert redacted(said, (KEY,)) == said


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("I'm sorry, but I can't assist with that request.", True),
        ("I’m unable to help with identifying people in images.", True),
        ("As an AI, I cannot view images.", True),
        ("Unfortunately, I am not able to see the images you sent.", True),
        ("I cannot see anybody in the yard; the gate is closed.", False),
        ("A man who cannot open the gate walks away.", False),
        ("Sorry-looking snowman next to the gate.", False),
    ],
)
def test_refusals_are_told_from_narratives(text: str, refused: bool) -> None:
    """A sentence that declines is no narrative; one that denies is."""
    assert is_refusal(text) is refused
