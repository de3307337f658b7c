"""From the first picture that shows somebody to the word of it, and to the first picture of it on the wire."""

import asyncio
from dataclasses import dataclass

from rigs.bench import catalog
from rigs.bench.bridge_process import configured, running_bridge
from rigs.bench.cameras import Cameras, Mount, Onset
from rigs.bench.figure import Figure, percentile
from rigs.bench.receiver import Receiver
from rigs.bench.run import Run
from rigs.process import Processes

GOPS = (25, 50, 250)
_CAMERAS = 4
"""Of each length of groups."""
_WITHIN_US = 4_000_000
"""A change that is told later is told by the next one; nobody would call it noticed."""
_LEARN_S = 10.0
"""Before the first visit that counts: the bridge has seen the quiet scene, and a visit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delays:
    """What became of the onsets of some cameras."""

    activity_ms: list[float]
    wire_ms: list[float]
    missed: int


async def measure(run: Run) -> list[Figure]:
    """Return the delays for each length of groups, and those of the first picture."""
    figures = await _of_coding(run, variable=True)
    return figures if run.quick else figures + await _of_coding(run, variable=False)


async def _of_coding(run: Run, *, variable: bool) -> list[Figure]:
    clips = {
        gop: await asyncio.to_thread(run.clip, catalog.onsets(gop, variable=variable))
        for gop in GOPS
    }
    mounts = [
        # Evenly apart, so that few begin together: what many at once do is another question.
        Mount(f"gop{gop}_{n}", clip, clip.recipe.duration_s * (n + place / len(GOPS)) / _CAMERAS)
        for place, (gop, clip) in enumerate(clips.items())
        for n in range(_CAMERAS)
    ]
    span_s = 40.0 if run.quick else 300.0
    run.say(f"measuring change to activity for {span_s:.0f} s, {len(mounts)} cameras")
    async with Processes() as processes:
        cameras = await Cameras.start(processes, "cameras-visits", mounts)
        async with running_bridge(processes, "bridge-visits", configured(cameras.urls)) as bridge:
            await asyncio.sleep(_LEARN_S)
            seen = len(cameras.onsets())
            await asyncio.sleep(span_s)
            onsets = cameras.onsets()[seen:]
            await asyncio.sleep(_WITHIN_US / 1e6)
            return _figures(onsets, bridge.receiver, variable=variable)


def _figures(onsets: list[Onset], receiver: Receiver, *, variable: bool) -> list[Figure]:
    rate, suffix = ("variable", "") if variable else ("constant", "_cbr")
    figures: list[Figure] = []
    wire_ms: list[float] = []
    for gop in GOPS:
        of_gop = [onset for onset in onsets if onset.camera.startswith(f"gop{gop}_")]
        delays = _delays(of_gop, receiver)
        wire_ms += delays.wire_ms
        how = (
            f"RTSP, 1080p25 H.264, {rate} bit rate, first changed picture sent → activity received; "
            f"{delays.missed} of {len(of_gop)} not told within {_WITHIN_US // 1_000_000} s"
        )
        for share, name in ((0.5, "p50"), (0.95, "p95")):
            figures.append(
                Figure(
                    name=f"edge.change_to_activity_ms.gop{gop}{suffix}.{name}",
                    # What was missed took longer than was waited for.
                    value=percentile(
                        delays.activity_ms + [_WITHIN_US / 1000] * delays.missed, share
                    ),
                    n=len(of_gop),
                    how=how,
                )
            )
    figures.append(
        Figure(
            name=f"edge.onset_to_wire_ms{suffix}.p95",
            value=percentile(wire_ms, 0.95),
            n=len(wire_ms),
            how="the same onsets → first frame flagged active received",
        )
    )
    return figures


def _delays(onsets: list[Onset], receiver: Receiver) -> _Delays:
    activity_ms: list[float] = []
    wire_ms: list[float] = []
    missed = 0
    for onset in onsets:
        until_us = onset.sent_us + _WITHIN_US
        told, shown = (
            next(
                (
                    seen.arrived_us
                    for seen in what
                    if seen.camera == onset.camera
                    and seen.active
                    and onset.sent_us <= seen.arrived_us <= until_us
                ),
                None,
            )
            for what in (receiver.activities, receiver.frames)
        )
        if told is None:
            missed += 1
        else:
            activity_ms.append((told - onset.sent_us) / 1000)
        if shown is not None:
            wire_ms.append((shown - onset.sent_us) / 1000)
    return _Delays(activity_ms=activity_ms, wire_ms=wire_ms, missed=missed)
