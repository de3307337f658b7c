"""Addresses as people type them, and the keys of cameras."""

import pytest

from custom_components.camera_narrator.camera_address import (
    Address,
    InvalidAddress,
    camera_key,
)
from tests.integration.camera_dialog import URL


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (URL, Address(url=URL)),
        (
            " RTSP://u:p@Camera/s?x=1 ",
            Address(url="rtsp://Camera/s?x=1", username="u", password="p"),
        ),
        ("rtsp://u:a@b@camera/s", Address(url="rtsp://camera/s", username="u", password="a@b")),
        ("rtsp://u@camera/s", Address(url="rtsp://camera/s", username="u")),
        (
            "rtsp://u:p@[fe80::1]:554/s",
            Address(url="rtsp://[fe80::1]:554/s", username="u", password="p"),
        ),
    ],
)
def test_credentials_move_out_of_the_address(url: str, address: Address) -> None:
    """Whatever of the usual spellings was pasted."""
    assert Address.read(url) == address


def test_credentials_beside_the_address() -> None:
    """Those in the fields hold unless the address has its own."""
    beside = Address.read(URL, username=" viewer ", password="secret")
    assert (beside.username, beside.password) == ("viewer", "secret")
    inside = Address.read("rtsp://u:p@camera/", username="viewer", password="secret")
    assert (inside.username, inside.password) == ("u", "p")
    assert "secret" not in repr(beside)


def test_identities_ignore_spelling() -> None:
    """Same stream, same identity; another path, query or port, another one."""
    same = {
        Address(url=url).identity
        for url in ("rtsp://camera/s", "rtsp://CAMERA:554/s", "rtsp://camera/s/")
    }
    assert len(same) == 1
    others = {
        Address(url=url).identity
        for url in ("rtsp://camera/t", "rtsp://camera/s?a=1", "rtsp://camera:8554/s")
    }
    assert len(others | same) == 4


@pytest.mark.parametrize(
    ("title", "taken", "key"),
    [
        ("Front door", set(), "front_door"),
        ("Front door", {"front_door", "front_door_2"}, "front_door_3"),
        ("???", set(), "camera"),
        ("???", {"camera"}, "camera_2"),
        ("Unknown", set(), "unknown"),
        ("Status", set(), "status_2"),
        ("x" * 100, set(), "x" * 60),
    ],
)
def test_keys(title: str, taken: set[str], key: str) -> None:
    """Made from the title, unique, never a word of the topics."""
    assert camera_key(title, taken) == key


def test_an_address_that_is_too_long() -> None:
    """What the wire does not carry is refused in the dialog."""
    with pytest.raises(InvalidAddress, match="invalid_url"):
        Address.read(f"rtsp://camera/{'a' * 2048}")
