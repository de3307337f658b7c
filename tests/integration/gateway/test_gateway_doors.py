"""Who may come in: tokens of every standing, copied tokens, versions, and what the house hears of it."""

from types import MappingProxyType
from typing import Any

from aiohttp import WSServerHandshakeError
from aiohttp.test_utils import TestClient
from homeassistant.components import persistent_notification
from homeassistant.components.http.ban import KEY_FAILED_LOGIN_ATTEMPTS
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.camera_narrator import const, gateway
from custom_components.camera_narrator.gateway import REFUSALS_PER_MINUTE
from custom_components.camera_narrator.hub_bridge import TAKEOVERS
from custom_components.camera_narrator.protocol.limits import PATH
from custom_components.camera_narrator.protocol.messages import Configure, Ping, Status
from custom_components.camera_narrator.protocol.vocabulary import ErrorCode
from custom_components.camera_narrator.tokens import OPEN_DIALOGS
from tests.integration.gateway.bridge_peer import BridgePeer, frame, hello
from tests.integration.gateway.fake_hub import OLD_TOKEN, TOKEN, FakeHub, bridge_subentry

type Client = TestClient[Any, Any]


async def _refused(client: Client, token: str | None) -> WSServerHandshakeError:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect(PATH, headers=headers)
    return refused.value


def _troubled(hass: HomeAssistant) -> bool:
    """Return whether anybody was told or marked for a ban."""
    notifications = persistent_notification._async_get_or_create_notifications(hass)
    return bool(notifications or hass.http.app[KEY_FAILED_LOGIN_ATTEMPTS])


def _issues(hass: HomeAssistant) -> set[str]:
    return {issue_id for domain, issue_id in ir.async_get(hass).issues if domain == const.DOMAIN}


@pytest.mark.parametrize("token", [None, "", "wrong", "x" * 4000])
async def test_nobody_without_a_token(
    hass: HomeAssistant, hub: FakeHub, client: Client, token: str | None
) -> None:
    """A missing or unknown token gets 401, and nothing else happens in the house."""
    assert (await _refused(client, token)).status == 401
    assert not _troubled(hass)
    assert _issues(hass) == set()


def test_a_token_that_is_no_text_is_unknown(hub: FakeHub) -> None:
    """Bytes that are no text in a header are a wrong token, not an error."""
    assert hub.gateway.tokens.find("\udcff\udc00") is None


async def test_many_wrong_tokens_are_slowed_and_never_banned(
    hass: HomeAssistant, hub: FakeHub, client: Client
) -> None:
    """After its tries of a minute an address gets 429, while a bridge of the same address still comes in."""
    statuses = [(await _refused(client, "wrong")).status for _ in range(REFUSALS_PER_MINUTE + 2)]
    assert statuses == [401] * REFUSALS_PER_MINUTE + [429] * 2
    assert int((await _refused(client, "wrong")).headers["Retry-After"]) > 0

    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    assert not _troubled(hass)
    assert _issues(hass) == set()
    await peer.leave()


async def test_a_rotated_token_is_forbidden_and_told(
    hass: HomeAssistant, hub: FakeHub, client: Client
) -> None:
    """A bridge with last year's token gets 403 and a repair that names it, gone when it comes right."""
    assert (await _refused(client, OLD_TOKEN)).status == 403
    issue = ir.async_get(hass).async_get_issue(const.DOMAIN, "bridge_token_rotated_porch")
    assert issue is not None
    assert issue.translation_placeholders == {"bridge": "Porch"}

    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    assert _issues(hass) == set()
    await peer.leave()


async def test_the_token_of_a_removed_bridge_is_forbidden(
    hass: HomeAssistant, hub: FakeHub, client: Client
) -> None:
    """Removing a bridge ends its connection as revoked; its token gets 403 and no repair."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    hass.config_entries.async_remove_subentry(hub.entry, "porch")
    hub.bridges.pop("porch").remove()

    refuse, code = await peer.end()
    assert refuse is not None
    assert (refuse.error.code, refuse.retry, code) == (ErrorCode.REVOKED, False, 1008)
    assert (await _refused(client, TOKEN)).status == 403
    assert _issues(hass) == set()
    assert not hub.cameras["door"].connected


async def test_a_hub_that_is_not_loaded_asks_for_patience(hub: FakeHub, client: Client) -> None:
    """A known token of an entry that is not set up gets 503 and a time; its open connection ends with 1012."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    hub.gateway.close(hub)
    hub.bridges["porch"].close()

    assert await peer.end() == (None, 1012)
    refused = await _refused(client, TOKEN)
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) > 0


