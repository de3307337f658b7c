"""`python -m rigs.demo`; script/demo sets up what it needs."""

import asyncio
import sys

from rigs.camera_process import CameraError
from rigs.demo.options import parse
from rigs.demo.run import run
from rigs.demo.screen import Screen
from rigs.demo.stage import StageError
from rigs.footage import FootageError
from rigs.home_assistant_client import RequestError
from rigs.process import ProcessError


def main() -> int:
    """Run the demo; what is wrong is said in words, what is unexpected with its trace."""
    options = parse(sys.argv[1:])
    screen = Screen()
    try:
        return asyncio.run(run(options, screen))
    except* (StageError, FootageError, ProcessError, CameraError, RequestError) as errors:
        for error in _leaves(errors):
            screen.fail("\n".join([str(error), *getattr(error, "__notes__", [])]))
    except* KeyboardInterrupt:
        screen.fail("stopped")
    return 1


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]


if __name__ == "__main__":
    sys.exit(main())
