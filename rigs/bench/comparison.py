"""Claims that are settled in a rehearsal: the design that sends clips, the plain timer and ours, by the same pictures and model."""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
import json
from pathlib import Path
import re

from custom_components.camera_narrator.pipeline.answered import flat
from custom_components.camera_narrator.pipeline.vocabulary import Profile
from custom_components.camera_narrator.protocol.frame import Frame
from custom_components.camera_narrator.protocol.vocabulary import FrameFlag
from rigs.bench.claim import Claim
from rigs.bench.figure import percentile
from rigs.model_request import ModelRequest, shown_twice
from rigs.rehearsal.model import Model, Speed
from rigs.rehearsal.ours import Rehearsal, perform
from rigs.rehearsal.plain import CLIP_BYTES_PER_S, CLIP_S, Answer, ClipCamera, PlainCamera
from rigs.rehearsal.play import Play
from rigs.rehearsal.stand_in_bridge import StandInBridge
from rigs.rehearsal.virtual_time import rehearse

_STALL = (100.0, 130.0)
_SLOW_S = 10.0
_PER_MINUTE = 10
_CAMERAS = 4
_SMALL_PX = (426, 240)
"""Where neither tokens nor bytes are counted: quicker to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trio:
    """The three designs in front of the same play."""

    clip: ClipCamera
    timer: PlainCamera
    ours: Rehearsal
    ours_model: Model
    written_bytes: int
    """What this process wrote while ours ran."""


def trio(play: Play, *, speed: Speed, stall: tuple[float, float] | None = None) -> Trio:
    """Run all three."""
    clip = ClipCamera(play=play, model=Model(speed, stall=stall))
    rehearse(clip.run())
    timer = PlainCamera(play=play, model=Model(speed, stall=stall))
    rehearse(timer.run())
    model = Model(speed, stall=stall)
    before = _written_bytes()
    ours = rehearse(perform([play], model, profile=Profile.LIVE))
    return Trio(
        clip=clip,
        timer=timer,
        ours=ours,
        ours_model=model,
        written_bytes=_written_bytes() - before,
    )


def ages(play: Play) -> list[Claim]:
    """How old the newest picture is when its answer is there, and how long a visitor waits for the first words."""
    run = trio(play, speed=Speed())
    done = [asked for asked in run.ours.asked if asked.answered_s is not None]
    ours_s = [(asked.answered_s or 0) - asked.newest_captured_s for asked in done]
    first = {
        "clip": _first_words_s(play, _answered(run.clip.answers)),
        "timer": _first_words_s(play, _answered(run.timer.answers)),
        "ours": _first_words_s(
            play, [(asked.newest_captured_s, asked.answered_s or 0) for asked in done]
        ),
    }
    how = f"{len(play.visits)} visits, model 2 s to the first token, p95"
    return [
        Claim(
            name="newest_frame_age_s",
            what="age of the newest picture at its answer, s",
            clip=percentile(_ages_s(run.clip.answers), 0.95),
            timer=percentile(_ages_s(run.timer.answers), 0.95),
            ours=percentile(ours_s, 0.95),
            how=f"{how}; clips of {CLIP_S:.0f} s over 10 Mbit/s",
        ),
        Claim(
            name="first_words_s",
            what="onset → whole first answer about it, s",
            clip=percentile(first["clip"], 0.95),
            timer=percentile(first["timer"], 0.95),
            ours=percentile(first["ours"], 0.95),
            how=f"{how}; ours told of the onset after 0.3 s",
        ),
        Claim(
            name="frames_written_bytes",
            what="bytes written to disk for pictures",
            clip=run.clip.disk_bytes,
            timer=0,
            ours=run.written_bytes,
            how="ours: all that its process wrote (`/proc/self/io`); the others: by their design",
        ),
        Claim(
            name="seen_twice",
            what="pictures in two answered requests",
            clip=len(shown_twice(run.clip.model.answered)),
            timer=len(shown_twice(run.timer.model.answered)),
            ours=len(shown_twice(run.ours_model.answered)),
            how="decoded from the requests",
        ),
    ]


def stall(play: Play) -> list[Claim]:
    """What half a minute without an answer does."""
    run = trio(play, speed=Speed(), stall=_STALL)
    from_s, to_s = _STALL
    clip, timer = (
        sum(from_s <= at_s < to_s for at_s in camera.received) for camera in (run.clip, run.timer)
    )
    (performance,) = run.ours.performances
    return [
        Claim(
            name="frames_in_stall",
            what="pictures received while the model stalls 30 s",
            clip=clip,
            timer=timer,
            ours=sum(from_s <= at_s < to_s for at_s in performance.received),
            how="30 s of movement in front of the camera, one picture a second",
        ),
        Claim(
            name="requests_in_flight",
            what="requests of one camera under way at once, at most",
            clip=_most_at_once(run.clip.model.requests),
            timer=_most_at_once(run.timer.model.requests),
            ours=_most_at_once(run.ours_model.requests),
            how="in the same stall",
        ),
    ]


def limits(plays: Sequence[Play]) -> list[Claim]:
    """Four cameras and a server that takes ten requests a minute."""
    timers = Model(Speed(), per_minute=_PER_MINUTE)
    clips = Model(Speed(), per_minute=_PER_MINUTE)
    ours = Model(Speed(), per_minute=_PER_MINUTE)
    timer_cameras = [PlainCamera(play=play, model=timers, size_px=_SMALL_PX) for play in plays]
    rehearse(_together(timer_cameras))
    rehearse(_together([ClipCamera(play=play, model=clips, size_px=_SMALL_PX) for play in plays]))
    rehearse(perform(plays, ours, size_px=_SMALL_PX))
    how = (
        f"{_CAMERAS} cameras, {_PER_MINUTE} requests a minute, {plays[0].seconds / 60:.0f} minutes"
    )
    return [
        Claim(
            name="refused",
            what="requests refused with 429",
            clip=_refused(clips),
            timer=_refused(timers),
            ours=_refused(ours),
            how=how,
        ),
        Claim(
            name="lost_chunks",
            what="chunks lost",
            clip=_lost(clips),
            timer=_lost(timers),
            ours=_lost(ours),
            how="refused, and no answered request reaches over its newest picture's time",
        ),
    ]


def story(play: Play) -> list[Claim]:
    """Whether an answer is known to the next request, and what the story costs."""
    slow = trio(play, speed=Speed(first_token_s=_SLOW_S))
    fast = trio(play, speed=Speed())
    models = (fast.clip.model, fast.timer.model, fast.ours_model)
    first = [model.answered[0].estimated_tokens for model in models]
    later = [model.answered[min(49, len(model.answered) - 1)].estimated_tokens for model in models]
    return [
        Claim(
            name="answer_in_next_request",
            what="requests that hold the words of the answer before, share",
            clip=_continued(slow.clip.model.requests),
            timer=_continued(slow.timer.model.requests),
            ours=_continued(slow.ours_model.requests),
            how="model 10 s to the first token; a clip goes without history",
        ),
        Claim(
            name="tokens_call_1",
            what="input tokens of the first call",
            clip=first[0],
            timer=first[1],
            ours=first[2],
            how="words / 4 and a token per 32-pixel patch; ours 4 to 6 pictures with times, theirs 5, a clip 10",
        ),
        Claim(
            name="tokens_call_50",
            what="input tokens of the 50th call",
            clip=later[0],
            timer=later[1],
            ours=later[2],
            how=f"movement for {play.active_s:.0f} s, ours in the profile live; a clip's last call where it has no 50",
        ),
        Claim(
            name="story_tokens_call_50",
            what="of these, words that grew since the first call",
            clip=_words(models[0], 49) - _words(models[0], 0),
            timer=_words(models[1], 49) - _words(models[1], 0),
            ours=_words(models[2], 49) - _words(models[2], 0),
            how="tokens of text alone",
        ),
    ]


def wire(play: Play, seconds: int = 60) -> list[Claim]:
    """What a minute of movement weighs on the wire."""
    bridge = StandInBridge(play, key="wire")
    frames = [bridge.picture(play.visits[0].from_s + second) for second in range(seconds)]
    binary = [
        Frame(
            flags=FrameFlag.ACTIVE,
            camera=1,
            sequence=frame.sequence,
            captured_us=round(frame.captured_s * 1e6),
            width=frame.width,
            height=frame.height,
            jpeg=frame.jpeg,
        )
        for frame in frames
    ]
    text = [
        json.dumps(
            {"camera": "front", "at": frame.captured_s, "jpeg": b64encode(frame.jpeg).decode()}
        )
        for frame in frames
    ]
    return [
        Claim(
            name="wire_kb_per_minute",
            what="a minute on the wire, kB",
            clip=seconds * CLIP_BYTES_PER_S / 1000,
            timer=sum(map(len, text)) / 1000,
            ours=sum(len(frame.pack()) for frame in binary) / 1000,
            how="the same JPEGs as base64 in JSON and as binary frames; a clip at 4 Mbit/s",
        ),
    ]


async def _together(cameras: Sequence[PlainCamera | ClipCamera]) -> None:
    async with asyncio.TaskGroup() as group:
        for camera in cameras:
            group.create_task(camera.run())


def _ages_s(answers: Sequence[Answer]) -> list[float]:
    return [answered_s - newest_s for newest_s, answered_s in _answered(answers)]


def _answered(answers: Sequence[Answer]) -> list[tuple[float, float]]:
    return [
        (answer.newest_captured_s, answer.answered_s)
        for answer in answers
        if answer.answered_s is not None
    ]


def _first_words_s(play: Play, told: Sequence[tuple[float, float]]) -> list[float]:
    """Return for each visit how long the first answer took that rests on a picture of it."""
    waits: list[float] = []
    for visit in play.visits:
        times = [answered_s for newest_s, answered_s in told if newest_s >= visit.from_s]
        if times:
            waits.append(min(times) - visit.from_s)
    return waits


def _most_at_once(requests: Sequence[ModelRequest]) -> int:
    moments = [(request.arrived_s, 1) for request in requests]
    moments += [(request.finished_s, -1) for request in requests if request.finished_s is not None]
    most = now = 0
    for _, change in sorted(moments):
        now += change
        most = max(most, now)
    return most


def _refused(model: Model) -> int:
    return sum(request.outcome == "status 429" for request in model.requests)


def _lost(model: Model) -> int:
    told: dict[int, list[tuple[int, int]]] = {}
    for request in model.answered:
        codes = request.codes
        span = (min(code.captured_ms for code in codes), max(code.captured_ms for code in codes))
        told.setdefault(codes[0].camera, []).append(span)
    lost = 0
    for request in model.requests:
        if request.outcome == "status 429":
            newest = request.codes[-1]
            spans = told.get(newest.camera, [])
            lost += not any(first <= newest.captured_ms <= last for first, last in spans)
    return lost


def _continued(requests: Sequence[ModelRequest]) -> float:
    pairs = [(one, other) for one, other in pairwise(requests) if _said(one)]
    held = sum(_said(one) in other.words for one, other in pairs)
    return held / len(pairs) if pairs else 0.0


def _said(request: ModelRequest) -> str:
    try:
        fields = flat(json.loads(request.answer))
    except ValueError:
        return request.answer
    return str(fields.get("narrative", ""))


def _words(model: Model, number: int) -> int:
    request = model.answered[min(number, len(model.answered) - 1)]
    return len(request.words) // 4


def _written_bytes() -> int:
    told = Path("/proc/self/io").read_text("ascii")
    found = re.search(r"wchar: (\d+)", told)
    return int(found[1]) if found else 0
