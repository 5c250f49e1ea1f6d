"""FaultTable: brokers that failed rest, longer each time; slow ones too; a probe ends it."""

from __future__ import annotations

import pytest

from pyrocketmq.client.fault_table import FaultTable


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(clock: Clock) -> FaultTable:
    return FaultTable(clock=clock)


def test_a_broker_nobody_has_heard_of_is_available(table: FaultTable) -> None:
    assert table.is_available("a")
    assert 0.0 == table.rests_for("a") == table.until("a")


def test_a_failed_broker_rests_and_is_available_again(table: FaultTable, clock: Clock) -> None:
    table.record_failure("a")

    assert not table.is_available("a")
    assert ["a"] == table.resting()
    clock.now += 1.0
    assert table.is_available("a")
    assert [] == table.resting()


def test_the_rest_doubles_with_each_failure_in_a_row_up_to_half_a_minute(
    table: FaultTable, clock: Clock
) -> None:
    rests = []
    for _ in range(7):
        table.record_failure("a")
        rests.append(table.rests_for("a"))
        clock.now += rests[-1]

    assert [1, 2, 4, 8, 16, 30, 30] == pytest.approx(rests)


def test_failures_of_sends_that_were_under_way_together_count_once(table: FaultTable, clock: Clock) -> None:
    for _ in range(1000):
        table.record_failure("a")
    clock.now += 1.0

    assert table.is_available("a")


def test_a_quick_answer_clears_it(table: FaultTable, clock: Clock) -> None:
    table.record_failure("a")
    clock.now += 1
    table.record_failure("a")
    table.record("a", 0.002)
    table.record_failure("a")

    assert 1.0 == pytest.approx(table.rests_for("a"))


@pytest.mark.parametrize(
    ("latency", "rest"), [(0.549, 0), (0.55, 2), (1.799, 2), (1.8, 5), (3.0, 6), (5.0, 10), (15.0, 30)]
)
def test_a_slow_broker_rests_as_java_has_it(table: FaultTable, latency: float, rest: float) -> None:
    table.record("a", latency)

    assert rest == pytest.approx(table.rests_for("a"))


def test_slow_answers_do_not_count_when_that_is_turned_off(clock: Clock) -> None:
    table = FaultTable(slow=False, clock=clock)
    table.record("a", 20.0)

    assert table.is_available("a")


def test_a_probe_clears_a_broker_that_was_away_but_not_one_that_did_not_answer(table: FaultTable) -> None:
    table.record_failure("away", unreachable=True)
    table.record_failure("silent")
    table.reached("away")
    table.reached("silent")

    assert ["silent"] == table.resting()


def test_brokers_are_ordered_by_how_soon_they_may_be_used(table: FaultTable) -> None:
    table.record("slow", 1.0)
    table.record_failure("failed")

    assert ["good", "other", "failed", "slow"] == table.ordered(["slow", "good", "failed", "other"])


def test_watchers_hear_of_each_change(table: FaultTable) -> None:
    heard: list[tuple[str, float]] = []
    table.watch(lambda broker, until: heard.append((broker, until)))
    table.record_failure("a")
    table.record_failure("a")
    table.record("a", 0.001)
    table.record("a", 0.001)
    table.record_failure("b")
    table.forget("b")

    assert [("a", 1001.0), ("a", 0.0), ("b", 1001.0), ("b", 0.0)] == heard


def test_a_broker_that_does_not_answer_a_probe_rests_on_until_it_does(
    table: FaultTable, clock: Clock
) -> None:
    table.record_failure("a")
    clock.now += 0.5
    table.rest_on("a", 6.0)
    clock.now += 5.9
    assert not table.is_available("a")
    table.rest_on("a", 6.0)
    assert 6.0 == pytest.approx(table.rests_for("a"))

    table.reached("a")
    assert table.is_available("a")


def test_a_probe_that_is_not_answered_shortens_no_rest(table: FaultTable, clock: Clock) -> None:
    for _ in range(5):
        table.record_failure("a")
        clock.now += table.rests_for("a")
    table.record_failure("a")
    assert 30.0 == pytest.approx(table.rests_for("a"))
    table.rest_on("a", 6.0)

    assert 30.0 == pytest.approx(table.rests_for("a"))
