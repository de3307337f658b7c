"""The streamed object is json's, whatever the pieces it comes in."""

import json
from typing import NoReturn

from hypothesis import given, strategies as st
import pytest

from custom_components.camera_narrator.pipeline.partial_json import LENGTH_MAX, PartialObject

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=6)
LAYOUTS = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}])


@given(OBJECTS, LAYOUTS, st.randoms())
def test_any_pieces_make_the_same_object(
    value: dict[str, object], layout: dict[str, object], dice: object
) -> None:
    """Fields appear when they are complete, never change, and in the end equal what json reads."""
    text = json.dumps(value, **layout)  # type: ignore[arg-type]
    partial = PartialObject()
    at, before = 0, {}
    while at < len(text):
        size = dice.randrange(1, 6)  # type: ignore[attr-defined]
        fields = partial.feed(text[at : at + size])
        assert fields.items() >= before.items()
        assert all(value[name] == field for name, field in fields.items())
        at, before = at + size, fields
    assert partial.complete
    assert partial.feed("") == json.loads(text)


@given(OBJECTS, st.integers(min_value=0), st.text(alphabet='{}[]",:\\ 0ae\u0007', max_size=2))
def test_what_json_refuses_is_never_complete(
    value: dict[str, object], place: int, noise: str
) -> None:
    """An object damaged anywhere is refused or stays incomplete, or json reads it the same."""
    text = json.dumps(value)
    place %= len(text)
    damaged = "{" + (text[:place] + noise + text[place + 1 :]).removeprefix("{")
    partial = PartialObject()
    try:
        fields = partial.feed(damaged)
    except ValueError:
        with pytest.raises(ValueError):
            json.loads(damaged, parse_constant=refuse)
        return
    if partial.complete:
        assert json.JSONDecoder().raw_decode(damaged)[0] == fields


def refuse(name: str) -> NoReturn:
    """Refuse what is no JSON."""
    raise ValueError(name)


def test_fields_are_there_as_soon_as_they_end() -> None:
    """A field is complete at the comma after it, not before."""
    partial = PartialObject()
    assert partial.feed('{"changed": tru') == {}
    assert partial.feed("e") == {}
    assert partial.feed(', "labels": ["person"') == {"changed": True}
    assert partial.feed(', "a,b}"] , "n": "x\\') == {
        "changed": True,
        "labels": ["person", "a,b}"],
    }
    assert partial.feed('"}{"') == {"changed": True, "labels": ["person", "a,b}"]}
    assert not partial.complete
    assert partial.feed("}") == {"changed": True, "labels": ["person", "a,b}"], "n": 'x"}{'}
    assert partial.complete


def test_text_around_the_object_is_ignored() -> None:
    """Fences and politeness before and after do no harm."""
    partial = PartialObject()
    assert partial.feed('Sure!\n```json\n{"a": 1}\n```, {"b": 2}') == {"a": 1}
    assert PartialObject().feed("{ }") == {}


@pytest.mark.parametrize(
    "text",
    [
        "{a: 1}",
        '{"a" 1}',
        '{"a": }',
        '{"a": 1,,}',
        '{"a": 1,}',
        '{"a": NaN}',
        '{"a": ]}',
        '{"a": "\n"}',
        '{"\\q": 1}',
        '{"a":' + "[" * 30_000 + "]" * 30_000 + "}",
        "{" + " " * LENGTH_MAX,
    ],
    ids=lambda text: text[:12],
)
def test_what_cannot_become_an_object_raises(text: str) -> None:
    """Broken names, values and depths are one kind of error."""
    with pytest.raises(ValueError):
        PartialObject().feed(text)


@given(OBJECTS, OBJECTS, LAYOUTS, st.randoms())
def test_fields_of_the_inner_object_are_told_beside_the_others(
    outer: dict[str, object], inner: dict[str, object], layout: dict[str, object], dice: object
) -> None:
    """As they complete, whatever follows; an inner value that is no object is a field like any other."""
    value = {**{key: one for key, one in outer.items() if key != "story"}, "story": inner}
    text = json.dumps(value, **layout)  # type: ignore[arg-type]
    partial, at = PartialObject(inner="story"), 0
    while at < len(text):
        size = dice.randrange(1, 6)  # type: ignore[attr-defined]
        partial.feed(text[at : at + size])
        at += size
    assert partial.complete
    del value["story"]
    assert partial.feed("") == {**value, **inner}
    whole = PartialObject(inner="story")
    assert whole.feed('{"story": null, "a": {"story": {"b": 1}}}') == {
        "story": None,
        "a": {"story": {"b": 1}},
    }
    assert whole.complete


def test_words_within_the_inner_object_are_told_while_they_come() -> None:
    """A sentence of the story is read as if it stood beside it."""
    partial = PartialObject(inner="story")
    partial.feed('{"changed": true, "story": {"narrative": "A man wal')
    assert partial.coming("narrative") == "A man wal"
    for broken in ('{"story": {"a": 1} 2', '{"story": {"a" 1'):
        with pytest.raises(ValueError):
            PartialObject(inner="story").feed(broken)
