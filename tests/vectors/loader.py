"""Finds the golden vectors by their kind, and turns them into parametrized tests.

The folder is tests/vectors/data, or the one that PYROCKETMQ_VECTORS names: same format, other cases.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest

Case = dict[str, Any]

DEFAULT_FOLDER: Final = Path(__file__).parent / "data"
FOLDER: Final = Path(os.environ.get("PYROCKETMQ_VECTORS") or DEFAULT_FOLDER)

covered: dict[str, set[str]] = {}
"""By kind, the ids of the cases that some test takes; complete once all test modules are imported."""


def load(folder: Path) -> dict[str, list[Case]]:
    """All cases of a folder by kind."""
    kinds: dict[str, list[Case]] = {}
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        assert content["format"] == 1, f"{path.name} has format {content['format']}"
        kinds.setdefault(content["kind"], []).extend(content["cases"])
    return kinds


_loaded: Final = load(FOLDER)


def cases(*kinds: str, only: str | None = None, but: str | None = None) -> pytest.MarkDecorator:
    """Run a test once per case of these kinds, with the case as the argument ``case``.

    Args:
        kinds: the kinds.
        only: take the cases that have this member.
        but: leave the cases out that have this member.
    """
    found = []
    for kind in kinds:
        taken = covered.setdefault(kind, set())
        for case in _loaded.get(kind, ()):
            if (only is None or only in case) and (but is None or but not in case):
                taken.add(case["id"])
                name = case["id"] if case["id"].startswith(kind) else f"{kind}-{case['id']}"
                found.append(pytest.param(case, id=name))
    return pytest.mark.parametrize("case", found)


def body_of(case: Case, name: str = "body_hex") -> bytes:
    """The bytes of a hexadecimal member; null is no bytes."""
    return bytes.fromhex(case[name] or "")
