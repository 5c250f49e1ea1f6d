"""Ends of transactions: tells the broker of a half message what became of it, until it confirms that.

Knows one end at a time; who decides, and why, is not known here.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final

from pyrocketmq.broker.answers import broker_error
from pyrocketmq.client.hooks import EndContext
from pyrocketmq.client.retry import Verdict, judge
from pyrocketmq.errors import RocketMQError
from pyrocketmq.logging.repeats import RepeatedFaults
from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.model.factory import RemotingRequestFactory as Requests
from pyrocketmq.producer.transaction import Commit, LocalTransactionState, Unknown

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq._native.message import Message
    from pyrocketmq._native.stored import MessageExt
    from pyrocketmq.client.brokers import BrokerLink
    from pyrocketmq.client.hooks import SendHooks
    from pyrocketmq.client.stats import ClientStats
    from pyrocketmq.producer.transaction import HalfPlace

__all__ = ["End", "EndSender"]

logger = logging.getLogger(__name__)
_repeats: Final = RepeatedFaults(logger)

LEAST_TRY_S: Final = 0.2
FIRST_WAIT_S: Final = 0.05
LONGEST_WAIT_S: Final = 0.5


@dataclass(slots=True)
class End:
    """What a broker is told; a check may change the place of the half message until it has confirmed."""

    link: BrokerLink
    group: str
    topic: str
    message: Message | MessageExt
    unique_id: str
    transaction_id: str
    state: LocalTransactionState
    place: HalfPlace
    from_check: bool = False
    remark: str | None = None

    def request(self) -> RemotingCommand:
        """The request of one try."""
        return Requests.create_end_transaction_request(
            self.group,
            self.place.table_offset,
            self.place.log_offset,
            self.state.wire_code,
            self.unique_id,
            self.unique_id,
            from_transaction_check=self.from_check,
            topic=self.topic,
            remark=self.remark,
            bname=self.link.name,
        )


class EndSender:
    """Sends the ends of one producer's transactions.

    Args:
        hooks: told of each end.
        stats: where ends are counted.
        timeout: seconds for all tries of one end; after them it is left to a check of the broker.
    """

    def __init__(self, hooks: SendHooks, stats: ClientStats, timeout: float) -> None:
        self._hooks = hooks
        self._stats = stats
        self._timeout = timeout

    async def send(self, end: End) -> bool:
        """Tell the broker; True when it has confirmed.

        What was refused or lost is told again. A try has all of the time: a broker that is only slow would
        store the message once more for each repeated commit. So would one whose answer to a check was lost;
        it asks again by itself. Brokers never answer an end that leaves a transaction open.
        """
        confirmed = False
        if end.state is Unknown:
            await self._leave_open(end)
        else:
            confirmed = await self._confirm(end)
        if self._hooks.active:
            self._hooks.ended(
                EndContext(
                    group=end.group,
                    message=end.message,
                    transaction_id=end.transaction_id,
                    state=end.state.name,
                    from_check=end.from_check,
                    address=end.link.address,
                    confirmed=confirmed,
                )
            )
        return confirmed

    async def _leave_open(self, end: End) -> None:
        self._stats.left_open += 1
        try:
            await end.link.remote.invoke_oneway(end.request())
        except RocketMQError as error:
            logger.debug("%s is not told that %s stays open: %s", end.link, end.transaction_id, error)

    async def _confirm(self, end: End) -> bool:
        deadline = monotonic() + self._timeout
        wait = FIRST_WAIT_S
        while True:
            error = await self._try(end, deadline - monotonic())
            if error is None:
                if end.state is Commit:
                    self._stats.committed += 1
                else:
                    self._stats.rolled_back += 1
                return True
            is_last = judge(error) in (Verdict.FINAL, Verdict.ELSEWHERE) or monotonic() + wait >= deadline
            if is_last or (end.from_check and error.maybe_sent):
                self._stats.end_failures += 1
                _repeats.warning(
                    end.link.name,
                    "transaction %s of message %s is decided, %s, which broker %s did not confirm: %s",
                    end.transaction_id,
                    end.unique_id,
                    end.state.name,
                    end.link.name,
                    error.what,
                )
                return False
            self._stats.end_retries += 1
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_S)

    async def _try(self, end: End, seconds: float) -> RocketMQError | None:
        request = end.request()
        try:
            answer = await end.link.invoke(request, max(LEAST_TRY_S, seconds))
        except RocketMQError as error:
            return error
        if answer.code == ResponseCode.SUCCESS:
            return None
        return broker_error(request, answer, end.link.address)
