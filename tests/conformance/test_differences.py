"""The list of differences and the tests name the same behaviours."""

from __future__ import annotations

import re
from pathlib import Path

from tests.servers import KINDS

from .differences import DIFFERENCES

ASKED = re.compile(r"""(?:differs|where|unless)\(\s*"([a-z0-9-]+)"\s*\)""")


def test_every_listed_difference_is_asserted_by_a_test_and_every_assertion_is_listed() -> None:
    folder = Path(__file__).parent
    asked = {
        name for path in folder.glob("test_*.py") for name in ASKED.findall(path.read_text(encoding="utf-8"))
    }

    assert asked == set(DIFFERENCES)


def test_every_difference_names_a_server_and_says_why() -> None:
    for difference in DIFFERENCES.values():
        assert difference.servers
        assert set(difference.servers) < set(KINDS)
        assert all(text.strip() for text in (difference.rule, difference.instead, difference.reason))
