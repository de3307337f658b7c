"""``edge-bridge status`` on a terminal: the table in place, until somebody has seen enough."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import os
import select
import shutil
import signal
import sys
import termios
import time
import tty
from types import FrameType
from typing import Final, NoReturn, TextIO

EVERY_S: Final = 1.0
"""Between two pictures: the bridge writes every few seconds, and on each change of a state."""

_ENTER = "\x1b[?1049h\x1b[?25l"
"""Another screen than the one with what was typed, and no cursor on it."""
_ENDS = frozenset(b"qQ")
_LEAVE = "\x1b[?25h\x1b[?1049l"


def show(draw: Callable[[int, int], str], *, output: TextIO, keyboard: TextIO) -> None:
    """Show what ``draw(width, height)`` returns, again and again, until `q` or Ctrl-C."""
    with _screen(output), _keys(keyboard) as watched:
        while True:
            size = shutil.get_terminal_size()
            output.write(_picture(draw(size.columns, size.lines), size.lines))
            output.flush()
            if _asked_to_end(watched):
                return


def _picture(text: str, height: int) -> str:
    """Return a picture that is drawn over the last one in one go, so that nothing flickers."""
    lines = text.split("\n")[:height]
    return "\x1b[H" + "\r\n".join(f"{line}\x1b[K" for line in lines) + "\x1b[J"


def _asked_to_end(keyboard: TextIO | None) -> bool:
    if keyboard is None:
        time.sleep(EVERY_S)
        return False
    ready, _, _ = select.select([keyboard], [], [], EVERY_S)
    if not ready:
        return False
    # Past Python's own buffer, which would hide keys from the next look; no byte at all is the keyboard's end.
    pressed = os.read(keyboard.fileno(), 64)
    return not pressed or bool(_ENDS.intersection(pressed))


@contextmanager
def _screen(output: TextIO) -> Iterator[None]:
    # Who is started from a script's background ignores Ctrl-C; here it is one of the two ways out.
    wanted = {signal.SIGTERM: _end, signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    output.write(_ENTER)
    try:
        yield
    except KeyboardInterrupt:
        return
    finally:
        output.write(_LEAVE)
        output.flush()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _keys(keyboard: TextIO) -> Iterator[TextIO | None]:
    """Give keys as they are pressed, where there is a keyboard."""
    if not keyboard.isatty():
        yield None
        return
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)
        yield keyboard
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)
