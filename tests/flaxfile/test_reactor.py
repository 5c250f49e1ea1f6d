"""The thread of an engine: what is posted to it is heard, whatever becomes of what was posted before."""

from __future__ import annotations

import pytest

from flaxfile import libzmq
from flaxfile._core import sockets
from flaxfile.reactor import Message, Reactor


class Listener:
    def __init__(self) -> None:
        self.cause: BaseException | None = None

    def on_message(self, message: Message) -> None: ...

    def on_transfer(self, transfer: int, cause: int) -> None: ...

    def on_aux(self) -> None: ...

    def on_tick(self, now: float) -> None: ...

    def on_end(self, cause: BaseException | None) -> None:
        self.cause = cause


@pytest.mark.parametrize("faults", [1, 3])
def test_whoever_posted_before_the_end_is_heard_behind_any_number_of_faults(faults: int) -> None:
    libzmq.bind()
    listener, heard = Listener(), []

    def fail() -> None:
        raise ValueError("inside")

    reactor = Reactor([], listener, memory=1 << 20, name="posted", context=sockets.Context(1))
    for _ in range(faults):
        reactor.post(fail)
    reactor.post(lambda: heard.append("last"))
    reactor.start()
    reactor.finished.result(10)

    assert ["last"] == heard
    assert isinstance(listener.cause, ValueError)
    assert not reactor.post(fail)
