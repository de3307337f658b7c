"""``edge-bridge status`` and ``edge-bridge health``: what is known of the bridge that runs here, from its status."""

from argparse import Namespace
import json
import os
import shutil
import sys
import time

from .errors import StateError
from .health import illness
from .state_folder import StateFolder, state_folder
from .status_table import table
from .terminal_text import clipped


def execute(flags: Namespace) -> bool:
    """Show the status: on a terminal until somebody has seen enough, else once. Raises StateError."""
    folder = _folder(flags)
    status = folder.read_status(time.monotonic())
    if flags.json:
        print(json.dumps(status, indent=1))
        return True
    terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    colour = terminal and not os.environ.get("NO_COLOR")
    if flags.once or not terminal:
        # Where nobody looks, nothing is cut.
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        print(table(status, width=width, colour=colour))
        return True

    # Only here: it needs a terminal, which not every system of a test has.
    from .status_screen import show  # noqa: PLC0415

    def draw(width: int, height: int) -> str:
        try:
            newest = folder.read_status(time.monotonic())
        except StateError as error:
            return clipped(str(error), width)
        return table(newest, width=width, height=height, colour=colour)

    show(draw, output=sys.stdout, keyboard=sys.stdin)
    return True


def check(flags: Namespace) -> bool:
    """Say whether the bridge does its work; raises StateError where none runs or it stands still."""
    wrong = illness(_folder(flags).read_status(time.monotonic()))
    if wrong is not None:
        raise StateError(wrong)
    print("healthy")
    return True


def _folder(flags: Namespace) -> StateFolder:
    return StateFolder(state_folder(flags.state, os.environ))
