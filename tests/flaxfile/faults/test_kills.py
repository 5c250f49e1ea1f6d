"""One round of each kind of what the soak program does two hundred times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flaxfile.faults.kills import Killing

MIB = 1 << 20


@pytest.mark.parametrize("verb", ["up", "down"])
@pytest.mark.parametrize("victim", ["client", "server"])
def test_a_kill_leaves_a_whole_version_and_a_part_that_is_continued(
    tmp_path: Path, verb: str, victim: str
) -> None:
    killing = Killing(tmp_path, 32 * MIB, 100 * MIB, seed=len(verb) * 10 + len(victim))
    try:
        killing.round(verb, victim)
    finally:
        killing.close()

    assert [] == killing.outcome.faults
    assert all(share <= 0.3 for share in killing.outcome.sent_again)
