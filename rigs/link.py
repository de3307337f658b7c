"""A TCP line between two parts that can be cut, stall, refuse and be narrow, as lines do."""

import asyncio
import contextlib
import socket
from typing import Final, Self

_READ_BYTES: Final = 65536
_NARROW_BYTES: Final = 2048
"""What a narrow line takes at once, and what it holds at its entrance: little, so that the sender feels it."""


class Link:
    """Forwards every connection to one port of this machine, while it is whole."""

    host: Final = "127.0.0.1"

    def __init__(self, target_port: int, *, bytes_per_s: float | None = None) -> None:
        """Lead to this port; with a rate, carry no more than that each way, all connections together."""
        self.port = 0
        self.connections = 0
        """How many have been forwarded so far."""
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._bytes_per_s = bytes_per_s
        self._free_at_s = {False: 0.0, True: 0.0}
        """When the line has carried what it took, there and back."""
        self._refuses = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._lines: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The near end's address."""
        return f"http://{self.host}:{self.port}"

    async def __aenter__(self) -> Self:
        near = socket.create_server((self.host, 0))
        limit_bytes = _READ_BYTES
        if self._bytes_per_s is not None:
            # Inherited by every connection that is accepted.
            near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NARROW_BYTES)
            limit_bytes = _NARROW_BYTES
        self._server = await asyncio.start_server(self._accept, sock=near, limit=limit_bytes)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stall(self) -> None:
        """Let nothing more through either way; the connections stay."""
        self._flows.clear()

    def cut(self) -> None:
        """Break every connection, as a router that loses its power; what was on its way is gone."""
        for writer in self._lines:
            writer.transport.abort()

    def refuse(self) -> None:
        """Close every new connection at once."""
        self._refuses = True

    def widen(self, bytes_per_s: float) -> None:
        """Carry so much from now on; only for a line that was made with a rate."""
        self._bytes_per_s = bytes_per_s

    def restore(self) -> None:
        """Be whole again: what stalled flows on, new connections are welcome."""
        self._refuses = False
        self._flows.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if self._refuses:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(self.host, self._target_port)
        except OSError:
            writer.transport.abort()  # nobody listens at the far end
            return
        self.connections += 1
        self._lines |= {writer, far_writer}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._forward(reader, far_writer, back=False))
                both.create_task(self._forward(far_reader, writer, back=True))
        finally:
            self._lines -= {writer, far_writer}
            writer.transport.abort()
            far_writer.transport.abort()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool
    ) -> None:
        most_bytes = _READ_BYTES if self._bytes_per_s is None else _NARROW_BYTES
        with contextlib.suppress(OSError):
            while data := await reader.read(most_bytes):
                await self._flows.wait()
                await self._carry(len(data), back=back)
                writer.write(data)
                await writer.drain()
        # Either end that goes takes the other with it, in good order.
        writer.close()

    async def _carry(self, size_bytes: int, *, back: bool) -> None:
        """Take the time that so much takes on the line."""
        if self._bytes_per_s is None:
            return
        now_s = asyncio.get_running_loop().time()
        begins_s = max(now_s, self._free_at_s[back])
        self._free_at_s[back] = begins_s + size_bytes / self._bytes_per_s
        await asyncio.sleep(self._free_at_s[back] - now_s)