async def test_home_assistant_stops(hass: HomeAssistant, hub: FakeHub, client: Client) -> None:
    """At the end of Home Assistant every bridge hears that it goes away."""
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    hub.gateway.stop()
    assert await peer.end() == (None, 1001)


async def test_a_copied_token_is_refused_and_told(
    hass: HomeAssistant, hub: FakeHub, client: Client
) -> None:
    """Another bridge with a bound token is sent away for good, and the first one goes on."""
    first = await BridgePeer.connect(client, TOKEN)
    await first.welcome()
    second = await BridgePeer.connect(client, TOKEN, bridge="bridge-b")
    refuse, code = await second.end()

    assert refuse is not None
    assert (refuse.error.code, refuse.retry, code) == (ErrorCode.IN_USE, False, 1008)
    assert _issues(hass) == {"bridge_in_use_porch"}
    await first.settle()
    await first.leave()


async def test_the_newer_connection_of_a_bridge_wins(
    hass: HomeAssistant, hub: FakeHub, client: Client
) -> None:
    """A bridge whose old socket is half dead takes its place back; cameras do not notice."""
    first = await BridgePeer.connect(client, TOKEN)
    await first.welcome()
    second = await BridgePeer.connect(client, TOKEN)
    await second.welcome()

    refuse, code = await first.end()
    assert refuse is not None
    assert (refuse.error.code, code) == (ErrorCode.REPLACED, 1008)
    await second.settle()
    assert hub.cameras["door"].connected
    await second.leave()


async def test_two_bridges_of_one_identity_do_not_fight_for_ever(
    hub: FakeHub, client: Client
) -> None:
    """After three takeovers within a minute the newcomer must wait, and who is in stays in."""
    peers = [await BridgePeer.connect(client, TOKEN)]
    await peers[0].welcome()
    for _ in range(TAKEOVERS):
        peers.append(await BridgePeer.connect(client, TOKEN))
        await peers[-1].welcome()
    late = await BridgePeer.connect(client, TOKEN)
    refuse, _ = await late.end()

    assert refuse is not None
    assert (refuse.error.code, refuse.retry) == (ErrorCode.OVER_LIMIT, True)
    await peers[-1].settle()
    for peer in peers:
        await peer.leave()


async def test_a_bridge_from_the_future_is_told(
    hass: HomeAssistant, hub: FakeHub, client: Client
) -> None:
    """Without a common version the bridge is refused and the house asked to update."""
    peer = await BridgePeer.connect(client, TOKEN, protocol_min=7, protocol_max=9)
    refuse, _ = await peer.end()
    assert refuse is not None
    assert (refuse.error.code, refuse.retry) == (ErrorCode.PROTOCOL_UNSUPPORTED, False)
    assert _issues(hass) == {"bridge_protocol_porch"}


async def test_a_bridge_that_speaks_more_speaks_ours(hub: FakeHub, client: Client) -> None:
    """The highest common version is taken."""
    peer = await BridgePeer.connect(client, TOKEN, protocol_min=1, protocol_max=9)
    assert (await peer.welcome()).protocol == 1
    await peer.leave()


async def test_a_bridge_meets_its_dialog(hass: HomeAssistant, hub: FakeHub, client: Client) -> None:
    """A token shown by a dialog lets its bridge in to wait; the bridge made of it keeps the connection."""
    pending = hub.gateway.pend("fresh-token")
    peer = await BridgePeer.connect(client, "fresh-token", bridge="bridge-c", epoch="c-1")
    welcome = await peer.welcome()
    assert (welcome.cameras, (await pending.arrived).bridge) == ((), "bridge-c")

    _add_bridge(hass, hub, "attic", "fresh-token")
    hub.add_camera("roof", "attic")
    pending.close()
    hub.add_bridge("attic").start()

    assert [c.camera for c in (await peer.hear(Configure)).cameras] == ["roof"]
    assert hub.entry.subentries["attic"].data[const.CONF_BRIDGE_ID] == "bridge-c"
    assert hub.cameras["roof"].connected
    await peer.leave()


