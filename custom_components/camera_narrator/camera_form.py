"""The fields of a camera's dialog, and the way between them and the flat data of its subentry."""

from collections.abc import Iterable, Mapping
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_NAME
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol

from . import camera_rules, const, wording
from .camera_areas import FIELDS, Areas
from .pipeline.vocabulary import Label, Profile
from .protocol.vocabulary import Transport

CONF_ADD_ANYWAY = "add_anyway"
TRIGGERS = ["binary_sensor", "input_boolean", "switch"]
"""What is on or off: person sensors, door contacts, bells, and what automations switch."""

_CAPTURE_DEFAULTS = {
    const.CONF_TRANSPORT: Transport.TCP.value,
    const.CONF_RATE_FPS: const.DEFAULT_RATE_FPS,
    const.CONF_HEIGHT_PX: const.DEFAULT_HEIGHT_PX,
    const.CONF_QUALITY: const.DEFAULT_QUALITY,
}
_CHUNK_DEFAULTS = {
    const.CONF_INTERVAL_S: const.DEFAULT_INTERVAL_S,
    const.CONF_FRAMES: const.DEFAULT_FRAMES,
    const.CONF_ONLY_FOR: [],
    const.CONF_OPENED_BY: [],
    const.CONF_REQUIRED: [],
    const.CONF_LANGUAGE: "",
    const.CONF_LOCAL_ONLY: False,
}
_AREA_DEFAULTS = dict.fromkeys(FIELDS, "")
# Areas first: what is wrong with them is said at the head of the section.
_DEFAULTS: Mapping[str, Any] = {**_AREA_DEFAULTS, **_CAPTURE_DEFAULTS, **_CHUNK_DEFAULTS}


def _number(
    low: float, high: float, step: float, unit: str | None = None, *, whole: bool = False
) -> Any:
    selector = NumberSelector(
        NumberSelectorConfig(
            min=low,
            max=high,
            step=step,
            mode=NumberSelectorMode.BOX,
            **({"unit_of_measurement": unit} if unit else {}),
        )
    )
    return vol.All(selector, vol.Coerce(int)) if whole else selector


_ADVANCED: Mapping[str, Any] = {
    const.CONF_TRANSPORT: SelectSelector(
        SelectSelectorConfig(
            options=[transport.value for transport in Transport],
            translation_key="transport",
            mode=SelectSelectorMode.DROPDOWN,
        )
    ),
    # A chunk's pictures come from one or two a second; a bridge sends no more than ten.
    const.CONF_RATE_FPS: _number(0.2, 5, 0.1),
    # Below 240 lines a model sees no faces, above 1080 it scales down itself.
    const.CONF_HEIGHT_PX: _number(240, 1080, 8, "px", whole=True),
    const.CONF_QUALITY: _number(40, 95, 1, "%", whole=True),
    const.CONF_INTERVAL_S: _number(1, 300, 1, "s"),
    const.CONF_FRAMES: _number(1, 10, 1, whole=True),
    const.CONF_ONLY_FOR: SelectSelector(
        SelectSelectorConfig(
            options=[label.value for label in Label],
            translation_key="only_for",
            mode=SelectSelectorMode.LIST,
            multiple=True,
        )
    ),
    const.CONF_OPENED_BY: EntitySelector(EntitySelectorConfig(domain=TRIGGERS, multiple=True)),
    const.CONF_REQUIRED: EntitySelector(EntitySelectorConfig(domain=TRIGGERS, multiple=True)),
    const.CONF_LANGUAGE: wording.LANGUAGE,
    const.CONF_LOCAL_ONLY: BooleanSelector(),
    **{field: TextSelector(TextSelectorConfig(multiline=True)) for field in FIELDS},
}


