"""What FlaxFile says to people, in English and Chinese.

The English text is its own key, so code reads as it speaks; the Chinese ones stand in ``texts_zh.json``
beside this file. What an error reports in detail stays English; its kind and what a command says do not.
``FLAXFILE_LANG=zh`` chooses.
"""

from __future__ import annotations

import os
from functools import lru_cache

__all__ = ["language", "say"]


def language() -> str:
    """``zh`` or ``en``."""
    return "zh" if os.environ.get("FLAXFILE_LANG", "").lower().startswith("zh") else "en"


@lru_cache(maxsize=1)
def _chinese() -> dict[str, str]:
    import json  # noqa: PLC0415 - only who asks for Chinese needs both
    from importlib import resources  # noqa: PLC0415

    text = resources.files("flaxfile").joinpath("texts_zh.json").read_text(encoding="utf-8")
    return {str(key): str(value) for key, value in json.loads(text).items()}


def say(text: str, **values: object) -> str:
    """A text in the language of the user, with its values filled in."""
    if language() == "zh":
        text = _chinese().get(text, text)
    return text.format(**values) if values else text
