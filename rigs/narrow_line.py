"""A line of a known rate that can go down: in a network namespace where root is there, through a proxy elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
import os
from pathlib import Path
import shutil
import socket
import subprocess
from typing import Final, Protocol

from rigs.link import Link

_QUEUE_MS: Final = 600
"""What the entrance of the line holds: ten packets at 200 kbit/s, with which TCP begins; few routers hold less."""
_BURST_BYTES: Final = 3200
"""Two segments."""
_NEAR_CARD, _FAR_CARD = "02:00:00:00:00:01", "02:00:00:00:00:02"
_NAMES: Final = Path("/run/netns")


class NarrowLine(Protocol):
    """What a measurement needs of it."""

    listener: socket.socket
    """Listens at the far end."""
    url: str
    """Its address for the near end."""
    how: str
    """In a few words, for a table."""

    async def down(self) -> None:
        """Let nothing through from now on."""

    async def up(self) -> None:
        """Be whole again; returns when it is."""


@asynccontextmanager
async def narrow_line(bytes_per_s: float) -> AsyncIterator[NarrowLine]:
    """Lay a line that carries so much towards its far end."""
    async with AsyncExitStack() as stack:
        line: NarrowLine
        if os.geteuid() == 0 and shutil.which("tc") and shutil.which("ip"):
            try:
                line = _Namespace(bytes_per_s)
            except subprocess.CalledProcessError:
                line = await stack.enter_async_context(_proxied(bytes_per_s))
            else:
                stack.callback(line.remove)
        else:
            line = await stack.enter_async_context(_proxied(bytes_per_s))
        yield line


class _Namespace:
    """A pair of virtual network cards, the far one in a network of its own; outwards a token bucket."""

    def __init__(self, bytes_per_s: float) -> None:
        """Make the network, or raise CalledProcessError and leave nothing."""
        self.how = f"tc tbf {bytes_per_s * 8 / 1000:.0f} kbit/s in a network namespace"
        number = os.getpid()
        self._space = f"narrow{number}"
        self._near, self._far = f"nn{number}", f"nf{number}"
        # A /30 out of 198.18.0.0/15, which is there for measurements.
        base = (number * 4) % (2**17 - 4)
        near, far = (_address(base + offset) for offset in (1, 2))
        try:
            _ip("netns", "add", self._space)
            card = ("type", "veth", "peer", self._far, "address", _FAR_CARD, "netns", self._space)
            _ip("link", "add", self._near, "address", _NEAR_CARD, *card)
            _ip("addr", "add", f"{near}/30", "dev", self._near)
            _ip("link", "set", self._near, "up")
            _ip("-n", self._space, "addr", "add", f"{far}/30", "dev", self._far)
            _ip("-n", self._space, "link", "set", self._far, "up")
            # It goes down as a line behind a router does: nobody has to look for the far end's card again.
            _ip("neigh", "add", far, "lladdr", _FAR_CARD, "dev", self._near, "nud", "permanent")
            there = ("lladdr", _NEAR_CARD, "dev", self._far, "nud", "permanent")
            _ip("-n", self._space, "neigh", "add", near, *there)
            rate = f"{bytes_per_s * 8:.0f}bit"
            bucket = ("tbf", "rate", rate, "burst", str(_BURST_BYTES), "latency", f"{_QUEUE_MS}ms")
            _run("tc", "qdisc", "add", "dev", self._near, "root", *bucket)
            self.listener = _listen_in(self._space, far)
        except BaseException:
            self.remove()
            raise
        self.url = f"http://{far}:{self.listener.getsockname()[1]}"

    async def down(self) -> None:
        await asyncio.to_thread(_ip, "-n", self._space, "link", "set", self._far, "down")

    async def up(self) -> None:
        await asyncio.to_thread(_ip, "-n", self._space, "link", "set", self._far, "up")

    def remove(self) -> None:
        # The cards go with the namespace.
        subprocess.run(["ip", "netns", "del", self._space], check=False, capture_output=True)


class _Proxied:
    def __init__(self, listener: socket.socket, link: Link) -> None:
        self.listener = listener
        self.url = link.url
        self.how = "a throttling proxy"
        self._link = link

    async def down(self) -> None:
        self._link.cut()
        self._link.refuse()

    async def up(self) -> None:
        self._link.restore()


@asynccontextmanager
async def _proxied(bytes_per_s: float) -> AsyncIterator[_Proxied]:
    listener = socket.create_server(("127.0.0.1", 0))
    async with Link(listener.getsockname()[1], bytes_per_s=bytes_per_s) as link:
        yield _Proxied(listener, link)


def _listen_in(space: str, address: str) -> socket.socket:
    """Return a socket that listens in a namespace; it stays there, this thread comes back."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(_NAMES / space, os.O_RDONLY)
    try:
        os.setns(there, os.CLONE_NEWNET)
        try:
            return socket.create_server((address, 0))
        finally:
            os.setns(home, os.CLONE_NEWNET)
    finally:
        os.close(there)
        os.close(home)


def _address(number: int) -> str:
    return f"198.{18 + (number >> 16)}.{(number >> 8) & 255}.{number & 255}"


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
