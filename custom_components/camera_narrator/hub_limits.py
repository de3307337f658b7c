"""The limits and the money of one hub: from its options to its limiter, and from there to its sensors and repairs."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
import math
from typing import Any, Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from . import budget_issues, const
from .coordinator import HubCoordinator, NarratorConfigEntry
from .memory import MemoryStore
from .pipeline.clock import Clock
from .pipeline.limiter import Limiter
from .pipeline.prices import FREE, Price, Tariff, tariff
from .pipeline.spending import Day, Unit
from .pipeline.standing import Standing
from .pipeline.terms import Terms
from .pipeline.vocabulary import Restraint, Saving
from .providers.address import Address

SHOWN_S: Final = 60.0
"""A wait that is over sooner is no state: nobody would read it, and the recorder would keep it."""
STEP: Final = 0.02
"""Cost and budget are shown when they have moved by this part of the cap: fifty rows of the recorder a day."""
STEP_USD: Final = 0.01
"""The same without a cap."""

OPTION_OF: Final = {
    Unit.USD: const.CONF_USD_PER_DAY,
    Unit.REQUESTS: const.CONF_REQUESTS_PER_DAY,
    Unit.TOKENS: const.CONF_TOKENS_PER_DAY,
}
"""Where a cap is kept."""

type Data = Mapping[str, Any]


class HubLimits:
    """Owns a hub's limiter, keeps its counters over restarts, and shows where it stands."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: NarratorConfigEntry,
        *,
        clock: Clock,
        memory: MemoryStore,
        coordinator: HubCoordinator,
    ) -> None:
        """Prepare the limiter; what was spent today is known after start()."""
        self._hass = hass
        self._entry = entry
        self._clock = clock
        self._memory = memory
        self._coordinator = coordinator
        self._days = LocalDays()
        self._timer: CALLBACK_TYPE | None = None
        self._started = False
        self.beside: Callable[[], float] = lambda: 0.0
        """What others of the hub have cost today."""
        self.limiter = Limiter(
            clock=clock,
            terms=terms(entry.data, entry.options),
            calendar=self._days,
            changed=self._show,
        )

    @property
    def asks_elsewhere(self) -> bool:
        """Return whether the provider is one that may be limited at all."""
        return bool(self._entry.data[const.CONF_PROVIDER] != const.PROVIDER_BUILTIN)

    @callback
    def start(self) -> None:
        """Go on from what was spent today, in whatever run."""
        self.limiter.spending.restore(self._memory.spent)
        self._started = True
        self._show()

    @callback
    def change(self) -> None:
        """Take other options over."""
        self.limiter.change(terms(self._entry.data, self._entry.options))

    @callback
    def stop(self) -> None:
        """Look no more."""
        self._started = False
        if self._timer is not None:
            self._timer()
            self._timer = None

    @callback
    def _show(self) -> None:
        """Store what is spent, show where the hub stands, and look again when that changes by itself."""
        if not self._started:
            return
        now_s, wall_s = self._clock.monotonic(), self._clock.wall()
        self._memory.spend(self.limiter.spending.committed(wall_s))
        standing = self.limiter.standing()
        self._show_standing(standing, now_s, wall_s)
        self.show_money()
        self._check_issues(standing, wall_s)
        self._look_again(standing, now_s, wall_s)

    def _show_standing(self, standing: Standing, now_s: float, wall_s: float) -> None:
        left_s = 0.0 if standing.until_s is None else standing.until_s - now_s
        ends_wall_s = self.limiter.spending.ends_wall_s(wall_s)
        until_wall_s = wall_s + left_s if math.isfinite(left_s) else ends_wall_s
        money = standing.restraint is Restraint.BUDGET
        if standing.saving is Saving.FEWER_LOOKS and left_s < SHOWN_S and not money:
            standing = Standing()
        limited = standing.saving is not Saving.NONE and left_s >= SHOWN_S
        minute = math.ceil(until_wall_s / 60) * 60
        self._coordinator.update(
            saving=standing.saving,
            restraint=standing.restraint,
            limited_until=datetime.fromtimestamp(minute, UTC) if limited else None,
        )

    @callback
    def show_money(self) -> None:
        """Show what today has cost, with what the second model server has."""
        wall_s = self._clock.wall()
        spending, state = self.limiter.spending, self._coordinator.state
        spent, given = spending.today(wall_s).cost, self.limiter.terms.tariff
        share = spending.share(wall_s)
        since = datetime.fromtimestamp(self._days(wall_s).from_wall_s, UTC)
        usd = None if given.unknown else round(spent.usd + self.beside(), 4)
        left = None if share is None else round(100 * share, 1)
        step_usd = STEP * spending.caps.get(Unit.USD, 0.0) or STEP_USD
        if (
            state.cost_since != since
            or _moved(state.cost_usd, usd, step_usd)
            or _moved(state.budget_left, left, 100 * STEP)
        ):
            self._coordinator.update(cost_usd=usd, cost_since=since, budget_left=left)

    def _check_issues(self, standing: Standing, wall_s: float) -> None:
        entry_id = self._entry.entry_id
        issue = {
            Restraint.BUDGET: budget_issues.BUDGET,
            Restraint.ACCOUNT: budget_issues.ACCOUNT,
        }.get(standing.restraint)
        if standing.saving is Saving.BUILT_IN_WORDS and issue is not None:
            unit = self.limiter.spending.tightest(wall_s)
            told = "" if unit is None else cap_in_words(unit, self.limiter.spending.caps[unit])
            budget_issues.create(self._hass, issue, entry_id, self._entry.title, told)
        elif standing.saving is not Saving.BUILT_IN_WORDS:
            budget_issues.clear(self._hass, entry_id)

    def _look_again(self, standing: Standing, now_s: float, wall_s: float) -> None:
        if self._timer is not None:
            self._timer()
        ends_s = self.limiter.spending.ends_wall_s(wall_s) - wall_s
        left_s = ends_s if standing.until_s is None else min(ends_s, standing.until_s - now_s)

        @callback
        def look(_now: datetime) -> None:
            self._timer = None
            self.limiter.review()

        # A moment later than that: what ends now has ended then.
        self._timer = async_call_later(self._hass, max(1.0, left_s + 1.0), look)