def rtsp_schema(
    bridges: Iterable[ConfigSubentry], *, add_anyway: bool, unfolded: bool = False
) -> vol.Schema:
    """Return the form of a camera that a bridge pulls; ``add_anyway`` once a probe found it away.

    ``unfolded`` shows the advanced fields at once, where an error is among them.
    """
    fields: dict[Any, Any] = {
        **_head(bridges),
        vol.Required(const.CONF_URL): TextSelector(),
        # Below the address, where the error is: at the end of the form nobody sees it.
        **({vol.Optional(CONF_ADD_ANYWAY, default=False): BooleanSelector()} if add_anyway else {}),
        vol.Optional(const.CONF_USERNAME): TextSelector(TextSelectorConfig(autocomplete="off")),
        vol.Optional(const.CONF_PASSWORD): TextSelector(
            TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="new-password")
        ),
        **_profile(),
        **_wishes(),
        **_advanced(_DEFAULTS, unfolded=unfolded),
    }
    return vol.Schema(fields)


def pushed_schema(bridges: Iterable[ConfigSubentry], *, unfolded: bool = False) -> vol.Schema:
    """Return the form of a camera whose pictures a client sends by itself."""
    return vol.Schema(
        {
            **_head(bridges),
            **_profile(),
            **_wishes(),
            **_advanced(_CHUNK_DEFAULTS, unfolded=unfolded),
        }
    )


def bridge_field(bridges: Iterable[ConfigSubentry]) -> dict[Any, Any]:
    """Return the field that chooses a bridge; the only one is chosen already."""
    options = [SelectOptionDict(value=bridge.subentry_id, label=bridge.title) for bridge in bridges]
    only = {"default": options[0]["value"]} if len(options) == 1 else {}
    return {
        vol.Required(const.CONF_BRIDGE, **only): SelectSelector(
            SelectSelectorConfig(options=options, mode=SelectSelectorMode.DROPDOWN)
        )
    }


def flat(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form's values as a subentry keeps them: without sections, name and one-time answers."""
    data = {**_defaults(typed), **typed, **typed.get(const.SECTION_ADVANCED, {})}
    for key in (const.SECTION_ADVANCED, CONF_NAME, CONF_ADD_ANYWAY):
        data.pop(key, None)
    return data


def suggested(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form's values as the next form shows them: all but the password."""
    return {key: value for key, value in typed.items() if key != const.CONF_PASSWORD}


def typed_before(subentry: ConfigSubentry) -> dict[str, Any]:
    """Return a camera's settings as if they had just been typed, all but the password."""
    data = suggested(subentry.data)
    rules = data.pop(const.CONF_RULES, ())
    advanced = {key: data.get(key, default) for key, default in _defaults(data).items()}
    advanced |= {key: text for key, text in Areas.of(data).written().items() if key in advanced}
    return {
        **data,
        CONF_NAME: subentry.title,
        **({const.CONF_RULES: camera_rules.written(rules)} if rules else {}),
        const.SECTION_ADVANCED: advanced,
    }


def _defaults(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return _DEFAULTS if const.CONF_URL in values else _CHUNK_DEFAULTS


def _head(bridges: Iterable[ConfigSubentry]) -> dict[Any, Any]:
    return {vol.Required(CONF_NAME): TextSelector(), **bridge_field(bridges)}


def _profile() -> dict[Any, Any]:
    return {
        vol.Required(const.CONF_PROFILE, default=Profile.BALANCED.value): SelectSelector(
            SelectSelectorConfig(
                options=[profile.value for profile in Profile],
                translation_key="profile",
                mode=SelectSelectorMode.LIST,
            )
        )
    }


def _wishes() -> dict[Any, Any]:
    # No defaults: a form without rules or instructions shows and keeps none.
    return {
        vol.Optional(const.CONF_RULES): camera_rules.SELECTOR,
        vol.Optional(const.CONF_INSTRUCTIONS): wording.INSTRUCTIONS,
    }


def _advanced(defaults: Mapping[str, Any], *, unfolded: bool = False) -> dict[Any, Any]:
    fields = {vol.Optional(key, default=value): _ADVANCED[key] for key, value in defaults.items()}
    # No default of the section's own: a browser would take that, and none of its fields' values.
    return {
        vol.Optional(const.SECTION_ADVANCED): section(
            vol.Schema(fields), {"collapsed": not unfolded}
        )
    }
