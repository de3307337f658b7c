"""A TCP line between two parts that can be cut, stall and refuse, as lines do."""

import asyncio
import contextlib
from typing import Final, Self

_READ_BYTES: Final = 65536


class Link:
    """Forwards every connection to one port of this machine, while it is whole."""

    host: Final = "127.0.0.1"

    def __init__(self, target_port: int) -> None:
        """Lead to this port."""
        self.port = 0
        self.connections = 0
        """How many have been forwarded so far."""
        self._target_port = target_port
        self._server: asyncio.Server | None = None
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
        self._server = await asyncio.start_server(self._accept, self.host, 0)
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
                both.create_task(self._forward(reader, far_writer))
                both.create_task(self._forward(far_reader, writer))
        finally:
            self._lines -= {writer, far_writer}
            writer.transport.abort()
            far_writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_READ_BYTES):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        # Either end that goes takes the other with it, in good order.
        writer.close()
