"""What happened so far, and a way to wait for what has not."""

import asyncio
from collections.abc import Callable


class Journal[T]:
    """Entries in the order they came; nothing is taken out, so that no waiting misses anything."""

    def __init__(self, name: str) -> None:
        """Name it for the message of a waiting that was in vain."""
        self.entries: list[T] = []
        self._name = name
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self.entries)

    def add(self, entry: T) -> None:
        """Append an entry."""
        self.entries.append(entry)
        self._changed.set()
        self._changed = asyncio.Event()

    def since(self, start: int, accept: Callable[[T], bool] = lambda _: True) -> list[T]:
        """Return the accepted entries from that one on."""
        return [entry for entry in self.entries[start:] if accept(entry)]

    async def wait_for(
        self, accept: Callable[[T], bool], *, since: int = 0, timeout_s: float = 60.0
    ) -> T:
        """Return the first accepted entry from `since` on, as soon as there is one."""
        looked_to = since
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    changed = self._changed
                    for entry in self.entries[looked_to:]:
                        if accept(entry):
                            return entry
                    looked_to = max(looked_to, len(self.entries))
                    await changed.wait()
        except TimeoutError:
            last = "\n".join(str(entry) for entry in self.entries[since:][-12:])
            raise AssertionError(
                f"{self._name}: what was waited for did not come; the last were\n{last}"
            ) from None
