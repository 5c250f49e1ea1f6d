"""The errors page explains every code, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from pyrocketmq import errors

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def error_classes() -> dict[str, str]:
    classes = [getattr(errors, name) for name in errors.__all__]
    return {cls.code: cls.__name__ for cls in classes if issubclass(cls, errors.RocketMQError)}


def test_each_code_has_one_section_named_after_its_class() -> None:
    sections = re.findall(r"^## (\w\d+): (\w+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert len(sections) == len(dict(sections))
    assert dict(sections) == error_classes()
