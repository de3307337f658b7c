"""Figures of the narration that a rehearsal settles: what is seen, asked, paid and told, on a clock that jumps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from custom_components.camera_narrator.pipeline.models import Frame
from custom_components.camera_narrator.pipeline.prices import tariff
from custom_components.camera_narrator.pipeline.vocabulary import Look, Phase, Profile, Verdict
from rigs.bench.figure import Figure, percentile
from rigs.model_request import CHARACTERS_PER_TOKEN, ModelRequest
from rigs.rehearsal import observer
from rigs.rehearsal.model import Model, Speed
from rigs.rehearsal.observer import Stretch, ToldEvent
from rigs.rehearsal.oracle import Asked
from rigs.rehearsal.ours import Performance, Rehearsal, perform
from rigs.rehearsal.plain import PlainCamera
from rigs.rehearsal.play import Play
from rigs.rehearsal.stand_in_bridge import StandInBridge
from rigs.rehearsal.virtual_time import WALL_S, rehearse

SMALL_PX: Final = (426, 240)
"""Where no tokens are counted: quicker to read."""
TWO_SECONDS: Final = Speed()
_UNEVEN: Final = Speed(first_token_s=8.0, spread=0.9)
"""A slow server with others to serve."""
_STORM: Final = (60.0, 120.0)
_STORM_CAMERAS: Final = 4
_CHEAPEST: Final = ("generativelanguage.googleapis.com", "gemini-2.5-flash-lite")
"""The cheapest of the presets that answers without thinking first, which nobody could estimate."""
_NEWS: Final = frozenset({Look.ONSET, Look.SCHEDULE, Look.NOVELTY, Look.CLOSING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One run of ours and the model that answered it."""

    run: Rehearsal
    model: Model

    @property
    def performance(self) -> Performance:
        """The only camera's, or the first one's."""
        return self.run.performances[0]


def show(
    plays: Sequence[Play],
    *,
    profile: Profile = Profile.BALANCED,
    speed: Speed = TWO_SECONDS,
    size_px: tuple[int, int] = SMALL_PX,
    storm: tuple[float, float] | None = None,
) -> Shown:
    """Rehearse plays once."""
    model = Model(speed, storm=storm)
    return Shown(run=rehearse(perform(plays, model, profile=profile, size_px=size_px)), model=model)


def live(*, quick: bool) -> list[Figure]:
    """Profile live at three speeds of the model, and the timer at the same."""
    play = Play.of_one(1, 180.0 if quick else 900.0)
    active = _active(play)
    figures: list[Figure] = []
    for suffix, first_token_s in (("live", 2.0), ("live_05s", 0.5), ("live_10s", 10.0)):
        speed = Speed(first_token_s=first_token_s)
        ours = show([play], profile=Profile.LIVE, speed=speed)
        plain = PlainCamera(play=play, model=Model(speed), size_px=SMALL_PX)
        rehearse(plain.run())
        how = f"{play.active_s:.0f} s of movement, model {first_token_s:g} s to the first token"
        for name, model in ((suffix, ours.model), (f"{suffix}.baseline", plain.model)):
            seen_s = _captured_s(model.answered)
            share, gap_s = (
                observer.seen_share(active, seen_s),
                observer.largest_gap_s(active, seen_s),
            )
            count = len(seen_s)
            figures.append(
                Figure(name=f"narration.seen_share.{name}", value=share, n=count, how=how)
            )
            figures.append(
                Figure(name=f"narration.max_gap_s.{name}", value=gap_s, n=count, how=how)
            )
    return figures


