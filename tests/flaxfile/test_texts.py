"""Everything a command says is there in both languages, with the same values in it."""

from __future__ import annotations

import ast
import json
import string
from importlib import resources
from pathlib import Path

import pytest

import flaxfile
from flaxfile import errors
from flaxfile.cli.main import COMMANDS
from flaxfile.texts import say

from .commands import run

PACKAGE = Path(flaxfile.__file__).parent
CHINESE = json.loads(resources.files("flaxfile").joinpath("texts_zh.json").read_text(encoding="utf-8"))


def said() -> set[str]:
    """Every text that the sources hand to ``say``."""
    found = {command.summary for command in COMMANDS.values()}
    found |= {
        kind.name
        for kind in (getattr(errors, name) for name in errors.__all__)
        if isinstance(kind, type) and issubclass(kind, errors.FlaxError)
    }
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    found.add(str(first.value))
    # The two options of syncs are told in a loop.
    return found | {"take these although a rule ignores them", "leave these alone"}


def values_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_has_a_translation_and_no_translation_is_left_over() -> None:
    assert said() == set(CHINESE)


@pytest.mark.parametrize("text", sorted(CHINESE))
def test_a_translation_has_the_values_of_its_text(text: str) -> None:
    assert values_of(CHINESE[text]) == values_of(text)


def test_the_user_chooses_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAXFILE_LANG", "zh_CN")
    chinese = run("--help")
    assert "\u4e0a\u4f20\u6587\u4ef6" in chinese.out
    assert run("set").err.startswith("\u9519\u8bef:")
    monkeypatch.setenv("FLAXFILE_LANG", "en")
    assert say("uploaded") == "uploaded"
