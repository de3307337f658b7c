"""Figures of visits with changes in them: what is shown, asked, told and paid by profile, and how late."""

from collections.abc import Callable
from typing import Final

from custom_components.camera_narrator.pipeline.vocabulary import Look, Phase, Profile, Verdict
from rigs.bench import bill
from rigs.bench.figure import Figure, percentile
from rigs.bench.shown import TWO_SECONDS, Shown, captured_s, show
from rigs.rehearsal import observer
from rigs.rehearsal.model import Model
from rigs.rehearsal.observer import Stretch, ToldEvent
from rigs.rehearsal.oracle import Asked
from rigs.rehearsal.ours import Performance
from rigs.rehearsal.plain import PlainCamera
from rigs.rehearsal.play import Play
from rigs.rehearsal.virtual_time import rehearse

_LOOKS: Final = frozenset({Look.ONSET, Look.SCHEDULE, Look.NOVELTY, Look.CLOSING})
_CAMERAS, _VISITS, _DAYS = 12, 30, 30
"""Of the month that is paid for."""


def visits(*, quick: bool) -> list[Figure]:
    """Profile balanced over visits with changes, and onsets with nobody between them; the timer before the same."""
    count = 12 if quick else 60
    play = Play.of_visits(1, count, nuisances=count // 4)
    ours = show([play], size_px=(854, 480))
    plain = PlainCamera(play=play, model=Model(TWO_SECONDS))
    rehearse(plain.run())
    how = f"{count} visits of 30 to 60 s, {count // 4} onsets with nobody, model 2 s"
    return [
        *_of_profile(ours, Profile.BALANCED, how),
        *_of_timer(plain, how),
        *_of_events(ours, how),
        *_delays(ours, plain),
    ]


def profiles(*, quick: bool) -> list[Figure]:
    """What the other profiles show of such visits, and what they ask and cost."""
    count = 4 if quick else 20
    play = Play.of_visits(1, count, nuisances=count // 4)
    how = f"{count} visits of 30 to 60 s, {count // 4} onsets with nobody, model 2 s"
    return [
        figure
        for profile in (Profile.ECONOMY, Profile.LIVE)
        for figure in _of_profile(show([play], profile=profile, size_px=(854, 480)), profile, how)
    ]


def _of_profile(ours: Shown, profile: Profile, how: str) -> list[Figure]:
    play = ours.performance.play
    count = sum(visit.subject for visit in play.visits)
    shown, novelties = observer.shown_promptly(play.novelties(), captured_s(ours.model.answered))
    wanted = _of_visits(play)
    asked = [one for one in ours.run.asked if wanted(one)]
    audits = sum(one.look is Look.AUDIT for one in asked)
    month = f"narration.usd_per_month.{_CAMERAS}x{_VISITS}_visits"
    return [
        Figure(
            name=f"narration.novelty_within_2s.{profile.value}",
            value=shown / novelties,
            n=novelties,
            how="a picture of it, taken within 2 s, in an answered request; labels by the rig's detector",
        ),
        Figure(
            name=f"narration.calls_per_visit.{profile.value}",
            value=sum(one.look in _LOOKS for one in asked) / count,
            n=count,
            how=f"{how}; and {audits} audits",
        ),
        Figure(
            name=month if profile is Profile.BALANCED else f"{month}.{profile.value}",
            value=bill.usd(one.request for one in asked if one.request is not None)
            / count
            * _CAMERAS
            * _VISITS
            * _DAYS,
            n=count,
            how=f"{bill.MODEL}, pictures on sheets; {how}; audits too, without calls about onsets with nobody",
        ),
    ]


def _of_timer(plain: PlainCamera, how: str) -> list[Figure]:
    play = plain.play
    shown, novelties = observer.shown_promptly(play.novelties(), captured_s(plain.model.answered))
    real = [visit for visit in play.visits if visit.subject]
    calls = sum(
        any(visit.from_s <= one.arrived_s <= visit.to_s for visit in real)
        for one in plain.model.requests
    )
    per_s = bill.usd(plain.model.requests, arranged=False) / play.seconds
    return [
        Figure(
            name="narration.novelty_within_2s.balanced.baseline",
            value=shown / novelties,
            n=novelties,
            how=how,
        ),
        Figure(
            name="narration.calls_per_visit.balanced.baseline",
            value=calls / len(real),
            n=len(real),
            how=f"{how}; it asks as often all day",
        ),
        Figure(
            name=f"narration.usd_per_month.{_CAMERAS}x{_VISITS}_visits.baseline",
            value=per_s * 86_400 * _DAYS * _CAMERAS,
            n=len(plain.model.requests),
            how=f"{bill.MODEL}; the timer runs all day, its whole history goes along",
        ),
    ]


def _of_events(ours: Shown, how: str) -> list[Figure]:
    real = [visit for visit in ours.performance.play.visits if visit.subject]
    truth = [Stretch(from_s=visit.from_s, to_s=visit.to_s) for visit in real]
    told = _events(ours.performance)
    values = {
        "event_recall": (observer.recall(truth, told), len(truth)),
        "event_precision": (observer.precision(truth, told), len(told)),
        "events_per_visit": (observer.events_per_visit(truth, told), len(truth)),
    }
    return [
        Figure(name=f"narration.{name}", value=value, n=n, how=how)
        for name, (value, n) in values.items()
    ]


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


def _of_visits(play: Play) -> Callable[[Asked], bool]:
    """Tell what belongs to visits with somebody in them."""
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