def terms(data: Data, options: Data) -> Terms:
    """Return what a hub with these data and options may do."""
    given = tariff_of(data, options)
    caps: dict[Unit, float] = {}
    if given.price is not None and not given.free:
        caps[Unit.USD] = float(options.get(const.CONF_USD_PER_DAY, const.DEFAULT_USD_PER_DAY))
    unknown = const.DEFAULT_REQUESTS_PER_DAY if given.unknown else 0
    if requests := int(options.get(const.CONF_REQUESTS_PER_DAY) or unknown):
        caps[Unit.REQUESTS] = requests
    if tokens := int(options.get(const.CONF_TOKENS_PER_DAY) or 0):
        caps[Unit.TOKENS] = tokens
    return Terms(
        concurrency=int(options.get(const.CONF_CONCURRENCY, const.DEFAULT_CONCURRENCY)),
        requests_per_minute=int(options.get(const.CONF_REQUESTS_PER_MINUTE) or 0) or None,
        tokens_per_minute=int(options.get(const.CONF_TOKENS_PER_MINUTE) or 0) or None,
        caps=caps,
        tariff=given,
    )


def tariff_of(data: Data, options: Data) -> Tariff:
    """Return what the requests of a hub cost: nothing in the house, else by the table or by the user."""
    if data[const.CONF_PROVIDER] == const.PROVIDER_BUILTIN:
        return FREE
    address = Address.parse(data[const.CONF_BASE_URL])
    own = None
    if options.get(const.CONF_INPUT_PRICE) is not None:
        own = Price(
            input_usd=float(options[const.CONF_INPUT_PRICE]),
            output_usd=float(options.get(const.CONF_OUTPUT_PRICE) or 0.0),
        )
    if address.private and own is None:  # with a price it is a proxy that passes pictures on
        return FREE
    return tariff(address.host, data.get(const.CONF_MODEL, ""), own=own)


class LocalDays:
    """The days of the house's own time zone, asked for several times per frame: the present one is remembered."""

    def __init__(self) -> None:
        """Remember none yet."""
        self._zone: tzinfo | None = None
        self._day: Day | None = None

    def __call__(self, wall_s: float) -> Day:
        """Return the day of a wall time: caps begin anew at its midnight."""
        zone = dt_util.get_default_time_zone()
        day = self._day
        if day is None or zone is not self._zone or not day.from_wall_s <= wall_s < day.to_wall_s:
            day = self._day = _local_day(wall_s)
            self._zone = zone
        return day


def _local_day(wall_s: float) -> Day:
    start = dt_util.start_of_local_day(dt_util.as_local(datetime.fromtimestamp(wall_s, UTC)))
    end = dt_util.start_of_local_day(start.date() + timedelta(days=1))
    return Day(
        key=start.date().isoformat(), from_wall_s=start.timestamp(), to_wall_s=end.timestamp()
    )


def cap_in_words(unit: Unit, cap: float) -> str:
    """Return a cap as people write it."""
    match unit:
        case Unit.USD:
            return f"${cap:.2f}"
        case Unit.REQUESTS:
            return f"{cap:.0f} requests"
        case Unit.TOKENS:
            return f"{cap:.0f} tokens"


def _moved(shown: float | None, now: float | None, step: float) -> bool:
    if shown is None or now is None:
        return shown != now
    # A fresh cap and an empty one are shown as they are.
    return abs(now - shown) >= step or (now != shown and now in (0.0, 100.0))
