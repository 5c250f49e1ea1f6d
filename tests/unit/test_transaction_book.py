"""What a producer remembers of its own transactions."""

from __future__ import annotations

import pytest

from pyrocketmq.producer.transaction import Commit, HalfPlace, TransactionMetadata
from pyrocketmq.producer.transaction_book import TransactionBook


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def begin(book: TransactionBook, unique_id: str, timeout: float | None = 60.0) -> TransactionMetadata:
    return book.begin(
        f"tx-{unique_id}", unique_id, "T", broker_name="broker-a", place=HalfPlace(1, 100), timeout=timeout
    )


def test_a_transaction_is_under_way_until_it_is_decided(clock: Clock) -> None:
    book = TransactionBook(clock=clock)
    begun = begin(book, "A")
    assert book.under_way() == [begun]

    book.decide(begun, Commit)

    assert book.under_way() == []
    assert book.find("A") is begun
    assert begun.state is Commit


def test_a_local_part_counts_as_going_on_only_for_its_time(clock: Clock) -> None:
    book = TransactionBook(clock=clock)
    short, endless = begin(book, "A", 10.0), begin(book, "B", None)

    clock.now = 9.9
    assert book.is_under_way(short)
    clock.now = 10.0
    assert not book.is_under_way(short)
    assert book.is_under_way(endless)


def test_a_check_gives_the_end_its_newest_place(clock: Clock) -> None:
    book = TransactionBook(clock=clock)
    begun = begin(book, "A")
    place = begun.place

    assert book.asked("A", HalfPlace(5, 500)) is begun
    assert book.asked("A", HalfPlace(6, 600)) is begun

    assert place == HalfPlace(6, 600)  # what an end on its way goes by
    assert begun.checks == 2


def test_others_are_not_known(clock: Clock) -> None:
    assert TransactionBook(clock=clock).asked("Z", HalfPlace(1, 1)) is None


def test_decided_ones_are_forgotten_when_there_are_many(clock: Clock) -> None:
    book = TransactionBook(clock=clock, kept=3)
    for name in "ABCDE":
        book.decide(begin(book, name), Commit)

    assert [name for name in "ABCDE" if book.find(name)] == ["C", "D", "E"]


def test_only_those_beyond_their_time_are_forgotten_before_they_are_decided(clock: Clock) -> None:
    book = TransactionBook(clock=clock, kept=2)
    for name in "ABC":
        begin(book, name, 10.0)
    assert len(book) == 3

    clock.now = 20.0
    begin(book, "D", 10.0)

    assert [metadata.unique_id for metadata in book.under_way()] == ["C", "D"]
