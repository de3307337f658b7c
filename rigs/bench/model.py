"""`script/bench model`: labelled clips through a model server: what it recognises, what it uses, how long it takes."""

import argparse
import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import os
from pathlib import Path
import sys
import time
from typing import Final

import openai

from custom_components.camera_narrator.pipeline.chunk import build
from custom_components.camera_narrator.pipeline.errors import ProviderError
from custom_components.camera_narrator.pipeline.models import CameraSettings
from custom_components.camera_narrator.pipeline.provider import Provider
from custom_components.camera_narrator.pipeline.request import Analysis, Usage
from custom_components.camera_narrator.pipeline.vocabulary import Label, Look
from custom_components.camera_narrator.providers.address import Address
from custom_components.camera_narrator.providers.kinds import Kind
from custom_components.camera_narrator.providers.openai import NO_KEY, OpenAIProvider
from custom_components.camera_narrator.providers.server_facts import Facts
from rigs import footage
from rigs.bench import labelled
from rigs.bench.figure import Figure, percentile
from rigs.bench.labelled import NOTHING, ClipError, LabelledClip, classes
from rigs.bench.report import as_json, lines

KEY: Final = "CAMERA_NARRATOR_API_KEY"
"""Where the key is read from: what stands on a command line, everybody on the machine can read."""
_MS: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What became of one clip."""

    clip: LabelledClip
    analysis: Analysis | None = None
    """None where no answer came."""
    problem: str = ""
    usage: Usage
    first_s: float = 0.0
    """Until the first field."""
    whole_s: float = 0.0

    @property
    def told(self) -> frozenset[str]:
        """Return the classes that the answer names; none where none came."""
        if self.analysis is None:
            return frozenset()
        if self.analysis.labels:
            return frozenset(label.value for label in self.analysis.labels)
        # Somebody whom the answer has no name for is not nobody.
        return frozenset() if self.analysis.subject else frozenset({NOTHING})

    @property
    def truth(self) -> frozenset[str]:
        """Return the classes that are to be seen."""
        return frozenset(label.value for label in self.clip.labels) or frozenset({NOTHING})


def main() -> int:
    """Run the command line."""
    flags = _parser().parse_args()

    def say(text: str) -> None:
        print(text, flush=True)

    try:
        clips = (
            labelled.of_footage(footage.prepare(say))
            if flags.clips is None
            else labelled.of_folder(flags.clips)
        )
        Address.parse(flags.base_url)
    except (ClipError, footage.FootageError, OSError, ValueError) as error:
        print(f"script/bench: {error}", file=sys.stderr)
        return 1
    provider = provider_of(
        flags.base_url, flags.model, key=os.environ.get(KEY, ""), kind=flags.server
    )
    answers = asyncio.run(ask(provider, clips, say=say))
    figures = figures_of(answers)
    print("\n".join(["", *lines(figures)]))
    if flags.json is not None:
        flags.json.write_text(as_json(figures), "utf-8")
    return 0 if any(one.analysis is not None for one in answers) else 1


def provider_of(
    base_url: str, model: str, *, key: str = "", kind: str | None = None
) -> OpenAIProvider:
    """Return the product's own provider for a server, without Home Assistant around it."""
    address = Address.parse(base_url)
    client = openai.AsyncOpenAI(
        base_url=address.url,
        api_key=key or NO_KEY,
        max_retries=0,
        default_headers={"Authorization": address.authorization} if address.authorization else None,
    )
    return OpenAIProvider(client=client, model=model, base_url=base_url, facts=Facts(), kind=kind)


async def ask(
    provider: Provider, clips: Sequence[LabelledClip], *, say: Callable[[str], None]
) -> list[Answered]:
    """Ask about one clip after the other, each without a word of the others."""
    answers = []
    for clip in clips:
        answered = await _ask(provider, clip)
        told = ", ".join(sorted(answered.told)) or answered.problem or "somebody it cannot name"
        right = "right" if answered.told == answered.truth else "WRONG"
        say(f"{right}  {clip.name}: {told}")
        answers.append(answered)
    return answers


