"""What every group of measurements is given: the clips, the terminal, and how thorough to be."""

from dataclasses import dataclass, field
from pathlib import Path
import time

from rigs.bench import clip
from rigs.bench.scene import Scene


class RunError(Exception):
    """A measurement that did not come about; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the benchmark."""

    quick: bool
    footage: Path | None
    """The user's own videos."""
    scene: Scene
    folder: Path
    """Where clips are kept."""
    started_s: float = field(default_factory=time.monotonic)

    @property
    def rounds(self) -> int:
        """How often each measurement is taken."""
        return 3 if self.quick else 5

    def say(self, text: str) -> None:
        """Print a line of progress."""
        print(f"[{time.monotonic() - self.started_s:4.0f} s] {text}", flush=True)

    def clip(self, recipe: clip.Recipe) -> clip.Clip:
        """Return a clip, made if need be; blocking."""
        return clip.make(recipe, self.scene, self.folder, self.say)