async def test_a_bridge_of_a_hub_that_is_not_loaded_waits_for_it(
    hass: HomeAssistant, hub: FakeHub, client: Client
) -> None:
    """A connection made in a dialog is taken over when the hub opens, not before."""
    hub.gateway.close(hub)
    pending = hub.gateway.pend("fresh-token")
    peer = await BridgePeer.connect(client, "fresh-token", bridge="bridge-c")
    await peer.welcome()
    _add_bridge(hass, hub, "attic", "fresh-token")
    hub.add_bridge("attic").start()
    pending.close()
    assert hub.bridges["attic"].link is None

    hub.gateway.open(hub)
    await peer.hear(Configure)
    assert hub.bridges["attic"].link is not None
    await peer.leave()


async def test_a_closed_dialog_sends_its_bridge_away(hub: FakeHub, client: Client) -> None:
    """The token goes with the dialog, and so does who came with it."""
    pending = hub.gateway.pend("fresh-token")
    peer = await BridgePeer.connect(client, "fresh-token")
    await peer.welcome()
    pending.close()
    refuse, _ = await peer.end()
    assert refuse is not None
    assert refuse.error.code is ErrorCode.REVOKED
    assert (await _refused(client, "fresh-token")).status == 401


async def test_a_dialog_is_known_for_fifteen_minutes(
    hub: FakeHub, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dialog left open overnight lets nobody in."""
    monkeypatch.setattr(const, "PENDING_TOKEN_S", -1)
    pending = hub.gateway.pend("fresh-token")
    assert (await _refused(client, "fresh-token")).status == 401
    pending.close()


async def test_a_dialog_waits_for_one_bridge(hub: FakeHub, client: Client) -> None:
    """A second bridge cannot take the place of the one the dialog already found; the same one can."""
    pending = hub.gateway.pend("fresh-token")
    first = await BridgePeer.connect(client, "fresh-token", bridge="bridge-c")
    await first.welcome()
    other = await BridgePeer.connect(client, "fresh-token", bridge="bridge-d")
    refuse, _ = await other.end()
    assert refuse is not None
    assert refuse.error.code is ErrorCode.IN_USE
    again = await BridgePeer.connect(client, "fresh-token", bridge="bridge-c")
    await again.welcome()
    refuse, _ = await first.end()
    assert refuse is not None
    assert refuse.error.code is ErrorCode.REPLACED
    pending.close()
    await again.end()


async def test_a_rotated_token_ends_the_old_connection(
    hass: HomeAssistant, hub: FakeHub, client: Client
) -> None:
    """A new token ends who is in with the old one, and may bind another bridge."""
    old = await BridgePeer.connect(client, TOKEN)
    await old.welcome()
    subentry = hub.entry.subentries["porch"]
    data = _bridge_data("new-token", old=(TOKEN,))
    hass.config_entries.async_update_subentry(hub.entry, subentry, data=data)
    hub.bridges["porch"].change(hub.entry.subentries["porch"])

    refuse, _ = await old.end()
    assert refuse is not None
    assert refuse.error.code is ErrorCode.REVOKED
    assert (await _refused(client, TOKEN)).status == 403
    new = await BridgePeer.connect(client, "new-token", bridge="bridge-z")
    await new.welcome()
    await new.leave()


async def test_pings_come_in_a_burst(hub: FakeHub, client: Client) -> None:
    """The clocks are compared three times at once, so that the first frames have a good time; then it is enough."""
    peer = await BridgePeer.connect(client, TOKEN)
    while peer.pings < 3:
        await peer.hear(Ping)
    await peer.settle()
    link = hub.bridges["porch"].link
    assert link is not None
    assert link.clock.round_trip_s is not None
    assert peer.pings == 3
    await peer.leave()


async def test_a_message_before_hello_is_refused(hub: FakeHub, client: Client) -> None:
    """Whoever does not begin with a hello is sent away as malformed."""
    socket = await client.ws_connect(PATH, headers={"Authorization": f"Bearer {TOKEN}"})
    peer = BridgePeer(socket)
    await peer.say(Ping(id=1))
    refuse, code = await peer.end()
    assert refuse is not None
    assert (refuse.error.code, code) == (ErrorCode.MALFORMED, 1007)


async def test_silence_before_hello_is_ended(
    hub: FakeHub, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that never says hello does not stay."""
    monkeypatch.setattr(gateway, "HELLO_S", 0.05)
    socket = await client.ws_connect(PATH, headers={"Authorization": f"Bearer {TOKEN}"})
    refuse, _ = await BridgePeer(socket).end()
    assert refuse is not None
    assert refuse.error.code is ErrorCode.MALFORMED


async def test_plain_http_is_answered(hub: FakeHub, client: Client) -> None:
    """A browser with a token gets an error, not a hanging page."""
    response = await client.get(PATH, headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status == 400


def _bridge_data(token: str, *, old: tuple[str, ...] = ()) -> dict[str, Any]:
    return dict(bridge_subentry("porch", token, old=old)["data"])


def _add_bridge(hass: HomeAssistant, hub: FakeHub, subentry_id: str, token: str) -> None:
    data = bridge_subentry(subentry_id, token)
    subentry = ConfigSubentry(
        data=MappingProxyType(data["data"]),
        subentry_id=subentry_id,
        subentry_type=data["subentry_type"],
        title=data["title"],
        unique_id=None,
    )
    hass.config_entries.async_add_subentry(hub.entry, subentry)


async def test_a_bridge_that_leaves_before_its_hello(hub: FakeHub, client: Client) -> None:
    """A socket that opens and closes again leaves nothing behind."""
    socket = await client.ws_connect(PATH, headers={"Authorization": f"Bearer {TOKEN}"})
    await socket.close()
    assert hub.gateway.link("porch") is None
    peer = await BridgePeer.connect(client, TOKEN)
    await peer.welcome()
    await peer.leave()


async def test_a_binary_hello_is_refused(hub: FakeHub, client: Client) -> None:
    """A picture is no hello."""
    socket = await client.ws_connect(PATH, headers={"Authorization": f"Bearer {TOKEN}"})
    await socket.send_bytes(b"\x01" * 30)
    refuse, _ = await BridgePeer(socket).end()
    assert refuse is not None
    assert refuse.error.code is ErrorCode.MALFORMED


async def test_a_token_that_ends_before_the_hello(
    hass: HomeAssistant, hub: FakeHub, client: Client
) -> None:
    """Who was let in with a token that is renewed before the hello is sent away."""
    socket = await client.ws_connect(PATH, headers={"Authorization": f"Bearer {TOKEN}"})
    data = _bridge_data("new-token", old=(TOKEN,))
    hass.config_entries.async_update_subentry(hub.entry, hub.entry.subentries["porch"], data=data)
    peer = BridgePeer(socket)
    await peer.say(hello())
    refuse, _ = await peer.end()
    assert refuse is not None
    assert (refuse.error.code, refuse.retry) == (ErrorCode.REVOKED, False)


async def test_a_hub_that_closes_before_the_hello(hub: FakeHub, client: Client) -> None:
    """A hub that is unloaded between the door and the hello is soon there again."""
    socket = await client.ws_connect(PATH, headers={"Authorization": f"Bearer {TOKEN}"})
    hub.gateway.close(hub)
    peer = BridgePeer(socket)
    await peer.say(hello())
    assert await peer.end() == (None, 1012)


async def test_a_pending_bridge_sends_nothing_yet(hub: FakeHub, client: Client) -> None:
    """Whatever a bridge without cameras says is ignored, and its connection stays."""
    pending = hub.gateway.pend("fresh-token")
    peer = await BridgePeer.connect(client, "fresh-token")
    await peer.welcome()
    await peer.say(frame(1))
    await peer.say(Status())
    await peer.settle()
    assert pending.link is not None
    assert pending.link.garbage == 1
    await peer.leave()
    pending.close()


async def test_a_dialog_too_many_ends_the_oldest(hub: FakeHub, client: Client) -> None:
    """Open dialogs are bounded."""
    first = hub.gateway.pend("token-0")
    for number in range(1, OPEN_DIALOGS + 1):
        hub.gateway.pend(f"token-{number}")
    assert first.arrived.cancelled()
    assert hub.gateway.tokens.find("token-0") is None
    assert hub.gateway.tokens.find("token-1") is not None
