"""What requests cost: prices by model, pictures by rule, estimates that learn, and the cost of a day."""

from dataclasses import replace

import pytest

from custom_components.camera_narrator.pipeline.estimate import Estimator, per_day
from custom_components.camera_narrator.pipeline.models import CameraSettings
from custom_components.camera_narrator.pipeline.prices import (
    FREE,
    PictureRule,
    Price,
    Tariff,
    tariff,
)
from custom_components.camera_narrator.pipeline.request import Usage
from custom_components.camera_narrator.pipeline.spending import Cost
from custom_components.camera_narrator.pipeline.vocabulary import Profile
from tests.pipeline.looks import a_look

CHEAP = Tariff(price=Price(input_usd=1.0, output_usd=10.0))


@pytest.mark.parametrize(
    ("host", "model", "usd"),
    [
        ("api.openai.com", "gpt-5-mini-2025-08-07", (0.25, 2.0)),
        ("api.openai.com", "gpt-5", (1.25, 10.0)),
        ("generativelanguage.googleapis.com", "models/gemini-2.5-flash-lite", (0.1, 0.4)),
        ("openrouter.ai", "anthropic/claude-haiku-4.5", (1.0, 5.0)),
        ("openrouter.ai", "somebody/else", None),
        ("models.example.com", "gpt-5-mini", None),
    ],
)
def test_prices_go_by_server_and_model(
    host: str, model: str, usd: tuple[float, float] | None
) -> None:
    """The longest name that fits counts; a model behind an unknown server has an unknown price."""
    found = tariff(host, model)
    assert found.unknown is (usd is None)
    if usd is not None:
        assert found.price == Price(input_usd=usd[0], output_usd=usd[1])
    own = Price(input_usd=9.0, output_usd=9.0)
    assert tariff(host, model, own=own).price == own


@pytest.mark.parametrize(
    ("model", "wide", "low"),
    [("gpt-5-mini", 486, 216), ("claude-haiku-4-5", 558, 252), ("gemini-3-flash", 1120, 1120)],
)
def test_pictures_count_by_the_models_rule(model: str, wide: int, low: int) -> None:
    """By patches of two sizes, or flat."""
    rule = tariff("api.openai.com", model).pictures
    assert (rule.tokens(854, 480), rule.tokens(569, 320)) == (wide, low)


def test_tiles_count_by_the_short_side() -> None:
    """4o's rule: 85 and 170 for each tile."""
    assert PictureRule.TILES.tokens(854, 480) == 85 + 170 * 2


def test_an_estimate_learns() -> None:
    """Too low is corrected at once, too high by and by; smaller pictures are cheaper."""
    estimator, look = Estimator(CHEAP), a_look()
    first = estimator.of(look)
    assert first.requests == 1
    assert first.usd == pytest.approx((first.tokens - 250 + 250 * 10) / 1e6)
    given = first.tokens - look.schema.max_tokens
    used = estimator.used(look, Usage(input_tokens=2 * given, output_tokens=40), first)
    assert used == Cost(requests=1, tokens=2 * given + 40, usd=(2 * given + 400) / 1e6)
    dear = estimator.of(look)
    assert dear.tokens == pytest.approx(2 * given + 250, abs=2)
    estimator.used(look, Usage(input_tokens=given, output_tokens=40), dear)
    assert dear.tokens * 0.93 < estimator.of(look).tokens < dear.tokens
    assert estimator.of(replace(look, height_px=320)).tokens < 0.7 * estimator.of(look).tokens


def test_what_a_server_does_not_count_was_as_estimated() -> None:
    """Without usage the estimate stands for each request, and nothing is learned."""
    estimator, look = Estimator(CHEAP), a_look()
    reserved = estimator.of(look)
    assert estimator.used(look, Usage(), reserved) == reserved
    assert estimator.used(look, Usage(requests=2), reserved) == reserved.plus(reserved)
    assert estimator.of(look) == reserved
    assert Estimator(FREE).of(look).usd == 0.0


def test_what_several_requests_cost_together_teaches_nothing_of_one() -> None:
    """An answer that was asked for twice has cost twice as much; the next look is not dearer for it."""
    estimator, look = Estimator(CHEAP), a_look()
    first = estimator.of(look)
    given = first.tokens - look.schema.max_tokens
    used = estimator.used(look, Usage(input_tokens=2 * given, output_tokens=80, requests=2), first)
    assert (used.requests, used.tokens) == (2, 2 * given + 80)
    assert estimator.of(look) == first


def test_a_day_by_profile() -> None:
    """Economy is cheaper than balanced than live than always; heartbeats come on top."""

    def day(profile: Profile, *, heartbeats: bool = False) -> Cost:
        settings = CameraSettings(title="", profile=profile)
        return per_day(settings, CHEAP, height_px=480, heartbeats=heartbeats)

    costs = [day(profile) for profile in Profile]
    assert [cost.requests for cost in costs] == [60, 150, 366, 17_280]
    assert costs == sorted(costs, key=lambda cost: cost.usd)
    assert day(Profile.BALANCED, heartbeats=True).requests == 150 + 288
    assert costs[1].usd == pytest.approx(150 * (0.0036 + 0.0008), rel=0.2)


def test_pictures_of_a_flat_price_are_one_sheet() -> None:
    """Five cost what one costs, in the estimate of a request and in that of a day."""
    flat = replace(CHEAP, pictures=PictureRule.FLAT)
    one, five = Estimator(flat).of(a_look(1)), Estimator(flat).of(a_look(5))
    assert five.tokens - one.tokens < 100, "the lines with numbers and times alone"
    few, many = (
        per_day(
            CameraSettings(title="", frames_per_chunk=frames),
            flat,
            height_px=480,
            heartbeats=False,
        )
        for frames in (1, 5)
    )
    assert few == many
