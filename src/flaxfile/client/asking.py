"""Requests of a link that wait for their answers, each for a bounded time. Knows nothing of sockets."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from flaxfile.client.futures import deny, give
from flaxfile.errors import StalledError
from flaxfile.protocol.messages import decode_payload

if TYPE_CHECKING:
    from concurrent.futures import Future

    from flaxfile.errors import FlaxError
    from flaxfile.protocol.header import Header

__all__ = ["Answer", "Questions"]


class Answer(NamedTuple):
    """What a request was answered with."""

    head: Header
    payload: bytes

    def json(self) -> dict[str, Any]:
        """The payload of a control message."""
        return decode_payload(self.payload)


class _Question:
    def __init__(self, future: Future[Answer], heard: float) -> None:
        self.future = future
        self.heard = heard


class Questions:
    """All of them, by number; for the thread of the link alone.

    Args:
        address: who is asked, for the texts.
        patience: seconds without an answer, or a word that it is being worked on.
    """

    def __init__(self, address: str, patience: float) -> None:
        self._address = address
        self._patience = patience
        self._numbers = itertools.count(1)
        self._waiting: dict[int, _Question] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def new_number(self) -> int:
        """A number that no request of this link had."""
        return next(self._numbers)

    def add(self, future: Future[Answer]) -> int:
        """Wait for an answer; the number that it will bear."""
        number = self.new_number()
        self._waiting[number] = _Question(future, time.monotonic())
        return number

    def go_on(self, number: int, now: float) -> None:
        """It is still being worked on."""
        question = self._waiting.get(number)
        if question is not None:
            question.heard = now

    def answer(self, number: int, answer: Answer) -> None:
        """Here it is; one that nobody waits for is nothing."""
        question = self._waiting.pop(number, None)
        if question is not None:
            give(question.future, answer)

    def refuse(self, number: int, error: FlaxError) -> bool:
        """It is an error; whether somebody waited."""
        question = self._waiting.pop(number, None)
        if question is not None:
            deny(question.future, error)
        return question is not None

    def look_after(self, now: float) -> None:
        """Give up what has waited for too long."""
        for number, question in list(self._waiting.items()):
            if now - question.heard > self._patience:
                late = StalledError(f"{self._address} did not answer within {self._patience:g} s")
                self.refuse(number, late)

    def end(self, error: FlaxError) -> None:
        """No answer comes any more."""
        for number in list(self._waiting):
            self.refuse(number, error)