def visits(*, quick: bool) -> list[Figure]:
    """Profile balanced over visits with changes, and onsets with nobody between them."""
    count = 12 if quick else 60
    play = Play.of_visits(1, count, nuisances=count // 4)
    ours = show([play], size_px=(854, 480))
    plain = PlainCamera(play=play, model=Model(Speed()), size_px=SMALL_PX)
    rehearse(plain.run())
    real = [visit for visit in play.visits if visit.subject]
    truth = [Stretch(from_s=visit.from_s, to_s=visit.to_s) for visit in real]
    told = _events(ours.performance)
    shown, novelties = observer.shown_promptly(play.novelties(), _captured_s(ours.model.answered))
    shown_plain, _ = observer.shown_promptly(play.novelties(), _captured_s(plain.model.answered))
    calls = _calls(ours.run)
    how = f"{count} visits of 30 to 60 s, {count // 4} onsets with nobody, model 2 s"

    def figure(name: str, value: float, n: int, how: str = how) -> Figure:
        return Figure(name=f"narration.{name}", value=value, n=n, how=how)

    taken = (
        "a picture of it, taken within 2 s, in an answered request; labels by the rig's detector"
    )
    return [
        figure("novelty_within_2s.balanced", shown / novelties, novelties, taken),
        figure("novelty_within_2s.balanced.baseline", shown_plain / novelties, novelties, taken),
        figure("calls_per_visit.balanced", calls / len(real), len(real)),
        figure("event_recall", observer.recall(truth, told), len(truth)),
        figure("event_precision", observer.precision(truth, told), len(told)),
        figure("events_per_visit", observer.events_per_visit(truth, told), len(truth)),
        *_delays(ours, plain),
        _dollars(ours, len(real), how),
    ]


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


GROUPS: Final[dict[str, Callable[..., list[Figure]]]] = {
    "live": live,
    "visits": visits,
    "accounts": accounts,
    "day": day,
    "storm": storm,
}


def _active(play: Play) -> list[Stretch]:
    return [Stretch(from_s=visit.from_s, to_s=visit.to_s) for visit in play.visits]


def _captured_s(requests: Sequence[ModelRequest]) -> list[float]:
    return sorted(code.captured_ms / 1000 - WALL_S for one in requests for code in one.codes)


def _events(performance: Performance) -> list[ToldEvent]:
    """Return each event by its last phase; it lasts from its onset to the word that it is over."""
    spans: dict[str, ToldEvent] = {}
    for told in performance.events:
        event = told.what
        before = spans.get(event.id)
        from_s = told.at_s if before is None else before.span.from_s
        ended = event.phase is Phase.ENDED
        spans[event.id] = ToldEvent(
            id=event.id,
            # An event is told a moment after its beginning, and 20 s of quiet after its end.
            span=Stretch(from_s=from_s, to_s=event.span.to_s if ended else told.at_s),
            withdrawn=event.verdict is Verdict.NOTHING,
            continues=event.continues is not None,
        )
    return list(spans.values())


def _calls(run: Rehearsal) -> int:
    """Return the requests that belong to visits with somebody in them."""
    wanted = _of_visits(run.performances[0].play)
    return sum(asked.look in _NEWS and wanted(asked) for asked in run.asked)


def _of_visits(play: Play) -> Callable[[Asked], bool]:
    subjects = {visit.number for visit in play.visits if visit.subject}
    return lambda asked: play.last_before(asked.at_s) in subjects


def _delays(ours: Shown, plain: PlainCamera) -> list[Figure]:
    asked = ours.run.asked
    ages_s = [one.at_s - one.newest_captured_s for one in asked]
    plain_s = [answer.sent_s - answer.newest_captured_s for answer in plain.answers]
    first_s: dict[str, float] = {}
    for told in ours.performance.events:
        if told.what.narrative:
            first_s.setdefault(told.what.id, told.at_s)
    begun_s = [
        one.first_field_s
        for one in asked
        if one.first_field_s is not None
        and one.request is not None
        and '"changed": true' in one.request.answer
    ]
    words_ms = [
        1000 * (at_s - max(begun for begun in begun_s if begun <= at_s))
        for at_s in first_s.values()
    ]
    how = "newest picture of a request at its send"
    return [
        Figure(
            name="narration.frame_age_at_send_s.p95",
            value=percentile(ages_s, 0.95),
            n=len(ages_s),
            how=how,
        ),
        Figure(
            name="narration.frame_age_at_send_s.p95.baseline",
            value=percentile(plain_s, 0.95),
            n=len(plain_s),
            how=how,
        ),
        Figure(
            name="narration.words_after_first_field_ms.p95",
            value=percentile(words_ms, 0.95),
            n=len(words_ms),
            how="first field of the answer → the visit's first words published, at 80 tokens a second",
        ),
    ]


def _dollars(ours: Shown, count: int, how: str) -> Figure:
    host, name = _CHEAPEST
    known = tariff(host, name)
    assert known.price is not None  # noqa: S101 - a preset has one
    usd = 0.0
    wanted = _of_visits(ours.performance.play)
    for request in (one.request for one in ours.run.asked if wanted(one)):
        if request is None:
            continue
        pictures = sum(
            known.pictures.tokens(picture.width_px, picture.height_px)
            for picture in request.pictures
        )
        words = len(request.words) // CHARACTERS_PER_TOKEN
        usd += known.price.of(words + pictures, len(request.answer) // CHARACTERS_PER_TOKEN + 1)
    return Figure(
        name="narration.usd_per_month.12x30_visits",
        value=usd / count * 12 * 30 * 30,
        n=count,
        how=f"{name}; {how}; without calls about onsets with nobody",
    )


def _lost(performance: Performance) -> int:
    outcomes = performance.outcomes
    return performance.sampled - outcomes.settled - outcomes.buffered - outcomes.in_flight


def _applied(performance: Performance) -> list[float]:
    """Return the ends of what the words cover, in the order in which they were told."""
    return [told.what.span.to_s for told in performance.narratives]


def _always(frame: Frame) -> Callable[[], Frame]:
    return lambda: frame
