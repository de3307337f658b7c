"""``edge-bridge detector``: gets the local detector's model where it is missing, and tries it."""

from argparse import Namespace
import os
from pathlib import Path
import time

import numpy as np

from .detector_model import fetch, flaw, model_path, problem, unpack
from .errors import SettingsError
from .labels import LiteNetwork
from .ssd import INPUT_PX, detections

LOOKS = 5
"""To tell what one takes; the first is slower."""


def execute(flags: Namespace) -> bool:
    """Return whether the detector works now."""
    path = model_path(flags.detector or os.environ.get("CAMERA_NARRATOR_DETECTOR", ""))
    if path is None:
        raise SettingsError("detector", "is off; name a file, or auto")
    if flags.source:
        unpack(Path(flags.source), path)
    elif flaw(path) is not None:
        fetch(path, lambda line: print(line, flush=True))
    print(f"model        {path}")
    if (reason := problem(path)) is not None:
        print(f"detector     not in use: {reason}")
        return False
    print(f"detector     works, {_look_ms(path):.0f} ms a look")
    return True


def _look_ms(path: Path) -> float:
    network = LiteNetwork(path)
    grey = np.full((INPUT_PX, INPUT_PX, 3), 128, np.uint8)
    taken_s = []
    for _ in range(LOOKS):
        began_s = time.thread_time()
        detections(*network.run(grey))
        taken_s.append(time.thread_time() - began_s)
    return 1000 * min(taken_s)
