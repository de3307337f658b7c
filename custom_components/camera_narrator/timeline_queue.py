"""What waits for the disk: bounded by number and bytes, the oldest gives way, and every loss is counted."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from .timeline_record import PictureRecord, Record

RECORDS_MOST: Final = 1024
"""That wait: what a dozen lively cameras tell in a quarter of an hour."""
WAITING_BYTES_MOST: Final = 8 * 2**20
"""Their pictures: 160 of 50 kB. A disk that is away for longer costs the oldest, counted."""
BATCH: Final = 64
"""Records of one commit: none waits long for the others, and a burst costs few."""


class RecordQueue:
    """Records in the order in which they were told; they leave when they are known to be on the disk."""

    def __init__(self) -> None:
        """Begin empty."""
        self.dropped = 0
        """Given up because too much waited, or because nothing may be written into the file."""
        self._records: deque[Record] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._records)

    def put(self, record: Record) -> None:
        """Let a record wait; where that is too much, the oldest do no longer."""
        self._records.append(record)
        self._bytes += _size_bytes(record)
        while len(self._records) > RECORDS_MOST or self._bytes > WAITING_BYTES_MOST:
            self._leave()
            self.dropped += 1

    def batch(self) -> Sequence[Record]:
        """Return the records of the next commit; they go on waiting until written() says that it took place."""
        return [self._records[index] for index in range(min(BATCH, len(self._records)))]

    def written(self, batch: Sequence[Record]) -> None:
        """Let the records of a commit go, but for those that gave way meanwhile."""
        for record in batch:
            if self._records and self._records[0] is record:
                self._leave()

    def give_up(self) -> None:
        """Drop all: nothing may be written any more."""
        self.dropped += len(self._records)
        self._records.clear()
        self._bytes = 0

    def _leave(self) -> None:
        self._bytes -= _size_bytes(self._records.popleft())


def _size_bytes(record: Record) -> int:
    return len(record.jpeg) if isinstance(record, PictureRecord) else 0
