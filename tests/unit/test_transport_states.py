"""The five states of a transport, and the waits between attempts, without any I/O."""

from __future__ import annotations

import itertools

import pytest

from pyrocketmq.errors import ConfigurationError, TransportStateError
from pyrocketmq.transport import Backoff, StateMachine, TransportState

S = TransportState
WAYS = {
    S.DISCONNECTED: [],
    S.CONNECTING: [S.CONNECTING],
    S.CONNECTED: [S.CONNECTING, S.CONNECTED],
    S.CLOSING: [S.CONNECTING, S.CONNECTED, S.CLOSING],
    S.CLOSED: [S.CLOSED],
}
LEGAL = {
    (S.DISCONNECTED, S.CONNECTING),
    (S.DISCONNECTED, S.CLOSED),
    (S.CONNECTING, S.CONNECTED),
    (S.CONNECTING, S.DISCONNECTED),
    (S.CONNECTING, S.CLOSING),
    (S.CONNECTED, S.DISCONNECTED),
    (S.CONNECTED, S.CLOSING),
    (S.CLOSING, S.CLOSED),
    (S.CLOSED, S.CONNECTING),
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(S, S)))
def test_only_steps_that_make_sense_are_possible(before: S, after: S) -> None:
    machine = StateMachine("broker:10911")
    for state in WAYS[before]:
        machine.become(state)
    seen: list[tuple[S, S]] = []
    machine.on_change(lambda old, new: seen.append((old, new)))

    assert machine.may_become(after) == ((before, after) in LEGAL)
    if (before, after) in LEGAL:
        machine.become(after)
        assert [(before, after)] == seen
        assert (after, after.name) == (machine.state, machine.current_state_name)
    else:
        with pytest.raises(TransportStateError, match=f"broker:10911 is {before.name}"):
            machine.become(after)
        assert (before, []) == (machine.state, seen)
    assert machine.is_connected == (machine.state is S.CONNECTED)


def test_a_callback_that_fails_or_leaves_does_not_disturb_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    machine = StateMachine("a:1")
    seen: list[str] = []

    def fail(_: S, __: S) -> None:
        raise ValueError("mine")

    machine.on_change(fail)
    leave = machine.on_change(lambda _, new: seen.append(f"first {new.name}"))
    machine.on_change(lambda _, new: seen.append(f"second {new.name}"))
    machine.become(S.CONNECTING)
    leave()
    leave()
    machine.become(S.CONNECTED)

    assert ["first CONNECTING", "second CONNECTING", "second CONNECTED"] == seen
    assert 2 == sum("mine" in str(record.exc_info) for record in caplog.records)


class Time:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_the_bounds_of_the_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(clock=Time(), random_part=lambda: 1.0)

    assert [0.1, 0.2, 0.4, 0.8] == [backoff.failed() for _ in range(4)]
    assert 30.0 == [backoff.failed() for _ in range(100)][-1]
    assert 104 == backoff.failures


def test_the_jitter_is_full_and_never_below_the_shortest_wait() -> None:
    parts = iter([0.0, 0.5, 1.0])
    backoff = Backoff(0.05, 30, clock=Time(), random_part=lambda: next(parts))

    assert [0.05, 0.05 + 0.15 / 2, 0.4] == pytest.approx([backoff.failed() for _ in range(3)])


def test_the_next_attempt_is_due_when_the_wait_is_over() -> None:
    clock = Time()
    backoff = Backoff(1, 8, clock=clock, random_part=lambda: 1.0)
    assert 0.0 == backoff.seconds_left
    backoff.failed()

    assert 2.0 == backoff.seconds_left
    clock.seconds += 1.5
    assert 0.5 == backoff.seconds_left
    clock.seconds += 5
    assert 0.0 == backoff.seconds_left
    backoff.failed()
    backoff.succeeded()
    assert (0.0, 2.0) == (backoff.seconds_left, backoff.failed())


@pytest.mark.parametrize("bounds", [(0, 1), (-1, 1), (2, 1), (1, 4000)])
def test_impossible_waits_are_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(ConfigurationError, match="the waits are"):
        Backoff(*bounds)
