"""The way to a connection: what is at fault where there is none, how soon it is tried again, and who gets the token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import ssl

from aiohttp import web
import pytest

from edge_bridge.protocol.messages import Configured, Refuse
from edge_bridge.protocol.vocabulary import ErrorCode
from edge_bridge.protocol.wire_error import WireError
from tests.bridge.conftest import TLS, StartBridge, eventually
from tests.bridge.fake_gateway import TOKEN, FakeGateway


async def test_connection_that_breaks_at_once_is_tried_less_often(
    gateway: FakeGateway, start_bridge: StartBridge, caplog: pytest.LogCaptureFixture
) -> None:
    """Something between that lets a welcome through and then breaks must not be asked twice a second for ever."""
    caplog.set_level("DEBUG", logger="edge_bridge")
    start_bridge(gateway)
    for broken in range(1, 8):
        await gateway.until(lambda broken=broken: len(gateway.seen(Configured)) >= broken)
        gateway.abort_sockets()
    await eventually(lambda: len(_delays(caplog)) >= 7)
    assert _delays(caplog)[-1] > 1


def _delays(caplog: pytest.LogCaptureFixture) -> list[float]:
    tries = (record.args for record in caplog.records if "next try in" in record.message)
    return [args[1] for args in tries if isinstance(args, tuple) and isinstance(args[1], float)]


async def test_refusal_for_good_is_retried_in_minutes(
    gateway: FakeGateway, start_bridge: StartBridge, caplog: pytest.LogCaptureFixture
) -> None:
    """A refuse without retry is one clear line and a long pause."""
    gateway.first_words = [Refuse(error=WireError.of(ErrorCode.IN_USE), retry=False).dumps()]
    caplog.set_level("DEBUG", logger="edge_bridge")
    start_bridge(gateway)
    await _logged(caplog, "next try in")
    [record] = [record for record in caplog.records if "next try in" in record.message]
    assert "token: Home Assistant refuses: in_use" in record.message
    assert record.args is not None
    assert float(record.args[1]) > 60  # type: ignore[index]


@pytest.mark.parametrize(
    ("status", "setting", "at_most_s", "at_least_s"),
    [(401, "token", 2, 1), (403, "token", 121, 90), (404, "url", 0.5, 0.3), (503, "url", 0.5, 0.3)],
)
async def test_http_answers_name_the_setting_and_pace_the_next_try(
    gateway: FakeGateway,
    start_bridge: StartBridge,
    caplog: pytest.LogCaptureFixture,
    status: int,
    setting: str,
    at_most_s: float,
    at_least_s: float,
) -> None:
    """The token where it is the token, the address where it is the address; the token itself is never shown."""
    gateway.status = status
    caplog.set_level("DEBUG", logger="edge_bridge")
    start_bridge(gateway)
    await _logged(caplog, "next try in")
    record = next(record for record in caplog.records if "next try in" in record.message)
    assert f"Home Assistant: {setting}:" in record.message
    assert record.levelname == "WARNING"
    assert record.args is not None
    assert at_least_s <= float(record.args[1]) <= at_most_s  # type: ignore[index]
    assert TOKEN not in caplog.text


async def _logged(caplog: pytest.LogCaptureFixture, text: str) -> None:
    await eventually(lambda: text in caplog.text)


async def test_same_problem_warns_once(
    gateway: FakeGateway, start_bridge: StartBridge, caplog: pytest.LogCaptureFixture
) -> None:
    """Repetitions are for debugging."""
    gateway.status = 503
    caplog.set_level("DEBUG", logger="edge_bridge")
    start_bridge(gateway)
    await gateway.until(lambda: len(gateway.authorizations) >= 3)
    levels = [record.levelname for record in caplog.records if "next try in" in record.message]
    assert levels[0] == "WARNING"
    assert set(levels[1:]) == {"DEBUG"}


@asynccontextmanager
async def redirecting(target: str) -> AsyncIterator[str]:
    """Serve a redirect to another address."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": target + request.path})

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_redirect_to_another_host_is_not_followed(
    gateway: FakeGateway, start_bridge: StartBridge, caplog: pytest.LogCaptureFixture
) -> None:
    """A redirect elsewhere gets neither the token nor a visit."""
    async with redirecting(f"http://localhost:{gateway.port}") as url:
        start_bridge(gateway, url=url)
        await _logged(caplog, "url: redirects to another address")
    assert gateway.authorizations == []


@pytest.fixture
async def secure_gateway() -> AsyncIterator[FakeGateway]:
    """Home Assistant, played, behind a certificate of its own."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
    played = await FakeGateway().start(tls=tls)
    yield played
    await played.stop()


async def test_redirect_to_tls_is_followed_with_the_token(
    secure_gateway: FakeGateway, start_bridge: StartBridge
) -> None:
    """From http to https on the same host, with one's own certificate authority."""
    async with redirecting(secure_gateway.url) as url:
        start_bridge(secure_gateway, url=url, ca=TLS / "certificate.pem")
        await secure_gateway.until(lambda: bool(secure_gateway.connections))
    assert secure_gateway.authorizations == [f"Bearer {TOKEN}"]


async def test_public_address_that_redirects_to_tls_is_asked_without_the_token(
    secure_gateway: FakeGateway, start_bridge: StartBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first, clear request carries no token; the second, through TLS, does."""
    monkeypatch.setattr("edge_bridge.uplink.is_private", _public)
    async with redirecting(secure_gateway.url) as url:
        start_bridge(secure_gateway, url=url, ca=TLS / "certificate.pem")
        await secure_gateway.until(lambda: bool(secure_gateway.connections))
    assert secure_gateway.authorizations == [f"Bearer {TOKEN}"]


async def _public(host: str) -> bool:
    return False


async def test_untrusted_certificate_names_the_ca(
    secure_gateway: FakeGateway, start_bridge: StartBridge, caplog: pytest.LogCaptureFixture
) -> None:
    """A certificate that nobody trusts is an error of the setting ca, and --insecure accepts it."""
    caplog.set_level("WARNING")
    start_bridge(secure_gateway)
    await _logged(caplog, "Home Assistant: ca:")
    assert not secure_gateway.connections
    start_bridge(secure_gateway, insecure=True)
    await secure_gateway.until(lambda: bool(secure_gateway.connections))


async def test_base_path_is_kept(gateway: FakeGateway, start_bridge: StartBridge) -> None:
    """A Home Assistant behind a path is found there."""
    start_bridge(gateway, url=gateway.url + "/house/")
    await gateway.until(lambda: bool(gateway.connections))
    assert gateway.paths == ["/house/api/camera_narrator/bridge"]
    assert gateway.authorizations == [f"Bearer {TOKEN}"]


async def test_public_address_without_tls_gets_no_token(
    gateway: FakeGateway,
    start_bridge: StartBridge,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The token goes to a public address through TLS only; --insecure allows it."""
    monkeypatch.setattr("edge_bridge.uplink.is_private", _public)
    caplog.set_level("WARNING")
    start_bridge(gateway)
    await _logged(caplog, "public address without https")
    assert set(gateway.authorizations) == {None}
    assert not gateway.connections
    start_bridge(gateway, insecure=True)
    await gateway.until(lambda: bool(gateway.connections))
