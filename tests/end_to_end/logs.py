"""What the parts of a house wrote down, and what of it nobody should ever read."""

from pathlib import Path
import re

_ENTRY = re.compile(r"\n(?=\d{4}-\d\d-\d\d )")
_DEFECTS = ("Traceback", "Detected blocking call")
_HOME_ASSISTANT = "home-assistant.log"


def complaints(folder: Path, *secrets: str) -> list[str]:
    """Return the entries of all logs with a secret, and those that tell of a defect of the product."""
    logs = {log.name: log.read_text(errors="replace") for log in folder.glob("*.log")}
    assert _HOME_ASSISTANT in logs
    return [
        f"{name}: {entry}"
        for name, text in logs.items()
        for entry in _ENTRY.split(text)
        if any(secret in entry for secret in secrets) or _tells_of_defect(name, entry)
    ]


def _tells_of_defect(log: str, entry: str) -> bool:
    # Home Assistant has defects of its own, such as a missing ffmpeg.
    ours = log != _HOME_ASSISTANT or "camera_narrator" in entry
    return ours and any(defect in entry for defect in _DEFECTS)
