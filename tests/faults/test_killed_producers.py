"""Producers killed between a half message and its end; the long form is ``tests.soak.kill_producer``."""

from __future__ import annotations

from pathlib import Path

from .killed_producers import AT_ONCE, kill_producers

KILLS = 3
INTERVAL_S = 0.5


def test_transactions_of_killed_producers_end_as_the_database_says(tmp_path: Path) -> None:
    outcome = kill_producers(tmp_path, KILLS, INTERVAL_S, "short")

    assert (outcome.kills, outcome.begun) == (KILLS, KILLS * AT_ONCE)
    assert (outcome.missing, outcome.unwanted, outcome.twice) == (set(), set(), 0)
