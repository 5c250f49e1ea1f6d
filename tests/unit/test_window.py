"""SendWindow: requests in flight, fewer when a broker is busy, more when it is not."""

from __future__ import annotations

from pyrocketmq.client.window import SendWindow


def fill(window: SendWindow) -> int:
    number = 0
    while window.has_room:
        number = window.take()
    return number


def test_it_takes_as_many_as_its_limit() -> None:
    window = SendWindow(maximum=8, first=3)

    fill(window)
    assert (3, 3, False) == (window.in_flight, window.limit, window.has_room)
    window.ended()
    assert (2, 3, True) == (window.in_flight, window.limit, window.has_room)


def test_it_grows_with_each_success_while_it_is_full_up_to_its_maximum() -> None:
    window = SendWindow(maximum=6, first=2)

    for _ in range(20):
        fill(window)
        window.succeeded()
    assert 6 == window.limit


def test_successes_of_a_window_that_is_not_full_say_nothing() -> None:
    window = SendWindow(maximum=100, first=10)

    for _ in range(50):
        window.take()
        window.succeeded()
    assert 10 == window.limit


def test_a_round_of_busy_answers_halves_it_once() -> None:
    window = SendWindow(maximum=64, first=16)
    numbers = [window.take() for _ in range(16)]

    for number in numbers:
        window.busy(number)
    assert (8, 16) == (window.limit, window.busy_answers)
    window.busy(window.take())
    assert 4 == window.limit


def test_after_a_busy_answer_it_grows_by_one_in_a_round() -> None:
    window = SendWindow(maximum=64, first=16)
    window.busy(window.take())
    window.ended()

    fill(window)
    for _ in range(8):
        window.succeeded()
        fill(window)
    assert 9 == window.limit


def test_answers_that_take_long_make_it_smaller_once_in_a_round() -> None:
    window = SendWindow(maximum=64, first=16)
    numbers = [window.take() for _ in range(16)]

    for number in numbers:
        window.succeeded(0.5, number)
    assert (12, 0, 0) == (window.limit, window.in_flight, window.busy_answers)
    window.succeeded(0.5, window.take())
    assert 9 == window.limit


def test_answers_that_are_neither_quick_nor_slow_leave_it_as_it_is() -> None:
    window = SendWindow(maximum=64, first=4)

    for _ in range(20):
        number = fill(window)
        window.succeeded(0.2, number)
    assert 4 == window.limit


def test_requests_without_an_answer_halve_it() -> None:
    window = SendWindow(maximum=64, first=16)

    window.late(window.take())
    window.ended()
    assert (8, 0) == (window.limit, window.busy_answers)


def test_it_never_closes() -> None:
    window = SendWindow(maximum=4, first=4)

    for _ in range(10):
        window.busy(window.take())
        window.ended()
    assert 1 == window.limit
    assert window.has_room
    assert {"limit": 1, "maximum": 4, "in_flight": 0, "busy_answers": 10} == window.snapshot()
