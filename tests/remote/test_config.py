"""RemoteConfig: its copies, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from pyrocketmq.errors import ConfigurationError
from pyrocketmq.remote import PRODUCTION_CONFIG, RemoteConfig


def test_a_copy_has_the_changes_and_leaves_the_original() -> None:
    changed = PRODUCTION_CONFIG.copy(timeout=10.0, max_retries=5, pool_size=20)

    assert (10.0, 5, 20) == (changed.timeout, changed.max_retries, changed.pool_size)
    assert changed.max_waiters == PRODUCTION_CONFIG.max_waiters
    assert RemoteConfig() == PRODUCTION_CONFIG != changed
    assert changed == PRODUCTION_CONFIG.copy(10.0, 5, 20)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"timeout": 0}, "timeout is 0, it must be a number from 0.001 to 86,400 seconds"),
        ({"timeout": "3"}, "timeout is '3', .* seconds"),
        ({"timeout": float("nan")}, "timeout is nan, .* seconds"),
        ({"max_retries": -1}, "max_retries is -1, .* tries after the first"),
        ({"max_retries": 1.5}, "max_retries is 1.5, it must be a whole number"),
        ({"pool_size": 0}, "pool_size is 0, .* connections"),
        ({"pool_size": True}, "pool_size is True"),
        ({"max_waiters": 0}, "max_waiters is 0, .* requests"),
        ({"retries": 3}, "RemoteConfig has no field 'retries'"),
    ],
)
def test_an_impossible_value_is_refused_with_its_unit(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        PRODUCTION_CONFIG.copy(**changes)

    assert caught.value.field == next(iter(changes))
