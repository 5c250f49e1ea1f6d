"""TransactionBook: the transactions of one producer, those under way and those decided not long ago.

It only remembers: a check of a broker is judged by it, so that a transaction that goes on is not decided by
somebody else, and one that was decided is not asked about again. Knows no connection, and no message.
"""

from __future__ import annotations

from collections import OrderedDict
from time import monotonic
from typing import TYPE_CHECKING, Final

from pyrocketmq.producer.transaction import TransactionMetadata

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyrocketmq.producer.transaction import HalfPlace, LocalTransactionState

__all__ = ["TransactionBook"]

KEPT: Final = 10_000


class TransactionBook:
    """Transactions by the unique id of their half message; for one event loop.

    Args:
        clock: seconds that never go back.
        kept: decided ones that are remembered, and at most so many that go on beyond their time.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic, kept: int = KEPT) -> None:
        self._clock = clock
        self._kept = kept
        self._open: OrderedDict[str, TransactionMetadata] = OrderedDict()
        self._decided: OrderedDict[str, TransactionMetadata] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def begin(
        self,
        transaction_id: str,
        unique_id: str,
        topic: str,
        *,
        broker_name: str,
        place: HalfPlace,
        timeout: float | None,
    ) -> TransactionMetadata:
        """Remember a transaction whose half message is stored."""
        begun = TransactionMetadata(
            transaction_id, unique_id, topic, broker_name, place, self._clock(), timeout
        )
        self._open[unique_id] = begun
        self._forget_lost()
        return begun

    def decide(self, transaction: TransactionMetadata, state: LocalTransactionState) -> None:
        """Remember what was decided."""
        transaction.state = state
        self._open.pop(transaction.unique_id, None)
        self._decided[transaction.unique_id] = transaction
        self._decided.move_to_end(transaction.unique_id)
        while len(self._decided) > self._kept:
            self._decided.popitem(last=False)

    def find(self, unique_id: str) -> TransactionMetadata | None:
        """The transaction with this unique id, if it is known."""
        return self._open.get(unique_id) or self._decided.get(unique_id)

    def asked(self, unique_id: str, place: HalfPlace) -> TransactionMetadata | None:
        """The transaction that a broker asks about, if it is known; its end goes by the newest numbers.

        A broker stores the half message anew for each check, and takes the end of the newest copy for the
        end of them all; the end of an older one would leave the newest open, to be asked about again.
        """
        found = self.find(unique_id)
        if found is not None:
            # Changed and not replaced: an end that is on its way goes by the same object.
            found.place.table_offset, found.place.log_offset = place.table_offset, place.log_offset
            found.checks += 1
        return found

    def is_under_way(self, transaction: TransactionMetadata) -> bool:
        """True while the local part of a transaction goes on and is within its time."""
        return transaction.is_under_way(self._clock())

    def under_way(self) -> list[TransactionMetadata]:
        """Those that are not decided, the oldest first."""
        return list(self._open.values())

    def _forget_lost(self) -> None:
        """Those whose program never comes back to them must not pile up."""
        while len(self._open) > self._kept:
            oldest = next(iter(self._open.values()))
            if oldest.is_under_way(self._clock()):
                break
            del self._open[oldest.unique_id]
