"""A program that is told to end under load ends, and what it was told is stored is there."""

from __future__ import annotations

import sys

import pytest

from pyrocketmq.testing import LocalRocketMQ

from .signals import run_rounds

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM")


def test_signals_at_random_moments_lose_nothing_that_was_answered(rocketmq: LocalRocketMQ) -> None:
    rounds = run_rounds(rocketmq, 4, seed=7, most_s=0.3)

    assert [] == rounds.wrong
    assert rounds.answered > 100
