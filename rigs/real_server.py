"""Asks a model server that nobody here wrote: `python -m rigs.real_server`, the server named in the environment.

CAMERA_NARRATOR_SERVER is its address, CAMERA_NARRATOR_MODEL the model, CAMERA_NARRATOR_KEY its key, if it wants one,
CAMERA_NARRATOR_KIND whose it is, where its address does not tell.
It shows a test picture, sends a chunk of five pictures, probes as a hub does, and prints what came of it as JSON.
"""

import asyncio
from collections.abc import Awaitable
import json
import os
import sys
import time
from typing import Any, Final

import openai

from custom_components.camera_narrator.pipeline.chunk import build
from custom_components.camera_narrator.pipeline.errors import ProviderError
from custom_components.camera_narrator.pipeline.models import CameraSettings, Frame
from custom_components.camera_narrator.pipeline.request import Chunk
from custom_components.camera_narrator.pipeline.vocabulary import Look
from custom_components.camera_narrator.providers.address import Address
from custom_components.camera_narrator.providers.eyesight import Sight
from custom_components.camera_narrator.providers.kinds import chosen
from custom_components.camera_narrator.providers.openai import NO_KEY, OpenAIProvider
from custom_components.camera_narrator.providers.probe import Stage
from custom_components.camera_narrator.providers.server_facts import Facts

SIZE_PX: Final = (854, 480)
PICTURES: Final = 5


async def ask_all(base_url: str, model: str, key: str, kind: str | None = None) -> dict[str, Any]:
    """Return what a server answers, or why it does not, question by question."""
    address = Address.parse(base_url)
    async with openai.AsyncOpenAI(
        base_url=address.url, api_key=key or NO_KEY, max_retries=0
    ) as client:
        provider = OpenAIProvider(
            client=client, model=model, base_url=base_url, facts=Facts(), kind=kind
        )
        told: dict[str, Any] = {"kind": chosen(address, kind).value}
        told["models"] = await _told(provider.models())
        told["check"] = str(await _told(provider.check()))
        told["chunk"] = await _told(_words(provider))
        probe = provider.probe()
        told["probe"] = {stage.value: str(await _told(probe.ask(stage))) for stage in Stage}
        await probe.finish(time.time())
        told["facts"] = provider.facts.out()
        return told


async def _words(provider: OpenAIProvider) -> dict[str, Any]:
    partials = [partial async for partial in provider.analyse(_chunk())]
    last = partials[-1]
    return {
        "partials": len(partials),
        "narrative": None if last.analysis is None else last.analysis.narrative,
        "input_tokens": last.usage.input_tokens,
        "output_tokens": last.usage.output_tokens,
        "requests": last.usage.requests,
    }


def _chunk() -> Chunk:
    frames = tuple(
        Frame(
            camera="yard",
            epoch="rig",
            sequence=number,
            captured_s=float(number),
            captured_wall_s=time.time() + number,
            received_s=float(number),
            width=SIZE_PX[0],
            height=SIZE_PX[1],
            jpeg=Sight.any().paint(SIZE_PX),
        )
        for number in range(PICTURES)
    )
    settings = CameraSettings(title="Yard")
    return build(
        camera="yard",
        settings=settings,
        look=Look.ONSET,
        frames=frames,
        notes=(),
        states=(),
        onset_s=0.0,
        question=None,
    )


async def _told[T](answer: Awaitable[T]) -> T | str:
    try:
        return await answer
    except ProviderError as error:
        return f"{error.fault.value}: {error.message}"


def main() -> int:
    """Run the command line."""
    base_url = os.environ.get("CAMERA_NARRATOR_SERVER", "")
    if not base_url:
        print(__doc__, file=sys.stderr)
        return 2
    model = os.environ.get("CAMERA_NARRATOR_MODEL", "")
    key = os.environ.get("CAMERA_NARRATOR_KEY", "")
    kind = os.environ.get("CAMERA_NARRATOR_KIND")
    print(json.dumps(asyncio.run(ask_all(base_url, model, key, kind)), indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
