"""Says which folder the vectors come from; a kind that it does not have is no test, not a skipped one."""

from __future__ import annotations

import pytest

from .loader import FOLDER


def pytest_report_header() -> str:
    return f"vectors: {FOLDER}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    empty = [item for item in items if _has_no_cases(item)]
    if empty:
        config.hook.pytest_deselected(items=empty)
        items[:] = [item for item in items if item not in empty]


def _has_no_cases(item: pytest.Item) -> bool:
    return any("empty parameter set" in str(mark.kwargs.get("reason")) for mark in item.iter_markers("skip"))