async def _ask(provider: Provider, clip: LabelledClip) -> Answered:
    chunk = build(
        camera="clip",
        settings=CameraSettings(title="Camera"),
        look=Look.ONSET,
        frames=clip.frames,
        notes=(),
        states=(),
        onset_s=None,
        question=None,
    )
    begun_s = time.perf_counter()
    first_s: float | None = None
    try:
        async for partial in provider.analyse(chunk):
            if first_s is None and (partial.fields or partial.analysis is not None):
                first_s = time.perf_counter() - begun_s
            if partial.analysis is not None:
                return Answered(
                    clip=clip,
                    analysis=partial.analysis,
                    usage=partial.usage,
                    first_s=first_s or 0.0,
                    whole_s=time.perf_counter() - begun_s,
                )
    except ProviderError as error:
        return Answered(clip=clip, problem=f"{error.fault.value}: {error}", usage=Usage())
    return Answered(clip=clip, problem="no answer", usage=Usage())


def figures_of(answers: Sequence[Answered]) -> list[Figure]:
    """Return the scores of each class, the tokens and the times."""
    there = [one for one in answers if one.analysis is not None]
    figures = [
        Figure(
            name="model.answered",
            value=len(there) / len(answers),
            n=len(answers),
            how="clips with an answer",
        ),
        Figure(
            name="model.right",
            value=sum(one.told == one.truth for one in answers) / len(answers),
            n=len(answers),
            how="clips of which all classes were named, and no other",
        ),
    ]
    for name in classes([one.clip for one in answers]):
        figures += _of_class(name, answers)
    for name, values in _uses(there).items():
        if values:
            figures.append(
                Figure(
                    name=f"model.{name}",
                    value=sum(values) / len(values),
                    n=len(values),
                    how="mean of a request, as the server counts",
                )
            )
    for name, seconds in (
        ("first_field_ms", [one.first_s for one in there]),
        ("answer_ms", [one.whole_s for one in there]),
    ):
        figures += [
            Figure(
                name=f"model.{name}.p{round(100 * share)}",
                value=_MS * percentile(seconds, share),
                n=len(seconds),
                how="from the request on",
            )
            for share in (0.5, 0.95)
            if seconds
        ]
    return figures


def _of_class(name: str, answers: Sequence[Answered]) -> list[Figure]:
    shown = [one for one in answers if name in one.truth]
    named = [one for one in answers if name in one.told]
    right = sum(name in one.told for one in shown)
    figures = [
        Figure(
            name=f"model.recall.{name}",
            value=right / len(shown),
            n=len(shown),
            how="of the clips that show it, those in which it was named",
        )
    ]
    if named:
        figures.append(
            Figure(
                name=f"model.precision.{name}",
                value=right / len(named),
                n=len(named),
                how="of the clips in which it was named, those that show it",
            )
        )
    return figures


def _uses(answers: Sequence[Answered]) -> Mapping[str, list[int]]:
    return {
        "input_tokens": [
            one.usage.input_tokens for one in answers if one.usage.input_tokens is not None
        ],
        "output_tokens": [
            one.usage.output_tokens for one in answers if one.usage.output_tokens is not None
        ],
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/bench model",
        description=__doc__,
        epilog=f"A key is read from the environment variable {KEY}.",
    )
    parser.add_argument("--base-url", required=True, help="the server's address, as in the dialog")
    parser.add_argument("--model", required=True, help="the model's name")
    parser.add_argument(
        "--server", choices=[kind.value for kind in Kind], help="whose server it is"
    )
    parser.add_argument(
        "--clips",
        type=Path,
        metavar="DIR",
        help="your own: folders named "
        + ", ".join([*(label.value for label in Label), NOTHING])
        + " with videos or folders of JPEGs",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, flat")
    return parser


if __name__ == "__main__":
    sys.exit(main())
