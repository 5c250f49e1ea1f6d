"""A thousand times open and close: everything is as it was before."""

from __future__ import annotations

import pytest

from tests.faults.levels import KINDS, run_cycles


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_a_thousand_times_open_and_close_leave_everything_level() -> None:
    before, after = await run_cycles(1000, KINDS)

    assert before[:4] == after[:4]
    # A block for each cycle would be a leak; a few hundred are caches that fill.
    assert after.blocks - before.blocks < 500
