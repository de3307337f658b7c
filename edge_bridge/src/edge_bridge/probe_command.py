"""``edge-bridge probe URL``: what a camera's stream is like, without Home Assistant."""

from argparse import Namespace
import getpass
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from .encoder import Encoder
from .errors import SettingsError
from .probe import Probing, probe
from .protocol.vocabulary import Transport
from .source import StreamSource


def execute(flags: Namespace) -> bool:
    """Show what a stream is like; return whether it could be opened."""
    source = _source(flags)
    probing = probe(1, source, Encoder())
    print(_described(probing))
    if probing.answer.error is not None:
        return False
    if flags.save is not None and probing.preview is not None:
        try:
            Path(flags.save).write_bytes(probing.preview.data)
        except OSError as error:
            raise SettingsError("save", f"cannot be written ({error.strerror})") from error
        print(f"picture      {flags.save}")
    return True


def _source(flags: Namespace) -> StreamSource:
    """Take credentials out of the address; ask for a password that is missing."""
    try:
        parts = urlsplit(flags.url)
    except ValueError as error:
        raise SettingsError("url", "not an address") from error
    username, password = (
        flags.username or unquote(parts.username or ""),
        unquote(parts.password or ""),
    )
    password = os.environ.get("CAMERA_NARRATOR_PROBE_PASSWORD", "") or password
    if username and not password:
        password = getpass.getpass("Password of the camera: ")
    return StreamSource(
        url=urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])),
        username=username,
        password=password,
        transport=Transport(flags.transport),
    )


def _described(probing: Probing) -> str:
    answer = probing.answer
    if answer.error is not None:
        return f"failed       {answer.error.code}"
    interval = (
        "more than was watched"
        if answer.key_interval_s is None
        else f"{answer.key_interval_s:.1f} s"
    )
    lines = [
        f"codec        {answer.codec}",
        f"size         {answer.width}x{answer.height}",
        f"frame rate   {answer.fps:.1f} a second",
        f"key frames   every {interval}"
        if answer.key_interval_s
        else f"key frames   {interval} apart",
        f"audio        {'yes' if answer.audio else 'no'}",
        f"first frame  {answer.first_frame_ms:.0f} ms",
    ]
    if answer.one_session:
        lines.append("sessions     the camera refused a second one while this was open")
    if answer.sub_stream:
        lines.append(
            "advice       use the camera's sub stream: this one is larger than any picture sent"
        )
    return "\n".join(lines)
