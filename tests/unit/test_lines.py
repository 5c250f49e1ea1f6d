"""Lines: one at a time for each key, in the order of arrival, whatever happens to those who wait."""

from __future__ import annotations

import asyncio

import pytest

from pyrocketmq.client.lines import Lines


async def test_one_at_a_time_and_in_order() -> None:
    lines = Lines()
    seen: list[int] = []
    inside = 0

    async def work(number: int) -> None:
        nonlocal inside
        place = lines.join("q")
        try:
            await place.turn()
            inside += 1
            assert 1 == inside
            await asyncio.sleep(0)
            seen.append(number)
            inside -= 1
        finally:
            place.leave()

    await asyncio.gather(*(work(number) for number in range(50)))

    assert list(range(50)) == seen
    assert 0 == len(lines)


async def test_keys_do_not_wait_for_each_other() -> None:
    lines = Lines()
    first = lines.join("a")
    second = lines.join("b")
    await asyncio.wait_for(first.turn(), 1)
    await asyncio.wait_for(second.turn(), 1)

    assert "a" in lines
    first.leave()
    second.leave()
    second.leave()
    assert "a" not in lines


async def test_one_who_gives_up_lets_the_next_one_in() -> None:
    lines = Lines()
    first, second, third = lines.join("q"), lines.join("q"), lines.join("q")
    waiting = asyncio.create_task(second.turn())
    following = asyncio.create_task(third.turn())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not following.done()
    first.leave()
    await asyncio.wait_for(following, 1)
    third.leave()

    assert 0 == len(lines)


async def test_one_who_is_cancelled_in_the_moment_of_its_turn_lets_the_next_one_in() -> None:
    lines = Lines()
    first, second, third = lines.join("q"), lines.join("q"), lines.join("q")
    waiting = asyncio.create_task(second.turn())
    following = asyncio.create_task(third.turn())
    await asyncio.sleep(0)
    first.leave()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    await asyncio.wait_for(following, 1)
    third.leave()
    assert 0 == len(lines)
