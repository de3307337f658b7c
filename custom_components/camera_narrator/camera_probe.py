"""What comes of letting a bridge try a camera's address: a finding with a picture, or an error at a field."""

import dataclasses
from dataclasses import dataclass

from . import const
from .bridge_link import BridgeLink
from .camera_address import Address
from .link_probes import ProbeFailed
from .protocol.area import Polygon
from .protocol.messages import Probed
from .protocol.vocabulary import Capability, ErrorCode, Transport

AWAY = (ErrorCode.UNREACHABLE, ErrorCode.TIMEOUT, ErrorCode.REFUSED)
"""What a camera that is switched off right now looks like; all else is wrong and stays wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a probe ended: a finding, or the field and the words of an error."""

    probed: Probed | None = None
    preview: bytes | None = dataclasses.field(default=None, repr=False)
    field: str = "base"
    error: str = ""
    away: bool = False


async def tried(
    link: BridgeLink | None, address: Address, *, transport: Transport, masks: tuple[Polygon, ...]
) -> Outcome:
    """Let a bridge try an address, if it is there; what masks hide is not in the picture."""
    if link is None:
        return Outcome(field=const.CONF_BRIDGE, error="bridge_away")
    if Capability.PROBE not in link.hello.capabilities:
        return Outcome(field=const.CONF_BRIDGE, error="bridge_cannot_probe")
    if masks and Capability.MASKS not in link.hello.capabilities:
        return Outcome(field=const.CONF_BRIDGE, error="bridge_cannot_mask")
    try:
        probed, preview = await link.probes.ask(
            url=address.url,
            username=address.username,
            password=address.password,
            transport=transport,
            masks=masks,
        )
    except TimeoutError:
        return Outcome(field=const.CONF_BRIDGE, error="bridge_silent")
    except ProbeFailed:
        return Outcome(field=const.CONF_BRIDGE, error="bridge_away")
    if probed.error is None:
        return Outcome(probed=probed, preview=preview)
    code = probed.error.code
    place = const.CONF_PASSWORD if code is ErrorCode.UNAUTHORIZED else const.CONF_URL
    return Outcome(field=place, error=code.value, away=code in AWAY)
