"""Everything one request needs, put together at the moment it leaves. Pure."""

from collections.abc import Sequence

from .claim import LedgerEntry, Note
from .models import ActivityState, CameraSettings, Frame, Span
from .prompt import SYSTEM, parts, schema
from .request import CacheBreakpoint, Chunk, Picture, Text
from .rule import Rule
from .vocabulary import Look


def build(
    *,
    camera: str,
    settings: CameraSettings,
    look: Look,
    frames: tuple[Frame, ...],
    notes: Sequence[Note],
    states: tuple[ActivityState, ...],
    onset_s: float | None,
    question: str | None,
    known: Sequence[LedgerEntry] = (),
    rules: tuple[Rule, ...] = (),
) -> Chunk:
    """Return the chunk of a look; ``onset_s`` is that of the visit it belongs to."""
    span = span_of(frames)
    visit_s = None if onset_s is None else max(0.0, span.to_s - onset_s)
    return Chunk(
        camera=camera,
        title=settings.title,
        look=look,
        frames=frames,
        system=SYSTEM,
        parts=parts(
            title=settings.title,
            look=look,
            frames=frames,
            notes=notes,
            known=known,
            instructions=settings.instructions,
            language=settings.language,
            visit_s=visit_s,
            question=question,
            rules=rules,
        ),
        schema=schema(look, rules),
        span=span,
        activity=states,
        visit_s=visit_s or 0.0,
        rules=rules,
    )


def labelled(chunk: Chunk) -> list[str]:
    """Return what is sent, part by part, with a label in the place of each picture."""
    shown = [f"system: {chunk.system}"]
    for part in chunk.parts:
        match part:
            case Text(text=text):
                shown.append(text)
            case Picture(index=index):
                frame = chunk.frames[index]
                size = f"{frame.width}x{frame.height}, {len(frame.jpeg) / 1000:.1f} kB"
                shown.append(f"[picture of frame {frame.sequence}: {size}]")
            case CacheBreakpoint():
                pass
    shown.append(f"answer: {chunk.schema.name}, at most {chunk.schema.max_tokens} tokens")
    return shown


def span_of(frames: Sequence[Frame]) -> Span:
    """Return the span that pictures in capture order cover."""
    first, last = frames[0], frames[-1]
    return Span(
        from_s=first.captured_s,
        to_s=last.captured_s,
        from_wall_s=first.captured_wall_s,
        to_wall_s=last.captured_wall_s,
    )
