"""Figures of the narration that a rehearsal settles: what is seen, asked, paid and told, on a clock that jumps."""

from collections.abc import Callable
from typing import Final

from custom_components.camera_narrator.pipeline.models import Frame
from custom_components.camera_narrator.pipeline.vocabulary import Profile
from rigs.bench import visited
from rigs.bench.figure import Figure
from rigs.bench.shown import SMALL_PX, active, captured_s, show
from rigs.rehearsal import falsehood, observer
from rigs.rehearsal.model import Model, Speed
from rigs.rehearsal.ours import Performance
from rigs.rehearsal.plain import PlainCamera
from rigs.rehearsal.play import Play
from rigs.rehearsal.stand_in_bridge import StandInBridge
from rigs.rehearsal.virtual_time import rehearse

_UNEVEN: Final = Speed(first_token_s=8.0, spread=0.9)
"""A slow server with others to serve."""
_STORM: Final = (60.0, 120.0)
_STORM_CAMERAS: Final = 4


def live(*, quick: bool) -> list[Figure]:
    """Profile live at three speeds of the model, and the timer at the same."""
    play = Play.of_one(1, 180.0 if quick else 900.0)
    moving = active(play)
    figures: list[Figure] = []
    for suffix, first_token_s in (("live", 2.0), ("live_05s", 0.5), ("live_10s", 10.0)):
        speed = Speed(first_token_s=first_token_s)
        ours = show([play], profile=Profile.LIVE, speed=speed)
        plain = PlainCamera(play=play, model=Model(speed), size_px=SMALL_PX)
        rehearse(plain.run())
        how = f"{play.active_s:.0f} s of movement, model {first_token_s:g} s to the first token"
        for name, model in ((suffix, ours.model), (f"{suffix}.baseline", plain.model)):
            seen_s = captured_s(model.answered)
            share, gap_s = (
                observer.seen_share(moving, seen_s),
                observer.largest_gap_s(moving, seen_s),
            )
            count = len(seen_s)
            figures.append(
                Figure(name=f"narration.seen_share.{name}", value=share, n=count, how=how)
            )
            figures.append(
                Figure(name=f"narration.max_gap_s.{name}", value=gap_s, n=count, how=how)
            )
    return figures


def accounts(*, quick: bool) -> list[Figure]:
    """What is lost, doubled or out of order with 1, 16 and 64 cameras."""
    runs = [
        show([Play.of_visits(camera, 1) for camera in range(1, cameras + 1)], speed=_UNEVEN)
        for cameras in ((1, 16) if quick else (1, 16, 64))
    ]
    plain = PlainCamera(play=Play.of_visits(1, 4), model=Model(_UNEVEN), size_px=SMALL_PX)
    rehearse(plain.run())
    performances = [one for run in runs for one in run.run.performances]
    sampled = sum(one.sampled for one in performances)
    how = f"{' + '.join(str(len(run.run.performances)) for run in runs)} cameras, one visit each, model 0.8 to 15 s; n is pictures"
    values = {
        "lost": sum(_lost(one) for one in performances),
        "doubled": sum(observer.doubled(run.model.answered) for run in runs),
        "reordered": sum(observer.reordered(run.model.requests) for run in runs)
        + sum(observer.reordered([], _applied(one)) for one in performances),
        "doubled.baseline": observer.doubled(plain.model.answered),
        "reordered.baseline": observer.reordered(plain.model.requests, plain.applied),
    }
    return [
        Figure(name=f"narration.{name}", value=value, n=sampled, how=how)
        for name, value in values.items()
    ]


def day(*, quick: bool) -> list[Figure]:
    """A day with 5 % of movement, and an hour with none."""
    hours = 6 if quick else 24
    play = Play.of_visits(1, 4 * hours, every_s=900.0, nuisances=hours)
    ours = show([play], size_px=(854, 480))
    plain = PlainCamera(play=play, model=Model(Speed(), looks=False), history_max=10)
    rehearse(plain.run(_always(StandInBridge(play, key="day").picture(0.0))))
    mine, theirs = (
        sum(request.estimated_tokens for request in model.requests)
        for model in (ours.model, plain.model)
    )
    idle = show([Play(camera=1, seconds=3600.0)])
    return [
        Figure(
            name="narration.tokens_vs_baseline.day",
            value=mine / theirs,
            n=len(ours.model.requests),
            how=f"{hours} h, {play.active_s / play.seconds:.1%} active, {hours} onsets with nobody; "
            f"{mine} against {theirs} input tokens; the timer's history cut to 10 sentences",
        ),
        Figure(
            name="narration.calls_idle_priced",
            value=len(idle.model.requests),
            n=1,
            how="an hour of a quiet camera, no rules, provider with a price",
        ),
    ]


def storm(*, quick: bool) -> list[Figure]:
    """A minute of 429 while all cameras have somebody in the picture."""
    del quick  # it takes a second either way
    plays = [Play.of_one(camera, 180.0, first_s=30.0) for camera in range(1, _STORM_CAMERAS + 1)]
    ours = show(plays, storm=_STORM)
    first = {
        camera: min(
            (
                asked.answered_s - _STORM[1]
                for asked in ours.run.asked
                if asked.camera == camera
                and (asked.answered_s or 0) > _STORM[1]
                and asked.answered_s
            ),
            default=float("inf"),
        )
        for camera in {asked.camera for asked in ours.run.asked}
    }
    refused = sum(request.outcome == "status 429" for request in ours.model.requests)
    return [
        Figure(
            name="narration.storm_recovery_s",
            value=max(first.values()),
            n=len(first),
            how=f"60 s of 429 with Retry-After 5, {refused} refused; end → last camera's first answer, model 2 s",
        )
    ]


def lies(*, quick: bool) -> list[Figure]:
    """For how many requests somebody lives on whom the model invented once."""
    del quick  # every kind of model is worth its run
    figures = []
    for suffix, plain in (("", False), (".baseline", True)):
        chunks, runs = falsehood.chunks(plain=plain)
        figures.append(
            Figure(
                name=f"narration.falsehood_chunks{suffix}",
                value=chunks,
                n=runs,
                how="told at one of three answers; the model then contradicts its notes, lets them stand or repeats them",
            )
        )
    return figures


GROUPS: Final[dict[str, Callable[..., list[Figure]]]] = {
    "live": live,
    "visits": visited.visits,
    "profiles": visited.profiles,
    "accounts": accounts,
    "day": day,
    "storm": storm,
    "lies": lies,
}


def _lost(performance: Performance) -> int:
    outcomes = performance.outcomes
    return performance.sampled - outcomes.settled - outcomes.buffered - outcomes.in_flight


def _applied(performance: Performance) -> list[float]:
    """Return the ends of what the words cover, in the order in which they were told."""
    return [told.what.span.to_s for told in performance.narratives]


def _always(frame: Frame) -> Callable[[], Frame]:
    return lambda: frame
